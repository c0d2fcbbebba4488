"""What becomes of events that a receiver did not take: they are tried again, or let go."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, update

from app.directory import streams
from app.directory.errors import NotFound
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import DeadLetter, EventStream


def ask_again(work: Work, stream_id: str, event_id: str | None = None) -> int:
    """Let events be tried again, and return how many.

    :param event_id: None: all of the stream.
    :raises NotFound: When the stream has none such.
    """
    stream = streams.existing(work.account_id, stream_id)
    query = update(DeadLetter).where(*_these(work, stream_id, event_id))
    asked = db.session.execute(query.values(asked_again_at=work.at).returning(DeadLetter.event_id))
    count = _counted(asked.all(), event_id)
    this = (EventStream.account_id == work.account_id, EventStream.id == stream_id)
    db.session.execute(update(EventStream).where(*this).values(next_try_at=None))
    _record(work, "dead_letter.asked_again", stream, count, event_id)
    return count


def discard(work: Work, stream_id: str, event_id: str | None = None) -> int:
    """Let events go that were not taken, and return how many.

    :param event_id: None: all of the stream.
    :raises NotFound: When the stream has none such.
    """
    stream = streams.existing(work.account_id, stream_id)
    query = delete(DeadLetter).where(*_these(work, stream_id, event_id))
    gone = db.session.execute(query.returning(DeadLetter.event_id)).all()
    count = _counted(gone, event_id)
    _record(work, "dead_letter.discarded", stream, count, event_id)
    return count


def _these(work: Work, stream_id: str, event_id: str | None) -> list[Any]:
    named = [] if event_id is None else [DeadLetter.event_id == event_id]
    return [DeadLetter.account_id == work.account_id, DeadLetter.stream_id == stream_id, *named]


def _counted(rows: Any, event_id: str | None) -> int:
    if not rows and event_id is not None:
        raise NotFound("event that was not taken", event_id)
    return len(rows)


def _record(work: Work, action: str, stream: Any, count: int, event_id: str | None) -> None:
    if count:
        after = {"events": count} | ({"event": event_id} if event_id else {})
        work.record(action, Target("stream", stream.id, stream.name), after=after)
