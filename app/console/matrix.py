"""The matrix of groups and folders: what each group may do where, a level of the tree at a time.

The first column is the folder that is open, the others are those right in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Response, render_template, request, url_for
from flask_babel import force_locale
from flask_babel import gettext as _

from app.access import matrix
from app.access.matrix import Cell
from app.access.permissions import DESCRIPTIONS
from app.access.tree import Step, ways_up
from app.console import asked
from app.console.pages import page, section, visitor
from app.console.telling import role
from app.directory import folders
from app.directory.errors import existing
from app.downloads import attachment
from app.lists import folders as folder_lists
from app.lists import groups as group_lists
from app.lists import spreadsheets
from app.lists.groups import GroupFilter
from app.lists.paging import Page

blueprint = section("matrix", __name__, "/matrix")

GROUPS_SHOWN = 40
FOLDERS_SHOWN = 20
GROUPS_EXPORTED = 500
FOLDERS_EXPORTED = 100
SIGNS = {"viewer": "V", "contributor": "C", "editor": "E", "manager": "M"}
"""What stands in a cell for each built-in role."""


@dataclass(frozen=True)
class Level:
    """What is shown at once."""

    folder: dict[str, Any]
    """The one that is open."""
    groups: Page[dict[str, Any]]
    folders: Page[dict[str, Any]]
    cells: dict[matrix.Place, Cell]

    @property
    def columns(self) -> list[dict[str, Any]]:
        return [self.folder, *self.folders.items]


@blueprint.get("")
@page("report.view")
def shown() -> str:
    """Show what groups may do on the folder ``in``, or on the root, and on those right in it."""
    level = _level(GROUPS_SHOWN, FOLDERS_SHOWN)
    way = ways_up(visitor().account_id, [level.folder["id"]])[level.folder["id"]]
    return render_template(
        "console/matrix/level.html",
        level=level,
        crumbs=[(_name(step), _address("matrix.shown", step.id)) for step in reversed(way[1:])],
        name=_name(way[0]),
        address=_address,
        words=_words(level),
        sign_of=sign_of,
        signs=SIGNS,
        most={"groups": GROUPS_EXPORTED, "folders": FOLDERS_EXPORTED},
    )


@blueprint.post("/export")
@page("report.view")
def export() -> Response:
    """Hand out the level as CSV, from its first group and folder on, with all that fits.

    In English, as all exports are.
    """
    level = _level(GROUPS_EXPORTED, FOLDERS_EXPORTED)
    with force_locale("en"):
        text = "".join(_lines(level))
    return attachment(text, spreadsheets.CONTENT_TYPE, "matrix.csv")


@blueprint.get("/<folder_id>/<group_id>")
@page("report.view")
def why(folder_id: str, group_id: str) -> str:
    """Show what a group may do on a folder, and who gave it that."""
    account_id = visitor().account_id
    folder = existing(folder_lists.one(account_id, folder_id), "folder", folder_id)
    group = existing(group_lists.one(account_id, group_id), "group", group_id)
    return render_template(
        "console/matrix/why.html",
        folder=folder,
        group=group,
        reasons=matrix.reasons(account_id, group_id, folder_id),
        descriptions=DESCRIPTIONS,
    )


def sign_of(cell: Cell) -> str:
    """Return the letter that stands in a cell for what is permitted; empty: nothing is."""
    if cell.role is None:
        return str(_("own")) if cell.is_more else ""
    return f"{SIGNS[cell.role]}{'+' if cell.is_more else ''}"


def words_of(cell: Cell) -> str:
    """Return what a cell says, for who does not see it and for a spreadsheet."""
    said = []
    if cell.role is not None:
        name = role(cell.role)
        said.append(_("%(role)s and more", role=name) if cell.is_more else name)
    elif cell.is_more:
        said.append(_("a role of your own"))
    if said:
        said.append(_("given here") if cell.here else _("from above"))
    if cell.cut_off:
        said.append(_("cut off from what is given above"))
    if cell.below:
        said.append(_("something is given further down"))
    return ", ".join(said)


def _level(groups: int, columns: int) -> Level:
    """Return the level the query asks for.

    :param groups: How many at the most; ``columns``: how many of the folders in the open one.
    """
    account_id = visitor().account_id
    folder_id = asked.id_("in") or folders.root_of(account_id)
    folder = existing(folder_lists.one(account_id, folder_id), "folder", folder_id)
    only = folder_id if request.args.get("only") else None
    found = group_lists.listed(
        account_id,
        GroupFilter(prefix=asked.text("prefix"), holding=only),
        cursor=request.args.get("cursor"),
        limit=groups,
    )
    inside = folder_lists.listed(
        account_id, parent=folder_id, cursor=request.args.get("columns"), limit=columns
    )
    ids = [each["id"] for each in (folder, *inside.items)]
    cells = matrix.cells(account_id, [each["id"] for each in found.items], ids)
    return Level(folder, found, inside, cells)


def _words(level: Level) -> dict[Cell, str]:
    """Return what the cells of a level say; most say the same as others."""
    return {cell: words_of(cell) for cell in set(level.cells.values())}


def _lines(level: Level) -> Iterator[str]:
    words = _words(level)
    yield spreadsheets.line([_("Group"), *(folder["path"] for folder in level.columns)])
    for group in level.groups.items:
        cells = [level.cells[group["id"], folder["id"]] for folder in level.columns]
        yield spreadsheets.line([group["display_name"], *(words[cell] for cell in cells)])


def _name(step: Step) -> str:
    return _("All folders") if step.parent_id is None else step.name


def _address(endpoint: str, folder_id: str) -> str:
    """Return where a level is shown or exported, of the groups that are looked for now."""
    kept: dict[str, Any] = {name: request.args.get(name) or None for name in ("prefix", "only")}
    return url_for(endpoint, **kept | {"in": folder_id})
