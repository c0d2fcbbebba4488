"""The page on which people see where they are signed in, and end what they do not know."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from app.console.person import actor, signed_in_person, take_refused_cookie_back
from app.directory import sessions
from app.directory.work import transaction
from app.security.requests import settings
from app.security.sessions import SignedIn

blueprint = Blueprint("own_sessions", __name__, url_prefix="/me/sessions")
blueprint.after_request(take_refused_cookie_back)

_METHODS = {
    "saml": "through your company",
    "link": "with a sign-in link",
    "password": "with a password",
}
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
def listed() -> Response:
    """Show the person their sessions."""
    person = signed_in_person()
    if person is None:
        return _sign_in()
    found = sessions.listed(person.account_id, person.user_id, settings())
    page = render_template(
        "console/own_sessions.html",
        person=person,
        sessions=[_shown(row, person) for row in found],
    )
    return make_response(page)


@blueprint.post("/<session_id>/end")
def end(session_id: str) -> Response:
    """End one session of the person's own."""
    person = signed_in_person()
    if person is None:
        return _sign_in()
    with transaction(person.account_id, actor(person)) as work:
        ended = sessions.revoke(
            work, session_id, reason="ended by its owner", user_id=person.user_id
        )
    if not ended:
        raise NotFound("You have no such session.")
    return redirect(url_for("own_sessions.listed"), 303)


@blueprint.post("/end-others")
def end_others() -> Response:
    """End every session of the person but the one that asks."""
    person = signed_in_person()
    if person is None:
        return _sign_in()
    with transaction(person.account_id, actor(person)) as work:
        sessions.revoke_others(work, person.user_id, person.session_id, reason="ended by its owner")
    return redirect(url_for("own_sessions.listed"), 303)


def device_of(user_agent: str) -> str:
    """Return a name people know for what a browser says of itself."""
    browser = next((name for token, name in _BROWSERS.items() if token in user_agent), "")
    if not browser and "Safari/" in user_agent:
        browser = "Safari"
    system = next((name for token, name in _SYSTEMS.items() if token in user_agent), "")
    return " on ".join(filter(None, (browser, system))) or "An unknown program"


def _shown(row: Any, person: SignedIn) -> dict[str, Any]:
    return dict(row._mapping) | {
        "device": device_of(row.user_agent),
        "how": _METHODS.get(row.method, row.method),
        "is_this": row.id == person.session_id,
    }


def _sign_in() -> Response:
    return redirect(url_for("console.sign_in", next=url_for("own_sessions.listed")), 303)
