"""The SAML endpoints: metadata, the way to the provider, the way back."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.exceptions import NotFound

from app.directory import just_in_time, sessions, sign_in
from app.directory.errors import DirectoryError, Forbidden
from app.directory.work import Actor, Target, Work, record_refusal, transaction
from app.security.requests import client_address, request_id, settings
from app.security.secrets import digest, new_secret
from app.security.sessions import set_cookie
from app.store.types import now
from saml import attributes, requests, responses
from saml.connections import SamlConnection, load
from saml.errors import Refused
from saml.metadata import own_metadata
from saml.options import same_site_path
from saml.responses import Answer, Expected

blueprint = Blueprint(
    "saml", __name__, url_prefix="/saml", template_folder="templates", static_folder="static"
)

BROWSER_COOKIE = "__Host-gatehouse-saml"
"""Ties an answer to the browser that asked. Over HTTPS only: it must survive a cross-site POST."""
EMAIL_ATTRIBUTES = (
    "email",
    "mail",
    "emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
)


@blueprint.get("/<connection_id>/metadata")
def metadata(connection_id: str) -> Response:
    """Return our metadata for this connection."""
    connection = _connection(connection_id)
    document = own_metadata(connection.entity_id, connection.acs_url, connection.certificate)
    return Response(document, content_type="application/samlmetadata+xml")


@blueprint.get("/<connection_id>/login")
def login(connection_id: str) -> Response:
    """Send the person to the provider, by HTTP-Redirect or, where it wants that, HTTP-POST.

    ``next`` is the path to go on to afterwards.
    """
    connection = _connection(connection_id)
    browser = _browser()
    asked = requests.new_request_id()
    sign_in.remember_request(
        connection.account_id,
        connection.id,
        asked,
        same_site_path(request.args.get("next", connection.options.landing)),
        digest(browser) if browser else None,
    )
    answer = _send(connection, asked)
    if browser:
        answer.set_cookie(
            BROWSER_COOKIE,
            browser,
            max_age=sign_in.REQUEST_LIFETIME,
            secure=True,
            httponly=True,
            samesite="None",
        )
    return answer


@blueprint.post("/<connection_id>/acs")
def acs(connection_id: str) -> Response:
    """Consume a Response (SAML bindings §3.5): sign in, or refuse on one plain page."""
    connection = _connection(connection_id)
    actor = Actor(
        type="connection",
        id=connection.id,
        name=connection.name,
        surface="saml",
        connection_id=connection.id,
        address=client_address(),
        request_id=request_id(),
    )
    try:
        secret, path = _sign_in(connection, actor)
    except (Refused, DirectoryError) as refused:
        target = Target("connection", connection.id, connection.name)
        record_refusal(connection.account_id, actor, "session.refused", str(refused), target)
        return _refusal_page()
    answer = make_response(redirect(path, 303))
    set_cookie(answer, secret, settings())
    return answer


def _browser() -> str | None:
    """Return the secret of the browser, which all its tabs share; none over plain HTTP."""
    if not settings().https:
        return None
    return request.cookies.get(BROWSER_COOKIE) or new_secret()


def _sign_in(connection: SamlConnection, actor: Actor) -> tuple[str, str]:
    """Return the secret of the new session and the path to go on to."""
    expected = Expected(
        connection.provider,
        connection.entity_id,
        connection.acs_url,
        now(),
        connection.options,
        connection.key,
    )
    answer = responses.read(request.form.get("SAMLResponse", ""), expected)
    unsolicited = answer.in_response_to is None
    if unsolicited and not connection.options.allow_unsolicited:
        raise Refused("nobody asked for it, and this connection takes no unsolicited responses")
    cookie = request.cookies.get(BROWSER_COOKIE)
    browser_hash = digest(cookie) if cookie else None
    with transaction(connection.account_id, actor) as work:
        if answer.in_response_to is None:
            path = request.form.get("RelayState") or connection.options.landing
        else:
            path = sign_in.use_request(work, connection.id, answer.in_response_to, browser_hash)
        sign_in.use_assertion(work, connection.id, answer.assertion_id, answer.valid_until)
        return _open_session(work, connection, answer), same_site_path(path)


def _open_session(work: Work, connection: SamlConnection, answer: Answer) -> str:
    emails = [
        value
        for name, values in answer.attributes.items()
        if connection.options.match_email and name.lower() in EMAIL_ATTRIBUTES
        for value in values
    ]
    user_id = _user_of(work, connection, answer, emails)
    lifetime = timedelta(hours=connection.options.session_hours or settings().session_hours)
    if answer.session_ends is not None:
        lifetime = max(min(lifetime, answer.session_ends - work.at), timedelta(minutes=1))
    return sessions.open_session(
        work,
        user_id,
        method="saml",
        lifetime=lifetime,
        connection_id=connection.id,
        name_id=answer.name_id,
        session_index=answer.session_index,
        user_agent=request.headers.get("User-Agent", ""),
    )


def _user_of(work: Work, connection: SamlConnection, answer: Answer, emails: list[str]) -> str:
    found = sign_in.find_user(work, answer.name_id, emails)
    options = connection.options
    if options.provisioning == "off":
        if found is None:
            raise Forbidden(f"nobody here is {answer.name_id[:200]!r}")
        return str(found.id)
    person = attributes.read(answer.attributes, options.attribute_names)
    name = {"givenName": person.given_name, "familyName": person.family_name}
    told = {key: value for key, value in name.items() if value}
    profile = {"name": told, "displayName": person.display_name}
    arrival = just_in_time.Arrival(
        answer.name_id,
        person.user_name or person.email or answer.name_id,
        {key: value for key, value in profile.items() if value},
        person.email,
        person.groups,
    )
    return just_in_time.provision(work, found, arrival, options.provisioning)


def _send(connection: SamlConnection, asked: str) -> Response:
    provider = connection.provider
    destination = provider.sso_redirect or provider.sso_post or ""
    message = requests.authn_request(
        asked, connection.entity_id, connection.acs_url, destination, connection.options
    )
    key = connection.key() if connection.options.sign_requests else None
    if provider.sso_redirect:
        url = requests.redirect_url(message, provider, key)
        return make_response(redirect(url, 303))
    page = render_template(
        "saml/post.html",
        destination=destination,
        saml_request=requests.post_form(message, key),
    )
    return make_response(page)


def _connection(connection_id: str) -> SamlConnection:
    connection = load(connection_id) if len(connection_id) <= 36 else None
    if connection is None:
        raise NotFound("There is no such connection.")
    return connection


def _refusal_page() -> Response:
    return make_response(render_template("saml/refused.html", request_id=request_id()), 403)
