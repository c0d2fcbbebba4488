"""``/sessions``: who is signed in, and ending that."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.users import read as read_user
from app.api.v1.writing import writing
from app.directory import sessions
from app.directory.errors import NotFound
from app.lists import sessions as lists
from app.security.requests import settings

part = Part("sessions", __name__, description="Who is signed in.")

REASON = "ended by an administrator"


class SessionSchema(Schema):
    id = fields.String(required=True)
    user_id = fields.String(required=True)
    user_name = fields.String(required=True)
    method = fields.String(
        required=True, metadata={"description": "How they signed in: saml, password, link, …"}
    )
    second_factor = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "totp, passkey, recovery_code or provider; null: none."},
    )
    connection = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Name of the connection they signed in through."},
    )
    address = fields.String(required=True, allow_none=True)
    user_agent = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    seen_at = fields.AwareDateTime(
        required=True, metadata={"description": "When it was in use last, to the minute."}
    )
    expires_at = fields.AwareDateTime(required=True)


class SessionQuery(ListQuery):
    user = fields.String(
        validate=validate.Length(1, 36), metadata={"description": "Id of a user: only theirs."}
    )


@part.get("/sessions")
@needs("user.view")
@part.arguments(SessionQuery, location="query")
@part.response(200, page_schema(SessionSchema))
def list_sessions(query: dict[str, Any]) -> dict[str, Any]:
    """List the sessions people have open, the newest first."""
    return plain(lists.listed(caller().account_id, settings(), **query))


@part.delete("/sessions/<session_id>")
@previewable
@needs("user.manage")
@part.response(204)
def end_session(session_id: str) -> None:
    """Sign somebody out of one session, at once."""
    with writing() as work:
        if lists.one(work.account_id, settings(), session_id) is None:
            raise NotFound("open session", session_id)
        sessions.revoke(work, session_id, reason=REASON)


@part.delete("/users/<user_id>/sessions")
@previewable
@needs("user.manage")
@part.response(204)
def end_sessions_of_user(user_id: str) -> None:
    """Sign a user out everywhere, at once; links to sign in that were sent no longer work."""
    with writing() as work:
        read_user(work.account_id, user_id)
        sessions.revoke_all(work, user_id, reason=REASON)
