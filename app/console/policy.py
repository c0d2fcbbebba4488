"""What the account requires of a sign-in: SAML, a second factor, and of whom."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from app.console.pages import page, section, visitor, writing
from app.directory import roles as directory_roles
from app.directory import sign_in_preview
from app.directory.account_settings import SWITCHES
from app.directory.errors import NotFound, existing
from app.directory.sign_in_preview import Asker
from app.lists import accounts as lists
from app.lists import roles, users
from app.lists.users import UserFilter
from app.security.requests import settings
from app.words import say

blueprint = section("policy", __name__, "/sign-in-rules")

BREAK_GLASS_SHOWN = 20
ROLES_SHOWN = 500


@blueprint.get("")
@page("settings.manage")
def shown() -> str:
    """Show what is required, and of whom."""
    account_id = visitor().account_id
    return render_template(
        "console/policy/rules.html",
        account=lists.one(account_id),
        roles=roles.listed(account_id, limit=ROLES_SHOWN).items,
        break_glass=_break_glass(account_id),
    )


@blueprint.get("/<any(requires_saml, requires_second_factor):rule>")
@page("settings.manage")
def asked(rule: str) -> str:
    """Show whom a rule would shut out or sign out, with the button that switches it on."""
    account_id = visitor().account_id
    if rule == "requires_saml":
        found = sign_in_preview.of_requiring_saml(_asker(), settings())
    else:
        found = sign_in_preview.of_requiring_second_factor(_asker(), settings())
    return render_template(
        "console/policy/rule.html",
        rule=rule,
        found=found,
        counted=sign_in_preview.COUNTED,
        action=url_for("policy.switch", setting=rule),
        break_glass=_break_glass(account_id),
        role=None,
    )


@blueprint.post("/<setting>")
@page("settings.manage")
def switch(setting: str) -> Response:
    """Switch one of the account's settings on or off."""
    if setting not in SWITCHES:
        raise NotFound("setting", setting[:36])
    wanted = _wanted()
    if wanted and setting == "requires_saml" and "confirm" not in request.form:
        found = sign_in_preview.of_requiring_saml(_asker(), settings())
        if found.is_asker_without:
            flash(
                _("It would shut you out. Say that you mean it, or break glass yourself."), "danger"
            )
            return redirect(url_for("policy.asked", rule=setting), 303)
    with writing() as work:
        SWITCHES[setting](work, wanted)
    return _done()


@blueprint.get("/roles/<role_id>")
@page("role.manage")
def asked_of_role(role_id: str) -> str:
    """Show of whom a second factor would be required who hold a role, with the button."""
    role = existing(roles.one(visitor().account_id, role_id), "role", role_id)
    return render_template(
        "console/policy/rule.html",
        rule="requires_second_factor",
        found=sign_in_preview.of_requiring_second_factor(_asker(), settings(), role_id),
        counted=sign_in_preview.COUNTED,
        action=url_for("policy.switch_role", role_id=role_id),
        break_glass=[],
        role=role,
    )


@blueprint.post("/roles/<role_id>")
@page("role.manage")
def switch_role(role_id: str) -> Response:
    """Ask who holds a role for a second factor, or no more."""
    with writing() as work:
        directory_roles.require_second_factor(work, role_id, _wanted())
    return _done()


def _asker() -> Asker:
    who = visitor().person
    return Asker(who.account_id, who.user_id, who.session_id)


def _break_glass(account_id: str) -> list[dict[str, Any]]:
    wanted = UserFilter(break_glass=True, enabled=True)
    return users.listed(account_id, wanted, limit=BREAK_GLASS_SHOWN).items


def _wanted() -> bool:
    wanted: Any = {"on": True, "off": False}.get(request.form.get("wanted", ""))
    if wanted is None:
        raise BadRequest(say("Say whether it is to be on or off."))
    return bool(wanted)


def _done() -> Response:
    flash(_("It counts from now on."), "success")
    return redirect(url_for("policy.shown"), 303)
