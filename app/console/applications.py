"""Signing in to an application on another host: there to begin, here to be known, there again.

``/.gatehouse/…`` is what the proxy of an application passes on to us, under the application's own
host; ``/sign-in/application`` is a page of our own.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.console.errors import error_page
from app.console.person import actor, signed_in_person
from app.directory import applications
from app.directory.errors import NotFound
from app.directory.work import Actor, transaction
from app.security.paths import same_site_path
from app.security.requests import client_address, forwarded_target, request_id, settings
from app.security.secrets import digest, new_secret
from app.security.sessions import application_cookie_name, cookie_attributes
from app.words import say

blueprint = Blueprint("applications", __name__)

START_LIFETIME = 600
"""How long a person may take to sign in, in seconds."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


@blueprint.get("/.gatehouse/start")
def start() -> Response:
    """Begin at the application: give the browser a secret, and send it to our own host."""
    origin = _application()
    if origin is None:
        return _unknown_application()
    secret = new_secret()
    to = origin + same_site_path(request.args.get("to", "/"))
    query = urlencode({"to": to, "start": digest(secret)})
    answer = redirect(f"{settings().public_url}/sign-in/application?{query}", 303)
    _set_cookie(answer, origin, "start", secret, START_LIFETIME)
    return answer


@blueprint.get("/sign-in/application")
def hand_over() -> Response:
    """Send somebody who is signed in here back to the application, with a code."""
    to, begun = request.args.get("to", ""), request.args.get("start", "")
    origin, path = _split(to)
    if origin not in settings().applications or not _DIGEST.fullmatch(begun):
        return _unknown_application()
    person = signed_in_person(from_anywhere=True)
    if person is None:
        here = url_for("applications.hand_over", to=to, start=begun)
        return redirect(url_for("console.sign_in", next=here), 303)
    with transaction(person.account_id, actor(person)) as work:
        code = applications.create_code(work, person.session_id, origin, path, begun)
    return redirect(f"{origin}/.gatehouse/enter?{urlencode({'code': code})}", 303)


@blueprint.get("/.gatehouse/enter")
def enter() -> Response:
    """Take the code at the application, and give the browser a cookie there."""
    origin = _application()
    if origin is None:
        return _unknown_application()
    code = request.args.get("code", "")
    begun = request.cookies.get(application_cookie_name(origin, "start"), "")
    try:
        secret, path = _enter(code, begun, origin)
    except NotFound:
        return error_page(
            410,
            _("This sign-in does not work any more"),
            _(
                "It works once, for a moment, in the browser it was begun in. Open the page you "
                "wanted again."
            ),
        )
    answer = redirect(origin + same_site_path(path), 303)
    _set_cookie(answer, origin, "session", secret, settings().session_hours * 3600)
    started = application_cookie_name(origin, "start")
    answer.delete_cookie(started, **cookie_attributes(secure=_is_https(origin)))
    return answer


def _enter(code: str, begun: str, origin: str) -> tuple[str, str]:
    account_id = applications.account_of_code(code, begun)
    if account_id is None:
        raise NotFound("sign-in", say("that still works"))
    holder = Actor(
        type="user",
        name="holder of a code",
        surface="console",
        address=client_address(),
        request_id=request_id(),
    )
    with transaction(account_id, holder) as work:
        return applications.enter(work, code, begun, origin)


def _application() -> str | None:
    """Return where the application is that the proxy was asked for, if it is one of ours."""
    target = forwarded_target()
    known = target is not None and target.origin in settings().applications
    return target.origin if target is not None and known else None


def _split(url: str) -> tuple[str, str]:
    """Return the origin and the path of an address; the origin is compared as a whole."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "/"
    rest = parts._replace(scheme="", netloc="", fragment="").geturl()
    return f"{parts.scheme}://{parts.netloc}", same_site_path(rest or "/")


def _unknown_application() -> Response:
    return error_page(
        400,
        _("This application is not known here"),
        _(
            "Ask your administrator to name it in GATEHOUSE_APPLICATIONS, and its proxy in "
            "GATEHOUSE_TRUSTED_PROXIES."
        ),
    )


def _set_cookie(answer: Response, origin: str, purpose: str, secret: str, seconds: int) -> None:
    name = application_cookie_name(origin, purpose)
    attributes = cookie_attributes(secure=_is_https(origin))
    answer.set_cookie(name, secret, max_age=seconds, **attributes)


def _is_https(origin: str) -> bool:
    return origin.startswith("https:")
