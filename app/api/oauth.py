"""The token endpoint: client credentials for an access token (RFC 6749 §3.2, §4.4, §5)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_plus

import orjson
from flask import Blueprint, Response, request
from werkzeug.exceptions import TooManyRequests

from app.directory import clients
from app.directory.errors import NotFound
from app.security.clients import ClientIdentity, identify_client
from app.security.limits import seconds_to_wait
from app.security.requests import client_address, client_network

blueprint = Blueprint("oauth", __name__)

LONGEST = 256
"""Longest id or secret that is looked at, in characters."""
REQUESTS_PER_MINUTE = 60
"""How often a minute one address may ask for a token of one client, rightly or not."""


class _OAuthError(Exception):
    """An error of RFC 6749 §5.2."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.code, self.description, self.status = code, description, status


@blueprint.post("/oauth/token")
def token() -> Response:
    """Issue an access token: ``access_token``, ``token_type``, ``expires_in``, ``scope``.

    :raises TooManyRequests: When this client has been asked for too often from this address.
    """
    try:
        _check_form()
        client = _authenticated()
        scopes = _scopes(client)
        issued = clients.issue_access_token(client, scopes)
    except _OAuthError as error:
        return _refusal(error)
    except NotFound:  # It was revoked in this very moment.
        return _refusal(_invalid_client())
    return _answer(
        {
            "access_token": issued,
            "token_type": "Bearer",
            "expires_in": int(clients.ACCESS_TOKEN_LIFETIME.total_seconds()),
            "scope": " ".join(sorted(scopes)),
        },
        200,
    )


def _check_form() -> None:
    if request.mimetype != "application/x-www-form-urlencoded":
        raise _OAuthError(
            "invalid_request", "Send the parameters as application/x-www-form-urlencoded."
        )
    repeated = [name for name, values in request.form.lists() if len(values) > 1]
    if repeated:
        raise _OAuthError("invalid_request", "A parameter is there more than once.")
    if not request.form.get("grant_type"):
        raise _OAuthError("invalid_request", "The parameter grant_type is missing.")


def _authenticated() -> ClientIdentity:
    """Return the client, by ``client_secret_basic`` or ``client_secret_post`` (§2.3.1).

    A parameter without a value counts as left out (§3.2): some send the form's with the header.
    """
    header = request.headers.get("Authorization")
    if header is not None and request.form.get("client_secret"):
        raise _OAuthError("invalid_request", "Authenticate in one way, not in two.")
    client_id, secret = _basic(header) if header is not None else _posted()
    if (request.form.get("client_id") or client_id) != client_id:
        raise _OAuthError("invalid_request", "client_id is not the client that authenticates.")
    if max(len(client_id), len(secret)) > LONGEST:
        raise _invalid_client()
    _check_rate(client_id)
    client = identify_client(client_id, secret, client_address())
    if client is None:
        raise _invalid_client()
    if request.form["grant_type"] != "client_credentials":
        raise _OAuthError("unsupported_grant_type", "Only client_credentials is supported.")
    if not client.enabled:
        raise _OAuthError("unauthorized_client", "The connection of this client is disabled.")
    return client


def _check_rate(client_id: str) -> None:
    """Refuse too many requests, whether there is such a client or not.

    By address and client: providers share addresses, and one must not lock out another.
    """
    wait = seconds_to_wait(f"oauth:{client_network()}:{client_id}", REQUESTS_PER_MINUTE)
    if wait:
        raise TooManyRequests(f"Too many requests: try again in {wait} s.", retry_after=wait)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise _invalid_client()
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise _invalid_client() from None
    client_id, colon, secret = pair.partition(":")
    if not colon:
        raise _invalid_client()
    return unquote_plus(client_id), unquote_plus(secret)


def _posted() -> tuple[str, str]:
    return request.form.get("client_id", ""), request.form.get("client_secret", "")


def _scopes(client: ClientIdentity) -> frozenset[str]:
    asked = frozenset(request.form.get("scope", "").split())
    if not asked <= client.scopes:
        raise _OAuthError("invalid_scope", "The client does not have every scope it asks for.")
    return asked or client.scopes


def _invalid_client() -> _OAuthError:
    return _OAuthError("invalid_client", "The client could not be authenticated.", 401)


def _refusal(error: _OAuthError) -> Response:
    response = _answer({"error": error.code, "error_description": error.description}, error.status)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Gatehouse"'
    return response


def _answer(document: dict[str, object], status: int) -> Response:
    response = Response(orjson.dumps(document), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response
