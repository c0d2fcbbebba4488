"""What was deleted, and can be brought back."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from app.console import asked
from app.console.pages import needed, page, section, visitor, writing
from app.console.telling import told
from app.directory.errors import NotFound
from app.directory.restoring import NEEDED, restore
from app.lists import trash as lists

blueprint = section("trash", __name__, "/trash")

SHOWN = 50


@blueprint.get("")
@page()
def listed() -> str:
    """List what was deleted of one type, the newest first."""
    who = visitor()
    types = [type_ for type_, action in NEEDED.items() if who.may(action)]
    if not types:
        raise Forbidden(needed(NEEDED["user"]))
    type_ = asked.one_of("type", types) or types[0]
    found = lists.listed(
        who.account_id, type_=type_, cursor=request.args.get("cursor"), limit=SHOWN
    )
    return render_template("console/trash.html", found=found, types=types, type=type_)


@blueprint.post("/<tombstone_id>/restore")
@page()
def bring_back(tombstone_id: str) -> Response:
    """Bring back a person, a group or a folder, with its memberships and grants given by hand."""
    who = visitor()
    found = lists.one(who.account_id, tombstone_id)
    if found is None or not who.may(NEEDED[found["type"]]):
        raise NotFound("deleted user, group or folder", tombstone_id)
    with writing() as work:
        restored = restore(work, tombstone_id)
    flash(_("%(name)s is back.", name=restored.target.name), "success")
    if restored.left_out:
        what = "; ".join(map(told, restored.left_out))
        flash(_("What did not come back: %(what)s", what=what), "warning")
    return redirect(url_for("trash.listed", type=found["type"]), 303)
