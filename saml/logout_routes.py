"""The SAML endpoints of single logout, begun here or at the provider; see ``face``."""

from __future__ import annotations

from flask import Response, make_response, redirect, render_template, request, session
from lxml import etree

from app.directory import sessions, sign_in
from app.directory.errors import DirectoryError
from app.directory.work import transaction
from saml import bindings, logout
from saml.bindings import Parameter
from saml.connections import SamlConnection
from saml.errors import Refused
from saml.metadata import Endpoint
from saml.serving import actor_of, limited_connection_of, refuse_logout, send
from saml.sign_in import expected_of

SIGNED_OUT_SESSION = "signed_out_session"
"""Under this name the browser's signed form cookie tells whose session was ended just now."""
LONGEST_RELAY_STATE = 1000


def end_at_provider(connection_id: str) -> Response:
    """Send somebody who has just signed out here to the provider, to be signed out there too."""
    session_id = session.pop(SIGNED_OUT_SESSION, None)
    if session_id is None:
        return make_response(redirect("/sign-in", 303))
    connection = limited_connection_of(connection_id)
    ended = sessions.at_provider(connection.account_id, session_id)
    provider = connection.provider
    endpoint = provider.slo_redirect or provider.slo_post
    knows_how = endpoint is not None and connection.options.single_logout
    if endpoint is None or not knows_how or ended is None or ended.connection_id != connection.id:
        return _signed_out_page(complete=True)
    message = logout.request(ended, connection.entity_id, endpoint.location)
    sign_in.remember_request(connection.account_id, connection.id, message.id, kind="logout")
    return send(
        _location(provider.slo_redirect),
        _location(provider.slo_post),
        "SAMLRequest",
        message,
        connection.signing_key(),
    )


def slo(connection_id: str) -> Response:
    """Take a message about logging out: a request of the provider, or its answer to ours."""
    connection = limited_connection_of(connection_id)
    is_answer = "SAMLResponse" in request.values
    try:
        if is_answer:
            return _take_answer(connection, _message(connection, "SAMLResponse"))
        return _take_request(connection, _message(connection, "SAMLRequest"))
    except (Refused, DirectoryError) as refused:
        return refuse_logout(connection, refused)


def _message(connection: SamlConnection, parameter: Parameter) -> etree._Element:
    certificates = connection.provider.certificates
    if request.method == "POST":
        return bindings.signed_in_form(request.form.get(parameter, ""), certificates)
    query = request.query_string.decode("latin-1")
    return bindings.signed_in_query(query, parameter, certificates)


def _take_request(connection: SamlConnection, root: etree._Element) -> Response:
    """End the sessions a provider names, and answer it."""
    asked = logout.read_request(root, expected_of(connection))
    with transaction(connection.account_id, actor_of(connection)) as work:
        sign_in.use_assertion(work, connection.id, asked.id, asked.valid_until)
        sessions.revoke_at_provider(
            work,
            connection.id,
            asked.name_id,
            asked.session_indexes,
            reason="signed out at the provider",
        )
    provider = connection.provider
    endpoint = provider.slo_redirect or provider.slo_post
    if endpoint is None:
        return _signed_out_page(complete=True)
    return send(
        _location(provider.slo_redirect, answers=True),
        _location(provider.slo_post, answers=True),
        "SAMLResponse",
        logout.answer(asked.id, connection.entity_id, endpoint.response_location),
        connection.signing_key(),
        request.values.get("RelayState", "")[:LONGEST_RELAY_STATE],
    )


def _take_answer(connection: SamlConnection, root: etree._Element) -> Response:
    answer = logout.read_answer(root, expected_of(connection))
    with transaction(connection.account_id, actor_of(connection)) as work:
        sign_in.use_request(work, connection.id, answer.in_response_to, kind="logout")
    return _signed_out_page(complete=answer.complete)


def _location(endpoint: Endpoint | None, *, answers: bool = False) -> str | None:
    if endpoint is None:
        return None
    return endpoint.response_location if answers else endpoint.location


def _signed_out_page(*, complete: bool) -> Response:
    return make_response(render_template("saml/signed_out.html", complete=complete))
