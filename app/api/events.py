"""``POST /events/<stream>/poll``: a receiver asks for events (RFC 8936)."""

from __future__ import annotations

import time
from threading import BoundedSemaphore
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from app.api.problems import problem
from app.directory import polling
from app.directory.polling import MOST_EVENTS, NAMED_LIMIT, Polled
from app.directory.pushing import plain
from app.security import addresses
from app.security.limits import seconds_to_wait
from app.security.requests import client_address, settings

blueprint = Blueprint("events", __name__)

LONGEST_POLL = 15.0
"""How long a request waits for an event, in seconds."""
LOOK_EVERY = 0.5
_waiting: dict[int, BoundedSemaphore] = {}
"""Bounds how many threads of this process wait, by how many it has: others are to be served."""


class ErrorSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    err = fields.String(required=True, validate=validate.Length(1, 256))
    description = fields.String(load_default="", validate=validate.Length(max=10_000))


class PollSchema(Schema):
    """RFC 8936 §2.2."""

    class Meta:
        unknown = EXCLUDE

    maxEvents = fields.Integer(
        load_default=MOST_EVENTS, strict=True, validate=validate.Range(min=0, max=2**31)
    )
    returnImmediately = fields.Boolean(load_default=False)
    ack = fields.List(
        fields.String(validate=validate.Length(1, 64)),
        load_default=list,
        validate=validate.Length(max=NAMED_LIMIT),
    )
    setErrs = fields.Dict(
        fields.String(validate=validate.Length(1, 64)),
        fields.Nested(ErrorSchema),
        load_default=dict,
        validate=validate.Length(max=NAMED_LIMIT),
    )


@blueprint.post("/events/<stream_id>/poll")
def poll(stream_id: str) -> Response:
    """Take what the receiver says of events it got, and return the next: ``{"sets": {id: token},
    "moreAvailable"}``.

    It waits for one for a while, unless ``returnImmediately`` says not to.
    """
    stream = _identified(stream_id)
    if isinstance(stream, Response):
        return stream
    try:
        asked: Any = PollSchema().load(orjson.loads(request.get_data() or b"{}"))
    except ValidationError as error:
        return problem(
            400, "Invalid", "The request is not as RFC 8936 says.", errors=error.messages
        )
    except ValueError:
        return problem(400, "Invalid", "The request is not JSON.")
    refused = {id_: _said(error) for id_, error in asked["setErrs"].items()}
    limit = asked["maxEvents"]
    found = polling.poll(stream, asked["ack"], refused, limit)
    if not (found.tokens or found.more or asked["returnImmediately"] or limit == 0):
        found = _wait(stream, limit)
    body: dict[str, Any] = {"sets": found.tokens}
    if found.more:
        body["moreAvailable"] = True
    answer = Response(orjson.dumps(body), content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _identified(stream_id: str) -> Polled | Response:
    """Return the stream whose secret the request has, or what to answer."""
    scheme, _, secret = request.headers.get("Authorization", "").strip().partition(" ")
    stream = polling.identify(stream_id, secret.strip()) if scheme.lower() == "bearer" else None
    if stream is None:
        refusal = problem(401, "Unauthorized", "The token of the stream is required.")
        refusal.headers["WWW-Authenticate"] = 'Bearer realm="Gatehouse"'
        return refusal
    if not addresses.allowed(stream.account_id, "api", client_address()):
        return problem(403, "Forbidden", "This address is not allowed for the API.")
    if stream.status == "disabled":
        return problem(403, "Forbidden", "The stream is disabled.")
    wait = seconds_to_wait(f"events:{stream.id}", settings().api_requests_per_minute)
    if wait:
        refusal = problem(429, "Too many requests", f"Try again in {wait} s.")
        refusal.headers["Retry-After"] = str(wait)
        return refusal
    return stream


def _said(error: dict[str, str]) -> str:
    description = error["description"]
    return plain(f"{error['err']}: {description}" if description else error["err"])


def _wait(stream: Polled, limit: int) -> polling.Offer:
    """Wait for an event, but for no longer, and in no more threads, than others can spare.

    When the process is told to stop, it waits no more.
    """
    stopping = current_app.extensions["gatehouse_stopping"]
    threads = settings().threads
    waiting = _waiting.setdefault(threads, BoundedSemaphore(threads // 2))
    if not waiting.acquire(blocking=False):
        return polling.Offer()
    try:
        until = time.monotonic() + LONGEST_POLL
        while time.monotonic() < until and not stopping.wait(LOOK_EVERY):
            if polling.has_news(stream):
                found = polling.poll(stream, limit=limit)
                if found.tokens:
                    return found
        return polling.Offer()
    finally:
        waiting.release()
