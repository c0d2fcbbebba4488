"""What the account requires of a sign-in: SAML, a second factor, and of whom."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from app.console.pages import page, section, visitor, writing
from app.directory import roles as directory_roles
from app.directory.account_settings import SWITCHES
from app.directory.errors import NotFound
from app.lists import accounts as lists
from app.lists import roles, users
from app.lists.users import UserFilter
from app.words import say

blueprint = section("policy", __name__, "/sign-in-rules")

BREAK_GLASS_SHOWN = 20
ROLES_SHOWN = 500


@blueprint.get("")
@page("settings.manage")
def shown() -> str:
    """Show what is required, and of whom."""
    account_id = visitor().account_id
    break_glass = UserFilter(break_glass=True)
    return render_template(
        "console/policy.html",
        account=lists.one(account_id),
        roles=roles.listed(account_id, limit=ROLES_SHOWN).items,
        break_glass=users.listed(account_id, break_glass, limit=BREAK_GLASS_SHOWN).items,
    )


@blueprint.post("/<setting>")
@page("settings.manage")
def switch(setting: str) -> Response:
    """Switch one of the account's settings on or off."""
    if setting not in SWITCHES:
        raise NotFound("setting", setting[:36])
    with writing() as work:
        SWITCHES[setting](work, _wanted())
    return _done()


@blueprint.post("/roles/<role_id>")
@page("role.manage")
def switch_role(role_id: str) -> Response:
    """Ask who holds a role for a second factor, or no more."""
    with writing() as work:
        directory_roles.require_second_factor(work, role_id, _wanted())
    return _done()


def _wanted() -> bool:
    wanted: Any = {"on": True, "off": False}.get(request.form.get("wanted", ""))
    if wanted is None:
        raise BadRequest(say("Say whether it is to be on or off."))
    return bool(wanted)


def _done() -> Response:
    flash(_("It counts from now on."), "success")
    return redirect(url_for("policy.shown"), 303)
