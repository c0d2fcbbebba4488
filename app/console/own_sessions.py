"""The page on which people see where they are signed in, and end what they do not know."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.console.pages import page, section, visitor, writing
from app.directory import sessions
from app.directory.errors import NotFound
from app.lists import sessions as lists
from app.security.requests import settings

blueprint = section("own_sessions", __name__, "/me/sessions")

SHOWN = 50
REASON = "ended by its owner"
_BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome"}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


@blueprint.get("")
@page()
def listed() -> str:
    """Show the person their sessions, the newest first."""
    person = visitor().person
    found = lists.listed(
        person.account_id,
        settings(),
        user=person.user_id,
        cursor=request.args.get("cursor"),
        limit=SHOWN,
    )
    return render_template(
        "console/me/sessions.html", person=person, sessions=found, device_of=device_of
    )


@blueprint.post("/<session_id>/end")
@page()
def end(session_id: str) -> Response:
    """End one session of the person's own."""
    with writing() as work:
        if not sessions.revoke(work, session_id, reason=REASON, user_id=visitor().person.user_id):
            raise NotFound("session", session_id)
    flash(_("The session has ended."), "success")
    return redirect(url_for("own_sessions.listed"), 303)


@blueprint.post("/end-others")
@page()
def end_others() -> Response:
    """End every session of the person but the one that asks."""
    person = visitor().person
    with writing() as work:
        count = sessions.revoke_others(work, person.user_id, person.session_id, reason=REASON)
    flash(ngettext("One session has ended.", "%(num)s sessions have ended.", count), "success")
    return redirect(url_for("own_sessions.listed"), 303)


def device_of(user_agent: str) -> str:
    """Return a name people know for what a browser says of itself."""
    browser = next((name for token, name in _BROWSERS.items() if token in user_agent), "")
    if not browser and "Safari/" in user_agent:
        browser = "Safari"
    system = next((name for token, name in _SYSTEMS.items() if token in user_agent), "")
    if browser and system:
        return str(_("%(browser)s on %(system)s", browser=browser, system=system))
    return browser or system or str(_("An unknown program"))
