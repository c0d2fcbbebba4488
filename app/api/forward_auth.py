"""Forward-auth: a proxy asks of each request whether it may pass, and who it is.

For nginx (``auth_request``) and Traefik (``ForwardAuth``): 204 with headers that say who it is,
401 when nobody is signed in, 403 when somebody is who may not pass.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from flask import Blueprint, Response, redirect, request

from app.access.decisions import UnknownAction, account_roles, check
from app.access.identity import group_names, primary_email
from app.api.problems import problem
from app.directory import accounts, folders, sessions, signing_keys
from app.directory.errors import DirectoryError
from app.security.requests import Target, forwarded_target, settings
from app.security.session_tokens import LONGEST_AUDIENCE, is_audience, token_of
from app.security.sessions import (
    SignedIn,
    application_cookie_name,
    cookie_name,
    signed_in,
    signed_in_at,
)
from app.store.types import now

blueprint = Blueprint("forward_auth", __name__)

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""A proxy may ask with the method of the request it asks about."""
PARAMETERS = {"account", "folder", "action", "audience", "redirect"}
LONGEST_HEADER = 8_000
_PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in "%,")


@blueprint.route("/api/forward-auth", methods=METHODS)
def forward_auth() -> Response:
    """Answer a proxy.

    Query: ``account`` (only its people pass), ``folder`` and ``action`` (only who may do it there
    passes), ``audience`` (adds a signed token for this application), ``redirect`` (sends a browser
    that is not signed in to the sign-in page instead of answering 401).
    """
    unknown = request.args.keys() - PARAMETERS
    if unknown:
        # A misspelled condition must not let everybody pass.
        return problem(400, "Unknown parameter", f"Known are: {', '.join(sorted(PARAMETERS))}.")
    target = forwarded_target()
    person = _person(target)
    if person is None:
        return _not_signed_in(target)
    if person.wants_touch:
        sessions.touch(person.session_id, person.account_id)
    try:
        allowed = _may_pass(person)
    except (DirectoryError, UnknownAction):
        allowed = False
    if not allowed:
        return problem(403, "Not allowed", "You may not open this.")
    audience = request.args.get("audience")
    if audience is not None and not is_audience(audience):
        return problem(
            400, "No such audience", f"An audience has 1 to {LONGEST_AUDIENCE} characters."
        )
    return Response(status=204, headers=_headers(person, audience))


def application_of(target: Target | None) -> str | None:
    """Return where the application is that the proxy serves, if it is on another host."""
    if target is None or target.origin not in settings().applications:
        return None
    return target.origin


def encoded(text: str) -> str:
    """Return a text as it stands in a header: all but plain ASCII, ``,`` and ``%`` as %XX.

    Whatever a name holds, it ends no header and adds no entry to a list.
    """
    return quote(text, safe=_PLAIN)


def _person(target: Target | None) -> SignedIn | None:
    origin = application_of(target)
    if origin is None:
        return signed_in(request.cookies.get(cookie_name(settings())), settings())
    secret = request.cookies.get(application_cookie_name(origin))
    return signed_in_at(origin, secret, settings())


def _may_pass(person: SignedIn) -> bool:
    account, folder = request.args.get("account"), request.args.get("folder")
    action = request.args.get("action", "folder.view" if folder is not None else None)
    if account is not None and accounts.find(account) != person.account_id:
        return False
    if action is None:
        return True
    is_path = folder is not None and folder.startswith("/")
    folder_id = folders.find_by_path(person.account_id, str(folder)) if is_path else folder
    return check(person.account_id, person.user_id, action, folder_id).allowed


def _not_signed_in(target: Target | None) -> Response:
    """Answer 401, or lead the browser to where it can sign in."""
    path = target.path if target else "/"
    origin = application_of(target)
    if origin is None:
        where = f"{settings().public_url}/sign-in?{urlencode({'next': path})}"
    else:
        where = f"{origin}/.gatehouse/start?{urlencode({'to': path})}"
    if "redirect" in request.args:
        return redirect(where, 302)  # type: ignore[return-value]
    answer = problem(401, "Not signed in", "Nobody is signed in with this browser.")
    answer.headers["WWW-Authenticate"] = 'Cookie realm="Gatehouse"'
    answer.headers["X-Gatehouse-Sign-In"] = where
    return answer


def _headers(person: SignedIn, audience: str | None) -> dict[str, str]:
    email = primary_email(person.account_id, person.user_id)
    roles = {grant.role_id for grant in account_roles(person.account_id, person.user_id)}
    headers = {
        "X-Gatehouse-User": encoded(person.user_name),
        "X-Gatehouse-User-Id": person.user_id,
        "X-Gatehouse-Name": encoded(person.display_name),
        "X-Gatehouse-Email": encoded(email or ""),
        "X-Gatehouse-Account": encoded(person.account_name),
        "X-Gatehouse-Groups": _listed(group_names(person.account_id, person.user_id)),
        "X-Gatehouse-Roles": _listed(sorted(roles)),
    }
    if audience is not None:
        headers["X-Gatehouse-Token"] = session_token(person, audience, email)
    return headers


def _listed(names: list[str]) -> str:
    """Return names as a list in a header, as many as fit."""
    text = ""
    for name in map(encoded, names):
        if len(text) + len(name) > LONGEST_HEADER:
            break
        text += f",{name}" if text else name
    return text


def session_token(person: SignedIn, audience: str, email: str | None) -> str:
    """Return a signed token of a session, for one application."""
    key = signing_keys.key_to_sign_with(settings().secret_key)
    issuer = settings().public_url
    return token_of(person, key, issuer=issuer, audience=audience, email=email, at=now())
