"""One person: what they are, what they may do and why, where they are signed in."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from app.access.explanation import explain
from app.access.folders import VISIBLE
from app.access.membership import chains_of
from app.access.permissions import ACTIONS, DESCRIPTIONS, FOLDER_ACTIONS
from app.access.reach import Branch, branch_of
from app.console import asked
from app.console.forms import LONGEST_NAME
from app.console.own_sessions import device_of
from app.console.pages import back, page, section, visitor, writing
from app.console.telling import told
from app.directory import (
    details,
    factors,
    folders,
    invitations,
    provisioning_log,
    requiring_saml,
    sessions,
    users,
)
from app.directory.errors import NotFound, existing
from app.invitation_mails import link_of
from app.lists import about_user, audit, grants, groups
from app.lists import sessions as session_lists
from app.lists import users as lists
from app.lists.audit import AuditFilter
from app.lists.grants import GrantFilter
from app.lists.groups import GroupFilter
from app.security.requests import settings

blueprint = section("person", __name__, "/people/<user_id>")

SHOWN = 50
BRANCH_SHOWN = 100
LOG_SHOWN = 10
LONGEST_PATH = 2048
REASON = "ended by an administrator"
PURPOSES = ("invitation", "reset")


class JoinForm(FlaskForm):
    """The group somebody is to be in."""

    group = StringField(
        _l("Add to a group"),
        [DataRequired(), Length(1, LONGEST_NAME)],
        render_kw={"data-suggest": "group", "autocomplete": "off"},
    )


@blueprint.get("")
@page("user.view")
def shown(user_id: str) -> str:
    """Show what somebody is and holds; with ``action``, why they may do it on ``folder``."""
    return person_page(user_id, JoinForm())


@blueprint.get("/reach")
@page("user.view")
def reached(user_id: str) -> str:
    """Show a branch of what they reach: what lies in the folder ``in``, or in the root."""
    user, branch = _read(user_id), _branch(user_id, asked.id_("in"))
    return render_template("console/people/reach.html", user=user, branch=branch)


def person_page(user_id: str, join: JoinForm) -> str:
    """Return the page of a person.

    :param join: The form that puts them into a group.
    """
    who, user = visitor(), _read(user_id)
    account_id = who.account_id
    branch = _branch(user_id, None)
    held = frozenset().union(*(each.grant.permissions for each in branch.on_account))
    return render_template(
        "console/people/person.html",
        user=user,
        details=details.read(account_id, user_id),
        standing=about_user.standing_of(account_id, user_id),
        factors=factors.listed(account_id, user_id),
        groups=groups.listed(
            account_id, GroupFilter(user=user_id), cursor=request.args.get("groups"), limit=SHOWN
        ),
        chains=chains_of(account_id, user_id),
        join=join,
        grants=grants.listed(
            account_id, GrantFilter(user=user_id), cursor=request.args.get("grants"), limit=SHOWN
        ),
        branch=branch,
        more_than_visitor=sorted(held - who.permissions),
        why=_why(user_id),
        descriptions=DESCRIPTIONS,
        sessions=session_lists.listed(account_id, settings(), user=user_id, limit=SHOWN).items,
        open=session_lists.open_of(account_id, settings(), user_id),
        device_of=device_of,
        log=_log(user_id) if who.may("connection.view") else None,
        events=_events(user_id) if who.may("audit.view") else None,
    )


@blueprint.post("/<any(deactivate, activate):do>")
@page("user.manage")
def switch(user_id: str, do: str) -> Response:
    """Deactivate somebody, who is out at once, or let them in again."""
    user = _read(user_id)
    with writing() as work:
        users.set_active(work, user_id, do == "activate")
    said = {
        "deactivate": _("%(name)s is out: every session has ended.", name=user["user_name"]),
        "activate": _("%(name)s may sign in again.", name=user["user_name"]),
    }
    flash(said[do], "success")
    return _shown(user_id)


@blueprint.post("/sessions/end")
@page("user.manage")
def end_sessions(user_id: str) -> Response:
    """Sign somebody out everywhere, or out of the one session the form names."""
    _read(user_id)
    session_id = request.form.get("session", "")[:36]
    with writing() as work:
        if not session_id:
            sessions.revoke_all(work, user_id, reason=REASON)
        elif not sessions.revoke(work, session_id, reason=REASON, user_id=user_id):
            raise NotFound("open session", session_id)
    flash(_("They are signed out."), "success")
    return _shown(user_id)


@blueprint.post("/second-factors/reset")
@page("user.manage")
def reset_factors(user_id: str) -> Response:
    """Take all second factors from somebody who lost them."""
    _read(user_id)
    with writing() as work:
        factors.reset(work, user_id, "They lost them.")
    flash(_("Their second factors are gone. At the next sign-in they set up a new one."), "success")
    return _shown(user_id)


@blueprint.post("/break-glass")
@page("settings.manage")
def break_glass(user_id: str) -> Response:
    """Say whether somebody may sign in without SAML where the account requires it."""
    _read(user_id)
    wanted = request.form.get("wanted", "")
    if wanted not in ("on", "off"):
        raise BadRequest(_("Say whether it is to be on or off."))
    with writing() as work:
        requiring_saml.set_break_glass(work, user_id, wanted == "on")
    return _shown(user_id)


@blueprint.post("/link")
@page("user.manage")
def link(user_id: str) -> str:
    """Make a link to choose a password with, and show it this once."""
    user, purpose = _read(user_id), request.form.get("purpose", "")
    if purpose not in PURPOSES:
        raise BadRequest(_("Say what the link is for."))
    with writing() as work:
        secret = invitations.create(work, user_id, purpose)
    return render_template("console/people/link.html", user=user, link=link_of(secret))


@blueprint.post("/delete")
@page("user.manage")
def delete(user_id: str) -> Response:
    """Delete somebody with their sessions, memberships and grants."""
    user = _read(user_id)
    with writing() as work:
        users.delete(work, user_id)
    name = user["user_name"]
    flash(_("%(name)s is deleted. For 30 days the trash can bring it back.", name=name), "success")
    return redirect(url_for("people.listed"), 303)


def _read(user_id: str) -> dict[str, Any]:
    return existing(lists.one(visitor().account_id, user_id), "user", user_id)


def _shown(user_id: str) -> Response:
    return back(url_for("person.shown", user_id=user_id))


def _why(user_id: str) -> dict[str, Any] | None:
    """Return the answer to why they may, or may not, do what the query asks."""
    action, path = request.args.get("action", ""), request.args.get("folder", "").strip()
    if action not in ACTIONS or not visitor().may("report.view"):
        return None
    account_id, folder_id = visitor().account_id, None
    if action in FOLDER_ACTIONS:
        try:
            folder_id = folders.find_by_path(account_id, path[:LONGEST_PATH] or "/")
        except NotFound as error:
            return {"problem": told(error)}
    return {"told": explain(account_id, user_id, action, folder_id)}


def _branch(user_id: str, folder_id: str | None) -> Branch:
    """Return what they reach in a folder.

    What is cut off is listed for those alone who may know of every folder.

    :raises NotFound: When they reach nothing there.
    """
    who = visitor()
    folder_id = folder_id or folders.root_of(who.account_id)
    branch = branch_of(
        who.account_id,
        user_id,
        folder_id,
        with_cut_off=who.may(VISIBLE),
        after=asked.text("after"),
        limit=BRANCH_SHOWN,
    )
    return existing(branch, "folder", folder_id)


def _log(user_id: str) -> list[Any]:
    return provisioning_log.find(visitor().account_id, user=user_id, limit=LOG_SHOWN)


def _events(user_id: str) -> list[dict[str, Any]]:
    wanted = AuditFilter(target_type="user", target=user_id)
    return audit.listed(visitor().account_id, wanted, limit=LOG_SHOWN).items
