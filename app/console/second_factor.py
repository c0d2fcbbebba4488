"""Where a sign-in asks for the second factor, and where somebody who must have one gets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Blueprint, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.console.errors import error_page
from app.console.person import (
    actor,
    go_on,
    half_signed_in_person,
    signed_in_person,
    take_refused_cookie_back,
)
from app.console.telling import told
from app.directory import factors, proving
from app.directory.attempts import TooManyAttempts
from app.directory.errors import DirectoryError, Forbidden, Invalid, NotFound, Taken
from app.security.paths import same_site_path
from app.security.requests import settings
from app.security.sessions import HalfSignedIn, Person, SignedIn
from app.store.types import now
from app.words import say

blueprint = Blueprint("second_factor", __name__)
blueprint.after_request(take_refused_cookie_back)

RECENT = timedelta(minutes=15)
"""How long after a sign-in, or a proof, people may change their factors."""
LONGEST_CODE = 64
LONGEST_CREDENTIAL = 32_768
"""Of what a browser says of a passkey, in characters of JSON."""
_STATUS: dict[type[Exception], int] = {Invalid: 400, NotFound: 404, Forbidden: 403, Taken: 409}


@blueprint.get("/sign-in/second-factor")
def ask() -> Response:
    """Ask for a second factor: in the midst of a sign-in, or once more before a change.

    ``next`` is the path to go on to afterwards.
    """
    person = _person()
    if person is None:
        return _to("console.sign_in")
    kinds = _kinds(person)
    if not kinds and isinstance(person, HalfSignedIn) and person.awaits == "enrolment":
        return _to("second_factor.enrol")
    if not kinds and isinstance(person, SignedIn):
        advice = _("This needs a recent sign-in. Sign out first, then sign in again.")
        return error_page(403, _("Sign in again"), advice)
    return _page(person, kinds)


@blueprint.post("/sign-in/second-factor")
@blueprint.post("/sign-in/second-factor/recovery-code", endpoint="use_recovery_code")
def use_code() -> Response:
    """Take the digits of an app, or a recovery code."""
    person = _person()
    if person is None:
        return _to("console.sign_in")
    code = request.form.get("code", "")[:LONGEST_CODE]
    try:
        secret = proving.with_code(person, actor(person), code, settings())
    except (proving.WrongCode, TooManyAttempts) as refused:
        return _refused(person, refused)
    return _proved(person, secret)


@blueprint.post("/sign-in/second-factor/passkey")
def use_passkey() -> Response:
    """Take what a passkey signed."""
    person = _person()
    if person is None:
        return _to("console.sign_in")
    try:
        secret = proving.with_passkey(person, actor(person), credential(), settings())
    except DirectoryError as refused:
        return _refused(person, refused)
    return _proved(person, secret)


@blueprint.get("/sign-in/enrol")
def enrol() -> Response:
    """Offer the ways to get a second factor to somebody who must have one."""
    person = half_signed_in_person()
    if person is None:
        return _to("console.sign_in")
    if person.awaits != "enrolment" or _kinds(person):
        return _to("second_factor.ask")
    return make_response(render_template("console/enrol.html", person=person, path=path_asked()))


@blueprint.errorhandler(DirectoryError)
def refuse(error: DirectoryError) -> Response:
    """Answer what the directory refuses on one plain page."""
    return error_page(_STATUS.get(type(error), 403), _("This cannot be done"), told(error))


def path_asked() -> str:
    """Return the path to go on to afterwards, of this site."""
    return same_site_path(request.values.get("next", "/"))


def credential() -> dict[str, Any]:
    """Return what the browser says of a passkey.

    :raises Invalid: When it is no JSON object, or too long.
    """
    text = request.form.get("credential", "")
    try:
        found = orjson.loads(text) if len(text) <= LONGEST_CREDENTIAL else None
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Invalid(say("No passkey was sent. It needs JavaScript."))
    return found


def recently_proved(person: SignedIn) -> bool:
    """Tell whether somebody has just signed in, or has just used a second factor in this browser.

    When they did stands in the signed cookie of the browser, with the session it was in.
    """
    at = person.created_at
    session_id, seconds = session.get("proved", ("", 0))
    if session_id == person.session_id:
        at = max(at, datetime.fromtimestamp(seconds, UTC))
    return at > now() - RECENT


def take_over(person: Person, secret: str, path: str) -> Response:
    """Give the browser the new secret of a session that a factor was used in, and send it on."""
    answer = go_on(secret, path, max(person.expires_at - now(), timedelta(seconds=1)))
    session["proved"] = (person.session_id, int(now().timestamp()))
    return answer


def _proved(person: Person, secret: str) -> Response:
    return take_over(person, secret, path_asked())


def _person() -> Person | None:
    return half_signed_in_person() or signed_in_person()


def _kinds(person: Person) -> set[str]:
    return {factor.kind for factor in factors.listed(person.account_id, person.user_id)}


def _page(person: Person, kinds: set[str], problem: str = "") -> Response:
    page = render_template(
        "console/second_factor.html",
        person=person,
        half=isinstance(person, HalfSignedIn),
        kinds=kinds,
        path=path_asked(),
        problem=problem,
    )
    return make_response(page)


def _refused(person: Person, refused: Exception) -> Response:
    answer = _page(person, _kinds(person), told(refused))
    answer.status_code = _STATUS.get(type(refused), 403)
    if isinstance(refused, TooManyAttempts):
        answer.status_code = 429
        answer.headers["Retry-After"] = str(refused.seconds)
    return answer


def _to(endpoint: str) -> Response:
    path = path_asked()
    query = "" if path == "/" else "?" + urlencode({"next": path})
    return redirect(url_for(endpoint) + query, 303)
