"""The endpoints for programs: is the service well, and who is signed in."""

from __future__ import annotations

from hmac import compare_digest

import orjson
from flask import Blueprint, Response, request
from sqlalchemy.exc import SQLAlchemyError

from app import metrics
from app.api.problems import problem
from app.directory import sessions
from app.security.requests import comes_from, current_request, settings
from app.security.sessions import clear_cookie, cookie_name, half_signed_in, signed_in
from app.store.database import is_current

blueprint = Blueprint("api", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Tell that the process is alive. It asks nothing else, so that nothing else restarts it."""
    return _json({"status": "alive"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Tell whether requests can be served: the database answers, and its tables are ours."""
    try:
        current = is_current()
    except SQLAlchemyError:
        return problem(503, "Not ready", "The database does not answer.")
    if not current:
        return problem(503, "Not ready", "The database is not up to date: gatehouse db upgrade")
    return _json({"status": "ready"})


@blueprint.get("/metrics")
def show_metrics() -> Response:
    """Return what Prometheus reads, to those the settings name: networks, or who has the token."""
    asked, allowed = current_request(), settings()
    if not allowed.metrics_networks and not allowed.metrics_token:
        metrics.tell_how_to_read()
        return problem(404, "Not found", "No setting says who may read metrics.")
    given = asked.headers.get("Authorization", "")
    by_token = bool(allowed.metrics_token) and compare_digest(
        given.encode(), f"Bearer {allowed.metrics_token}".encode()
    )
    if by_token or comes_from(allowed.metrics_networks):
        body, content_type = metrics.exposition(asked.headers.get("Accept", ""))
        return Response(body, content_type=content_type)
    if not allowed.metrics_token:
        return problem(403, "Forbidden", "Metrics are not read from this address.")
    refusal = problem(401, "Unauthorized", "Metrics are read with their token.")
    refusal.headers["WWW-Authenticate"] = 'Bearer realm="Gatehouse metrics"'
    return refusal


@blueprint.get("/api/session")
def session() -> Response:
    """Return the person behind the session cookie, or 401 and no cookie any more.

    Who is about to prove a second factor keeps the cookie, and gets 401 until then.

    ``{"user": {"id", "userName", "displayName"}, "account": {"id", "name"}}``
    """
    secret = request.cookies.get(cookie_name(settings()))
    person = signed_in(secret, settings())
    if person is None:
        return _nobody(take_back=secret is not None and half_signed_in(secret) is None)
    if person.wants_touch:
        sessions.touch(person.session_id, person.account_id)
    return _json(
        {
            "user": {
                "id": person.user_id,
                "userName": person.user_name,
                "displayName": person.display_name,
            },
            "account": {"id": person.account_id, "name": person.account_name},
        }
    )


def _nobody(*, take_back: bool) -> Response:
    response = problem(401, "Not signed in", "Nobody is signed in with this browser.")
    # RFC 9110 §15.5.2 wants a challenge; a scheme browsers don't know makes none ask a password.
    response.headers["WWW-Authenticate"] = 'Cookie realm="Gatehouse"'
    if take_back:
        clear_cookie(response, settings())
    return response


def _json(document: dict[str, object]) -> Response:
    return Response(orjson.dumps(document), content_type="application/json")
