"""The SCIM endpoints: from a Flask request to the handler and back."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request
from scim2_models import (
    Error,
    InvalidSyntaxException,
    NotFoundException,
    SCIMException,
)
from scim2_server.errors import MethodNotAllowedException
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import (
    HTTPException,
    MethodNotAllowed,
    RequestEntityTooLarge,
    ServiceUnavailable,
)

from app.directory.work import Actor
from app.security.requests import BUSY_SECONDS, settings
from app.store.database import db
from app.store.outages import is_outage
from app.web import ReadyResponse, may_be_done_again
from app.words import say
from scim import dry_run, quick
from scim.authentication import (
    Identity,
    Unauthenticated,
    actor_of,
    actor_refused,
    authenticate,
)
from scim.journal import Journal
from scim.rendering import written
from scim.service import BUSY, GatehouseService, service_for
from scim.serving import PREFIX, base_url, handler

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]

_HEADERS = {
    "Content-Type": "CONTENT_TYPE",
    "If-Match": "HTTP_IF_MATCH",
    "If-None-Match": "HTTP_IF_NONE_MATCH",
}
"""The headers the protocol asks for, as WSGI names them."""
blueprint = Blueprint("scim", __name__, url_prefix=PREFIX)


def service() -> GatehouseService:
    """Return the service of the application. It holds no state of any account."""
    return service_for(settings().secret_key)


@blueprint.route("/", methods=METHODS, provide_automatic_options=False, strict_slashes=False)
@blueprint.route("/<path:path>", methods=METHODS, provide_automatic_options=False)
def serve(path: str = "") -> Response:
    """Serve every SCIM endpoint (RFC 7644 §3.2)."""
    journal = None
    try:
        identity = authenticate(path)
        if request.method in ("GET", "HEAD"):
            answer = quick.answer(path, identity)
            if answer is not None:
                return answer
        actor = actor_of(identity)
        asked = _scim_request(path, identity)
        if dry_run.is_asked_for():
            unwritten = _journal(path, identity.account_id, actor)
            return _respond(dry_run.answer(asked, identity, actor, unwritten))
        journal = _journal(path, identity.account_id, actor)
        return _respond(handler(identity, actor, journal).handle(asked))
    except Unauthenticated as error:
        return error_response(error, _journal_of_refusal(path, error))
    except Exception as error:
        if may_be_done_again(error):
            raise
        return error_response(error, journal)


def error_response(error: Exception, journal: Journal | None = None) -> Response:
    """Return the SCIM Error of anything that went wrong; the unexpected is logged, never told."""
    if is_outage(error, db.engine):
        current_app.logger.error("The database could not be had", exc_info=error)
        error = ServiceUnavailable(BUSY, retry_after=BUSY_SECONDS)
        journal = None  # It could not be written either.
    waiting = {}
    if isinstance(error, HTTPException):
        waiting = {name: value for name, value in error.get_headers() if name == "Retry-After"}
        error = _of_http(error)
    elif isinstance(error, RecursionError):
        error = InvalidSyntaxException(detail=say("The body is nested too deeply"))
    if not isinstance(error, SCIMException):
        current_app.logger.error("SCIM request failed", exc_info=error)
    answer = service().error_response(error)
    answer.headers |= waiting
    if journal is not None:
        _note_failure(journal, service().error_of(error))
    return _respond(answer)


def _note_failure(journal: Journal, error: Error) -> None:
    """Note what failed in the provisioning log; that it cannot be noted changes no answer."""
    try:
        journal.write_failure(error)
    except SQLAlchemyError as unwritten:
        current_app.logger.error("The provisioning log could not be written", exc_info=unwritten)


def _journal_of_refusal(path: str, error: Unauthenticated) -> Journal | None:
    """Return where to note that a token we know is refused, and why."""
    actor = error.refused and actor_refused(error.refused)
    if not error.refused or not actor:
        return None
    journal = _journal(path, error.refused.account_id, actor)
    journal.reason = error.refused.reason
    return journal


def _journal(path: str, account_id: str, actor: Actor) -> Journal:
    query = request.query_string.decode("latin-1")
    return Journal(
        account_id=account_id,
        actor=actor,
        method=request.method,
        path=f"/{path}?{query}" if query else f"/{path}",
        user_agent=request.headers.get("User-Agent", ""),
    )


def _scim_request(path: str, identity: Identity) -> ScimRequest:
    if "\0" in path:
        raise NotFoundException(detail=say("There is nothing here"))
    environ = request.environ
    return ScimRequest(
        method="GET" if request.method == "HEAD" else request.method,
        base_url=base_url(),
        path=f"/{path}",
        query=request.args,
        headers=[(name, environ[key]) for name, key in _HEADERS.items() if key in environ],
        body=request.get_data(),
        subject=identity,
    )


def _of_http(error: HTTPException) -> Exception:
    """Return the SCIM form of what Flask refused before the protocol began."""
    refused = SCIMException(detail=error.description)
    if isinstance(error, RequestEntityTooLarge):
        limit = settings().max_body_bytes
        refused = SCIMException(detail=say("The body is larger than %(limit)s bytes", limit=limit))
    if isinstance(error, MethodNotAllowed):
        return MethodNotAllowedException(allowed=error.valid_methods or ())
    refused.status = error.code or 500
    return refused


def _respond(answer: ScimResponse) -> Response:
    if answer.body is None:
        return Response(b"", status=answer.status, headers=answer.headers)
    content_type = "application/scim+json"
    return ReadyResponse(written(answer.body), answer.headers, content_type, answer.status)
