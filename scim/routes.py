"""The SCIM endpoints: from a Flask request to the handler and back."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, current_app, request
from scim2_models import (
    InvalidSyntaxException,
    NotFoundException,
    SCIMException,
    UnauthorizedException,
)
from scim2_server.errors import MethodNotAllowedException
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import (
    HTTPException,
    MethodNotAllowed,
    RequestEntityTooLarge,
    ServiceUnavailable,
)

from app.directory import tokens
from app.directory.work import Actor
from app.security.requests import client_address, request_id, settings
from app.security.tokens import TokenIdentity, identify
from scim.handler import Handler
from scim.service import GatehouseService, service_for
from scim.storage import DirectoryStorage

PREFIX = "/scim/v2"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]

blueprint = Blueprint("scim", __name__, url_prefix=PREFIX)


def service() -> GatehouseService:
    """Return the service of the application. It holds no state of any account."""
    return service_for(settings().secret_key)


@blueprint.route("/", methods=METHODS, provide_automatic_options=False)
@blueprint.route("/<path:path>", methods=METHODS, provide_automatic_options=False)
def serve(path: str = "") -> Response:
    """Serve every SCIM endpoint (RFC 7644 §3.2)."""
    try:
        identity = _authenticate()
        return _respond(_handler(identity).handle(_scim_request(path, identity)))
    except Exception as error:
        return error_response(error)


def base_url() -> str:
    """Return the SCIM root as clients see it."""
    return settings().public_url + PREFIX


def error_response(error: Exception) -> Response:
    """Return the SCIM Error of anything that went wrong; the unexpected is logged, never told."""
    if isinstance(error, HTTPException):
        error = _of_http(error)
    elif isinstance(error, OperationalError):
        current_app.logger.error("The database could not be had", exc_info=error)
        error = _of_http(ServiceUnavailable("The database is busy. Try again."))
    elif isinstance(error, RecursionError):
        error = InvalidSyntaxException(detail="The body is nested too deeply")
    if not isinstance(error, SCIMException):
        current_app.logger.error("SCIM request failed", exc_info=error)
    return _respond(service().error_response(error))


def _authenticate() -> TokenIdentity:
    """Return the identity of the bearer token.

    :raises UnauthorizedException: When there is no live token that may come from here.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    identity = None
    if scheme.lower() == "bearer":
        identity = identify(token.strip(), client_address())
    if identity is None:
        raise UnauthorizedException(detail="A valid bearer token is required")
    if identity.wants_touch:
        tokens.touch(identity.account_id, identity.token_id)
    return identity


def _handler(identity: TokenIdentity) -> Handler:
    actor = Actor(
        type="token",
        id=identity.token_id,
        name=identity.name,
        surface="scim",
        connection_id=identity.connection_id,
        address=client_address(),
        request_id=request_id(),
    )
    storage = DirectoryStorage(service().provider, identity.account_id, actor, base_url())
    return Handler(service(), storage)


def _scim_request(path: str, identity: TokenIdentity) -> ScimRequest:
    if "\0" in path:
        raise NotFoundException(detail="There is nothing here")
    return ScimRequest(
        method=request.method,
        base_url=base_url(),
        path=f"/{path}",
        query=request.args,
        headers=list(request.headers.items()),
        body=request.get_data(cache=False),
        subject=identity,
    )


def _of_http(error: HTTPException) -> Exception:
    """Return the SCIM form of what Flask refused before the protocol began."""
    refused = SCIMException(detail=error.description)
    if isinstance(error, RequestEntityTooLarge):
        refused = SCIMException(detail=f"The body is larger than {settings().max_body_bytes} bytes")
    if isinstance(error, MethodNotAllowed):
        return MethodNotAllowedException(allowed=error.valid_methods or ())
    refused.status = error.code or 500
    return refused


def _respond(answer: ScimResponse) -> Response:
    body = b"" if answer.body is None else orjson.dumps(answer.body)
    response = Response(body, status=answer.status, headers=answer.headers)
    if answer.body is not None:
        response.content_type = "application/scim+json"
    return response
