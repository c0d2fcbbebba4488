"""One folder: what lies in it, who has it and whence, sharing it, and what else can be done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from app.access.folders import VISIBLE
from app.access.tree import path_of, reaching, ways_up
from app.access.who import who_can
from app.console import asked
from app.console.forms import LONGEST_NAME, PathField, PrincipalForm, VersionField
from app.console.giving import SHARING, role_choices
from app.console.naming import folder_at, principal
from app.console.pages import Visitor, answered, attempt, page, previewed, section, visitor, writing
from app.directory import folders, grants
from app.directory.errors import existing
from app.directory.work import Work
from app.lists import folders as lists
from app.lists import grants as grant_lists
from app.lists.grants import GrantFilter

blueprint = section("folder", __name__, "/folders/<folder_id>")

SHOWN = 50
INHERITED_SHOWN = 50
"""How many grants of each folder above are shown."""


class ShareForm(PrincipalForm):
    role = SelectField(_l("Role"), default="viewer")


class FolderForm(FlaskForm):
    name = StringField(_l("Name"), [DataRequired(), Length(1, LONGEST_NAME)])
    version = VersionField()


class NewFolderForm(FolderForm):
    restricted = BooleanField(_l("Grants above do not reach it"))


class MoveForm(FlaskForm):
    to = PathField(
        _l("Into the folder"), [DataRequired()], description=_l("Its path, such as /Brand/2026.")
    )
    version = VersionField()


@blueprint.get("")
@page()
def shown(folder_id: str) -> str:
    """Show what lies in a folder and, to who may share it, who has it."""
    who, folder = visitor(), _read(folder_id)
    way = ways_up(who.account_id, [folder_id])[folder_id]
    inside = lists.listed(
        who.account_id, parent=folder_id, cursor=request.args.get("cursor"), limit=SHOWN
    )
    restricted = [each["id"] for each in inside.items if each["restricted"]]
    open_to_them = who.among(VISIBLE, restricted)
    permitted = who.on(folder_id)
    return render_template(
        "console/folders/folder.html",
        folder=folder,
        crumbs=_crumbs(who, way),
        inside=inside,
        seen=[
            each for each in inside.items if not each["restricted"] or each["id"] in open_to_them
        ],
        permitted=permitted,
        held=_held(who, way) if SHARING in permitted or who.may("user.view") else None,
        is_root=folder["parent_id"] is None,
    )


@blueprint.get("/people")
@page()
def people(folder_id: str) -> str:
    """Show who sees the folder, and through which grants."""
    who, folder = visitor(), _read(folder_id)
    if not who.may("report.view"):
        who.must(SHARING, folder_id)
    after = asked.id_("after")
    found = who_can(who.account_id, VISIBLE, folder_id, after=after, limit=SHOWN + 1)
    return render_template(
        "console/folders/people.html",
        folder=folder,
        people=found[:SHOWN],
        next=found[SHOWN - 1].user_id if len(found) > SHOWN else None,
    )


@blueprint.route("/share", methods=["GET", "POST"])
@page()
def share(folder_id: str) -> str | Response:
    """Give somebody a role here. What it changes is shown before it is saved."""
    who, folder = visitor(), _read(folder_id)
    who.must(SHARING, folder_id)
    form = ShareForm()
    form.role.choices = role_choices(who.account_id, "folder")

    def give(work: Work) -> grants.Given:
        to = principal(form.type.data, form.name.data, "name")
        return grants.give(work, to, form.role.data, folder_id, **form.terms)

    given, seen = answered(form, give)
    if given is not None:
        flash(_("The folder is shared."), "success")
        return redirect(url_for("folder.shown", folder_id=folder_id), 303)
    way = ways_up(who.account_id, [folder_id])[folder_id]
    return render_template(
        "console/folders/share.html", form=form, folder=folder, preview=seen, held=_held(who, way)
    )


@blueprint.route("/new", methods=["GET", "POST"])
@page()
def new(folder_id: str) -> str | Response:
    """Make a folder in this one."""
    who, folder = visitor(), _read(folder_id)
    who.must("folder.create_child", folder_id)
    form = NewFolderForm()
    if form.validate_on_submit():
        if form.restricted.data:
            who.must("folder.restrict", folder_id)
        options = {"restricted": form.restricted.data}
        made = attempt(
            form, lambda work: folders.create(work, folder_id, form.name.data, **options)
        )
        if made is not None:
            flash(_("The folder is there."), "success")
            return redirect(url_for("folder.shown", folder_id=made), 303)
    return render_template("console/folders/new.html", form=form, folder=folder)


@blueprint.route("/rename", methods=["GET", "POST"])
@page()
def rename(folder_id: str) -> str | Response:
    """Give the folder another name."""
    folder = _read(folder_id)
    visitor().must("folder.rename", folder_id)
    form = FolderForm(data=folder)
    if form.validate_on_submit():
        done = attempt(form, lambda work: _replace(work, folder_id, form, name=form.name.data))
        if done:
            return redirect(url_for("folder.shown", folder_id=folder_id), 303)
    return render_template("console/folders/rename.html", form=form, folder=folder)


@blueprint.route("/move", methods=["GET", "POST"])
@page()
def move(folder_id: str) -> str | Response:
    """Move the folder elsewhere. Who gains and loses what is shown before."""
    folder = _read(folder_id)
    visitor().must("folder.move", folder_id)
    form = MoveForm(version=folder["version"])

    def do(work: Work) -> bool:
        into = folder_at(form.to.data, "to", "folder.create_child")
        return _replace(work, folder_id, form, parent_id=into)

    done, seen = answered(form, do)
    if done:
        flash(_("The folder is moved."), "success")
        return redirect(url_for("folder.shown", folder_id=folder_id), 303)
    return render_template("console/folders/move.html", form=form, folder=folder, preview=seen)


@blueprint.route("/restrict", methods=["GET", "POST"])
@page()
def restrict(folder_id: str) -> str | Response:
    """Cut the folder off from the grants above it, or open it to them; the change shown before."""
    folder = _read(folder_id)
    visitor().must("folder.restrict", folder_id)
    form = FolderForm(name=folder["name"], version=folder["version"])

    def do(work: Work) -> bool:
        return _replace(work, folder_id, form, restricted=not folder["restricted"])

    seen = None
    if not form.is_submitted():
        seen = previewed(form, do)
    elif form.validate() and attempt(form, do):
        flash(_("It counts from now on."), "success")
        return redirect(url_for("folder.shown", folder_id=folder_id), 303)
    return render_template("console/folders/restrict.html", form=form, folder=folder, preview=seen)


@blueprint.post("/delete")
@page()
def delete(folder_id: str) -> Response:
    """Delete a folder that holds no other."""
    folder = _read(folder_id)
    visitor().must("folder.delete", folder_id)
    with writing() as work:
        folders.delete(work, folder_id)
    flash(_("%(name)s is deleted.", name=folder["path"]), "success")
    return redirect(url_for("folders.tree"), 303)


def _read(folder_id: str) -> dict[str, Any]:
    """Return what is shown of a folder to who may see it.

    :raises NotFound: When there is none, for them.
    """
    visitor().must(VISIBLE, folder_id)
    return existing(lists.one(visitor().account_id, folder_id), "folder", folder_id)


def _crumbs(who: Visitor, way: list[Any]) -> list[tuple[str, str | None]]:
    """Return the way down to a folder. Those above that are not shared have no link."""
    above = [step for step in reversed(way[1:]) if step.parent_id is not None]
    seen = who.among(VISIBLE, [step.id for step in above])
    linked = [
        (step.name, url_for("folder.shown", folder_id=step.id) if step.id in seen else None)
        for step in above
    ]
    return [(_("Folders"), url_for("folders.tree")), *linked]


def _held(who: Visitor, way: list[Any]) -> list[dict[str, Any]]:
    """Return the grants given here and above, place by place, the nearest first."""
    reached = {step.id for step in reaching(way)}
    found = []
    for depth, step in enumerate(way):
        rows = grant_lists.listed(
            who.account_id, GrantFilter(folder=step.id), limit=INHERITED_SHOWN
        )
        if rows.items or depth == 0:
            path = path_of(way[depth:])
            place = {"path": path, "here": depth == 0, "reaches": step.id in reached}
            found.append(place | {"rows": rows.items, "more": bool(rows.next)})
    return found


def _replace(work: Work, folder_id: str, form: Any, **changes: Any) -> bool:
    stored = folders.profile_of(work.account_id, folder_id)
    folders.replace(work, folder_id, replace(stored, **changes), expected_version=form.version.data)
    return True
