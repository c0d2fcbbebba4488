"""Suggestions while somebody types a name, and the search over everything at the top."""

from __future__ import annotations

from typing import Any

from flask import jsonify, render_template
from werkzeug.exceptions import NotFound as NoPage
from werkzeug.wrappers import Response

from app.console import asked
from app.console.pages import Visitor, page, section, visitor
from app.lists import folders, groups, users
from app.lists.groups import GroupFilter
from app.lists.users import UserFilter

blueprint = section("finder", __name__, "/find")

SUGGESTED = 10
NEEDED = {"user": "user.view", "group": "group.view", "folder": "folder.view"}
"""The permission to find any of a type."""


@blueprint.get("")
@page()
def found() -> str:
    """Show the people, groups and folders whose name begins so."""
    words = asked.text("q")
    results = {type_: _found(visitor(), type_, words) for type_ in NEEDED} if words else {}
    return render_template("console/found.html", asked=words, results=results)


@blueprint.get("/<any(user, group, folder):type_>")
@page()
def suggested(type_: str) -> Response:
    """Return names that begin so, for a field: ``[{"value": …, "label": …}]``."""
    words = asked.text("q")
    if not words:
        raise NoPage
    rows = _found(visitor(), type_, words)
    return jsonify([{"value": row["name"], "label": row["label"]} for row in rows])


def _found(who: Visitor, type_: str, words: str) -> list[dict[str, Any]]:
    """Return what somebody may know of whose name begins so; the first few."""
    if not who.may(NEEDED[type_]):
        return []
    account_id = who.account_id
    if type_ == "user":
        rows = users.listed(account_id, UserFilter(prefix=words), limit=SUGGESTED).items
        return [_row(row, row["user_name"], row["display_name"]) for row in rows]
    if type_ == "group":
        rows = groups.listed(account_id, GroupFilter(prefix=words), limit=SUGGESTED).items
        return [_row(row, row["display_name"], row["connection"]) for row in rows]
    rows = folders.listed(account_id, prefix=words.strip("/"), limit=SUGGESTED).items
    return [_row(row, row["path"], row["name"]) for row in rows]


def _row(row: dict[str, Any], name: str, label: str | None) -> dict[str, Any]:
    return {"id": row["id"], "name": name, "label": label or ""}
