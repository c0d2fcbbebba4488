"""What the SAML endpoints share: the connection of an address, sending, refusing."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Response, make_response, redirect, render_template
from werkzeug.exceptions import NotFound, TooManyRequests

from app.directory import traces
from app.directory.work import Actor, Target, record_refusal
from app.security.headers import content_security_policy
from app.security.limits import seconds_to_wait
from app.security.requests import client_address, client_network, request_id, settings
from app.words import say
from saml import bindings
from saml.bindings import Parameter
from saml.connections import SamlConnection, load
from saml.trace import Trace


def connection_of(connection_id: str) -> SamlConnection:
    """Return the connection of an address.

    :raises NotFound: When there is none in use.
    """
    connection = load(connection_id) if len(connection_id) <= 36 else None
    if connection is None:
        raise NotFound(say("There is no such connection."))
    return connection


def limited_connection_of(connection_id: str) -> SamlConnection:
    """Return the connection of an address, unless the client comes too often.

    For what is written down, good or not.

    :raises NotFound: When there is none in use.
    :raises TooManyRequests: With the seconds to wait.
    """
    connection = connection_of(connection_id)
    caller = f"saml:{connection.id}:{client_network()}"
    seconds = seconds_to_wait(caller, settings().sign_ins_per_minute)
    if seconds:
        sentence = say("Too many sign-ins come from your network.")
        raise TooManyRequests(sentence, retry_after=seconds)
    return connection


def actor_of(connection: SamlConnection) -> Actor:
    """Return who writes when a provider's message does."""
    return Actor(
        type="connection",
        id=connection.id,
        name=connection.name,
        surface="saml",
        connection_id=connection.id,
        address=client_address(),
        request_id=request_id(),
    )


def send(
    redirect_to: str | None,
    post_to: str | None,
    parameter: Parameter,
    message: Any,
    key: str | None,
    relay_state: str = "",
) -> Response:
    """Send the browser to the provider with a message, by HTTP-Redirect where it can.

    :param key: Our private key, PEM; None leaves the message unsigned.
    """
    if redirect_to:
        url = bindings.redirect_url(redirect_to, parameter, message, key, relay_state)
        return make_response(redirect(url, 303))
    page = render_template(
        "saml/post.html",
        destination=post_to,
        parameter=parameter,
        message=bindings.post_value(message, key),
        relay_state=relay_state,
    )
    response = make_response(page)
    if parameter == "SAMLResponse" and post_to:
        # Providers that log people out of many places show each in a frame of their page.
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(post_to))
        policy = content_security_policy(settings(), framed_by=origin)
        response.headers["Content-Security-Policy"] = policy
    return response


def refuse_sign_in(connection: SamlConnection, reason: Exception, trace: Trace) -> Response:
    """Write down why a sign-in was refused, and return the page that does not say it."""
    actor = _record(connection, "session.refused", reason)
    said = trace.without_person(str(reason))
    traces.keep(connection.account_id, actor, said, trace.as_kept())
    page = render_template("saml/refused.html", request_id=request_id())
    return make_response(page, 403)


def refuse_logout(connection: SamlConnection, reason: Exception) -> Response:
    """Write down why a message about logging out was refused, and return a page without it."""
    _record(connection, "logout.refused", reason)
    page = render_template("saml/logout_refused.html", request_id=request_id())
    return make_response(page, 403)


def _record(connection: SamlConnection, action: str, reason: Exception) -> Actor:
    actor = actor_of(connection)
    target = Target("connection", connection.id, connection.name)
    record_refusal(connection.account_id, actor, action, str(reason), target)
    return actor
