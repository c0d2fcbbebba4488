"""The SAML endpoints of a sign-in: metadata, the way to the provider, the way back.

Their addresses stand in ``face``.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Response, make_response, redirect, request

from app.directory import sign_in as requests_sent
from app.directory.errors import DirectoryError
from app.directory.work import transaction
from app.security.paths import same_site_path
from app.security.requests import settings
from app.security.secrets import digest, new_secret
from app.security.sessions import set_cookie, way_on
from saml import requests, sign_in
from saml.connections import SamlConnection
from saml.errors import Refused
from saml.own_metadata import own_metadata
from saml.serving import actor_of, connection_of, limited_connection_of, refuse_sign_in, send
from saml.trace import Trace

BROWSER_COOKIE = "__Host-gatehouse-saml"
"""Ties an answer to the browser that asked. Over HTTPS only: it must survive a cross-site POST."""


def metadata(connection_id: str) -> Response:
    """Return our metadata for this connection; with ``?signed``, signed by its key."""
    if "signed" in request.args:
        document = own_metadata(limited_connection_of(connection_id), signed=True)
    else:
        document = own_metadata(connection_of(connection_id))
    return Response(document, content_type="application/samlmetadata+xml")


def login(connection_id: str) -> Response:
    """Send the person to the provider.

    ``next`` is the path to go on to afterwards.
    """
    connection = limited_connection_of(connection_id)
    browser = _browser()
    asked = requests.new_message_id()
    requests_sent.remember_request(
        connection.account_id,
        connection.id,
        asked,
        same_site_path(request.args.get("next", connection.options.landing)),
        digest(browser) if browser else None,
    )
    answer = _ask(connection, asked)
    if browser:
        answer.set_cookie(
            BROWSER_COOKIE,
            browser,
            max_age=requests_sent.REQUEST_LIFETIME,
            secure=True,
            httponly=True,
            samesite="None",
        )
    return answer


def acs(connection_id: str) -> Response:
    """Consume a Response (SAML bindings §3.5): sign in, or refuse on one plain page."""
    connection = limited_connection_of(connection_id)
    trace = Trace()
    try:
        secret, path, lifetime = _sign_in(connection, trace)
    except (Refused, DirectoryError) as refused:
        return refuse_sign_in(connection, refused, trace)
    answer = make_response(redirect(way_on(secret, path), 303))
    set_cookie(answer, secret, settings(), lifetime)
    return answer


def _browser() -> str | None:
    """Return the secret of the browser, which all its tabs share; none over plain HTTP."""
    if not settings().https:
        return None
    return request.cookies.get(BROWSER_COOKIE) or new_secret()


def _ask(connection: SamlConnection, asked: str) -> Response:
    provider = connection.provider
    message = requests.authn_request(
        asked,
        connection.entity_id,
        connection.acs_url,
        provider.sso_redirect or provider.sso_post or "",
        connection.options,
    )
    key = connection.signing_key() if connection.options.sign_requests else None
    return send(provider.sso_redirect, provider.sso_post, "SAMLRequest", message, key)


def _sign_in(connection: SamlConnection, trace: Trace) -> tuple[str, str, timedelta]:
    """Return the secret of the new session, the path to go on to, and how long it lives."""
    answer = sign_in.read(connection, request.form.get("SAMLResponse", ""), trace)
    cookie = request.cookies.get(BROWSER_COOKIE)
    browser_hash = digest(cookie) if cookie else None
    relay_state = request.form.get("RelayState", "")
    with transaction(connection.account_id, actor_of(connection)) as work:
        path = sign_in.use_up(work, connection, answer, relay_state, browser_hash, trace)
        person = sign_in.person_of(work, connection, answer, trace)
        agent = request.headers.get("User-Agent", "")
        secret = sign_in.open_session(work, connection, answer, person, agent)
        lifetime = sign_in.lifetime_of(connection, answer, work.at)
    return secret, same_site_path(path), lifetime
