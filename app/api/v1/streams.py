"""``/streams``: who is told what happens in the account (docs/events.md)."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, Strict, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.moments import within_calendar
from app.api.v1.writing import post, writing
from app.directory import dead_letters, pushing, streams
from app.directory.errors import Invalid, existing
from app.directory.streams import STATUSES, WANTED_LIMIT
from app.directory.work import Work
from app.lists import streams as lists
from app.words import say

part = Part("streams", __name__, url_prefix="/streams", description="Streams of events.")

DELIVERIES = ("push", "poll")
ONE_ID = validate.Length(1, 36)
TEXT = validate.Length(1, 1024)


class StreamSchema(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    delivery = fields.String(required=True, validate=validate.OneOf(DELIVERIES))
    endpoint = fields.String(required=True, allow_none=True)
    poll_url = fields.String(
        required=True, allow_none=True, metadata={"description": "Where a receiver polls."}
    )
    audience = fields.String(required=True)
    wanted = fields.List(fields.String(), required=True)
    has_authorization = fields.Boolean(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    problem = fields.String(
        required=True, allow_none=True, metadata={"description": "Why the last try failed."}
    )
    failures = fields.Integer(
        required=True, metadata={"description": "Tries in a row of the next event."}
    )
    waiting = fields.Integer(
        required=True, metadata={"description": "How many events are still to come, wanted or not."}
    )
    dead_letters = fields.Integer(
        required=True, metadata={"description": "How many events the receiver did not take."}
    )
    next_try_at = fields.AwareDateTime(required=True, allow_none=True)
    delivered_at = fields.AwareDateTime(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)


class CreatedStreamSchema(StreamSchema):
    secret = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "What a receiver polls with, shown this once; null: it is pushed, or "
            "in an answer sent again."
        },
    )


class SecretSchema(Schema):
    secret = fields.String(required=True, allow_none=True)


class CountSchema(Schema):
    events = fields.Integer(required=True)


class OutcomeSchema(Schema):
    problem = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why the receiver did not take it; null: it did."},
    )


class DeadLetterSchema(Schema):
    event_id = fields.String(required=True, metadata={"description": "Its `jti`."})
    type = fields.String(required=True)
    error = fields.String(required=True)
    tries = fields.Integer(required=True)
    died_at = fields.AwareDateTime(required=True)
    asked_again_at = fields.AwareDateTime(required=True, allow_none=True)


class StreamChange(Strict):
    name = fields.String(validate=validate.Length(1, 256))
    endpoint = fields.String(validate=TEXT)
    authorization = fields.String(
        allow_none=True,
        validate=validate.Length(0, 4096),
        metadata={
            "description": "The header `Authorization` to push with. Never shown, and gone with "
            "an endpoint on another host."
        },
    )
    audience = fields.String(validate=TEXT)
    wanted = fields.List(
        fields.String(validate=validate.Length(1, 256)),
        validate=validate.Length(max=WANTED_LIMIT),
        metadata={"description": "URIs of events, * at the end for any; none: all of them."},
    )


class NewStream(StreamChange):
    name = fields.String(required=True, validate=validate.Length(1, 256))
    delivery = fields.String(required=True, validate=validate.OneOf(DELIVERIES))

    @validates_schema
    def check_endpoint(self, data: dict[str, Any], **_: Any) -> None:
        pushed = data["delivery"] == "push"
        if pushed != ("endpoint" in data) or (not pushed and data.get("authorization")):
            raise ValidationError("To push required, to poll not allowed.", "endpoint")


class Status(Strict):
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))


class Point(Strict):
    since = fields.AwareDateTime(validate=within_calendar)
    event_id = fields.String(validate=ONE_ID)

    @validates_schema
    def check_one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("Either a time or an event.", "since")


@part.get("")
@needs("stream.manage")
@part.arguments(ListQuery, location="query")
@part.response(200, page_schema(StreamSchema))
def list_streams(query: dict[str, Any]) -> dict[str, Any]:
    """List streams by name, without their secrets."""
    page = plain(lists.listed(caller().account_id, **query))
    return page | {"items": [_shown(each) for each in page["items"]]}


@part.post("")
@previewable
@needs("stream.manage")
@part.arguments(NewStream)
@part.response(201, CreatedStreamSchema)
def create_stream(body: dict[str, Any]) -> Any:
    """Tell somebody what happens from now on. All of the account's events are theirs to read."""
    body.pop("delivery")

    def create(work: Work) -> dict[str, Any]:
        made = streams.create(work, **body)
        return read(work.account_id, made.id) | {"secret": made.secret}

    return post(create, CreatedStreamSchema(), lambda stream: f"/api/v1/streams/{stream['id']}")


@part.get("/<stream_id>")
@needs("stream.manage")
@part.response(200, StreamSchema)
def show_stream(stream_id: str) -> dict[str, Any]:
    """Show a stream, and how far it is."""
    return read(caller().account_id, stream_id)


@part.patch("/<stream_id>")
@previewable
@needs("stream.manage")
@part.arguments(StreamChange)
@part.response(200, StreamSchema)
def change_stream(body: dict[str, Any], stream_id: str) -> dict[str, Any]:
    """Change a stream."""
    with writing() as work:
        streams.change(work, stream_id, **body)
        return read(work.account_id, stream_id)


@part.delete("/<stream_id>")
@previewable
@needs("stream.manage")
@part.response(204)
def delete_stream(stream_id: str) -> None:
    """Delete a stream, with the events it could not deliver."""
    with writing() as work:
        streams.remove(work, stream_id)


@part.put("/<stream_id>/status")
@previewable
@needs("stream.manage")
@part.arguments(Status)
@part.response(200, StreamSchema)
def set_status(body: dict[str, Any], stream_id: str) -> dict[str, Any]:
    """Enable, pause or disable a stream: a paused one keeps its events, a disabled one does not."""
    with writing() as work:
        streams.set_status(work, stream_id, body["status"])
        return read(work.account_id, stream_id)


@part.post("/<stream_id>/secret")
@previewable
@needs("stream.manage")
@part.response(201, SecretSchema)
def renew_secret(stream_id: str) -> Any:
    """Issue a new secret to poll with. The old one ends at once."""
    return post(lambda work: {"secret": streams.renew_secret(work, stream_id)}, SecretSchema())


@part.post("/<stream_id>/replay")
@previewable
@needs("stream.manage")
@part.arguments(Point)
@part.response(201, CountSchema)
def replay(body: dict[str, Any], stream_id: str) -> Any:
    """Deliver again what happened since a time, or from an event on, under the same ids."""
    (since,) = body.values()
    return post(lambda work: {"events": streams.replay(work, stream_id, since)}, CountSchema())


@part.post("/<stream_id>/test")
@needs("stream.manage")
@part.response(200, OutcomeSchema)
def test_stream(stream_id: str) -> dict[str, Any]:
    """Push an event that says nothing, and say what the receiver made of it."""
    stream = streams.existing(caller().account_id, stream_id)
    if stream.delivery != "push":
        raise Invalid(say("This stream is polled."))
    return {"problem": pushing.test(stream)}


@part.get("/<stream_id>/dead-letters")
@needs("stream.manage")
@part.arguments(ListQuery, location="query")
@part.response(200, page_schema(DeadLetterSchema))
def list_dead_letters(query: dict[str, Any], stream_id: str) -> dict[str, Any]:
    """List the events that the receiver did not take, the oldest first."""
    account_id = caller().account_id
    read(account_id, stream_id)
    return plain(lists.dead_letters(account_id, stream_id, **query))


@part.post("/<stream_id>/dead-letters/retry")
@previewable
@needs("stream.manage")
@part.response(201, CountSchema)
def retry_dead_letters(stream_id: str) -> Any:
    """Let all events that were not taken be tried again."""
    return post(lambda work: {"events": dead_letters.ask_again(work, stream_id)}, CountSchema())


@part.post("/<stream_id>/dead-letters/<event_id>/retry")
@previewable
@needs("stream.manage")
@part.response(201, CountSchema)
def retry_dead_letter(stream_id: str, event_id: str) -> Any:
    """Let one event that was not taken be tried again."""
    return post(
        lambda work: {"events": dead_letters.ask_again(work, stream_id, event_id)}, CountSchema()
    )


@part.delete("/<stream_id>/dead-letters/<event_id>")
@previewable
@needs("stream.manage")
@part.response(204)
def discard_dead_letter(stream_id: str, event_id: str) -> None:
    """Let an event go that was not taken."""
    with writing() as work:
        dead_letters.discard(work, stream_id, event_id)


def read(account_id: str, stream_id: str) -> dict[str, Any]:
    """Return what is shown of a stream.

    :raises NotFound: When the account has no such stream.
    """
    return _shown(existing(lists.one(account_id, stream_id), "stream", stream_id))


def _shown(stream: dict[str, Any]) -> dict[str, Any]:
    polled = stream["delivery"] == "poll"
    return stream | {"poll_url": streams.poll_url(stream["id"]) if polled else None}
