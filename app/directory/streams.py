"""Every write of a stream of events: who is told what happens in an account, and how."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import aliased

from app.directory import bounds
from app.directory.errors import Invalid, NotFound, Taken
from app.directory.work import Target, Work
from app.security.event_tokens import FAMILIES, fits_any
from app.security.outbound import BadUrl, NotPublic, Peer
from app.security.requests import settings
from app.security.secrets import digest, new_secret, seal
from app.store.database import db, write_transaction
from app.store.models import Account, DeadLetter, EventStream, OutgoingEvent
from app.store.types import first_id, new_id, now
from app.words import say

STREAMS_LIMIT = 20
"""How many streams an account may have."""
WANTED_LIMIT = 50
FORGOTTEN_AT_ONCE = 1_000
STATUSES = ("enabled", "paused", "disabled")
"""Of a paused stream the events are kept until it goes on; a disabled one misses them."""
ANEW: dict[str, Any] = {
    "runner": None,
    "leased_until": None,
    "next_try_at": None,
    "failures": 0,
    "dead_in_a_row": 0,
    "problem": None,
}
"""What a stream is when it begins, or goes on: whoever works on it has it no more."""


@dataclass(frozen=True)
class Created:
    """A new stream. ``secret`` is known here and now only: the store keeps its digest."""

    id: str
    secret: str | None
    """What a receiver polls with; None: events are pushed."""


def create(
    work: Work,
    name: str,
    *,
    endpoint: str | None = None,
    authorization: str | None = None,
    audience: str | None = None,
    wanted: Collection[str] = (),
) -> Created:
    """Add a stream of the events from now on. The first one is that it was created.

    :param endpoint: Where events are pushed to (RFC 8935); None: a receiver polls (RFC 8936).
    :param authorization: The header ``Authorization`` to push with.
    :param audience: Who the tokens are for; None: the endpoint, or the address that is polled.
    :param wanted: URIs of events, ``*`` at the end for any; none: all of them.
    :raises Invalid: When a value is out of bounds, or there are too many streams.
    :raises Taken: When another stream has this name.
    """
    stream_id = new_id()
    query = select(func.count()).where(EventStream.account_id == work.account_id)
    if (db.session.scalar(query) or 0) >= STREAMS_LIMIT:
        raise Invalid(say("An account has at most %(limit)s streams.", limit=STREAMS_LIMIT))
    secret = None if endpoint else new_secret()
    last = select(Account.event_sequence).where(Account.id == work.account_id)
    row: dict[str, Any] = {
        "account_id": work.account_id,
        "id": stream_id,
        "delivery": "push" if endpoint else "poll",
        "hash": digest(secret) if secret else None,
        "cursor": db.session.scalar(last),
        "created_at": work.at,
        "worked_at": work.at,
        "name": _free_name(work, stream_id, name),
        "endpoint": _endpoint(endpoint) if endpoint else None,
        "audience": _audience(audience or endpoint or poll_url(stream_id)),
        "wanted": _wanted(wanted),
        "sealed_authorization": _sealed(stream_id, authorization),
    }
    db.session.execute(insert(EventStream), [row])
    work.record("stream.created", Target("stream", stream_id, row["name"]), after=_shown(row))
    return Created(stream_id, secret)


def change(work: Work, stream_id: str, **changes: Any) -> bool:
    """Change a stream, and return whether that changed anything.

    The header ``Authorization`` is never shown, so nobody gets to see it by an endpoint of their
    own either: one on another host has none until it is given anew.

    :param changes: ``name``, ``audience``, ``wanted``; of one that pushes ``endpoint`` and
        ``authorization`` too.
    :raises NotFound: When the account has no such stream.
    :raises Invalid: When a value is out of bounds.
    :raises Taken: When another stream has this name.
    """
    row = existing(work.account_id, stream_id)
    pushed_only = {"endpoint", "authorization"} & changes.keys()
    if pushed_only and row.delivery != "push":
        raise Invalid(say("This stream is polled."), field=min(pushed_only))
    values: dict[str, Any] = {
        name: _CLEANED[name](changes[name]) for name in _CLEANED.keys() & changes.keys()
    }
    if "name" in changes:
        values["name"] = _free_name(work, stream_id, changes["name"])
    if "authorization" in changes:
        values["sealed_authorization"] = _sealed(stream_id, changes["authorization"])
    elif "endpoint" in values and _origin(values["endpoint"]) != _origin(row.endpoint):
        values["sealed_authorization"] = None
    changed = {name: value for name, value in values.items() if value != getattr(row, name)}
    if not changed:
        return False
    # What is wrong with the old endpoint need not be so with the new one.
    _set(work.account_id, stream_id, **changed, **(ANEW if pushed_only else {}))
    before: dict[str, Any] = {name: row._mapping[name] for name in changed if name in SHOWN}
    after: dict[str, Any] = {name: value for name, value in changed.items() if name in SHOWN}
    if "sealed_authorization" in changed:
        after["authorization"] = "changed"
    work.record("stream.updated", Target("stream", stream_id, row.name), before=before, after=after)
    return True


def renew_secret(work: Work, stream_id: str) -> str:
    """Return a new secret to poll a stream with. The old one ends at once.

    :raises NotFound: When the account has no such stream that is polled.
    """
    row = existing(work.account_id, stream_id)
    if row.delivery != "poll":
        raise NotFound("stream that is polled", stream_id)
    secret = new_secret()
    _set(work.account_id, stream_id, hash=digest(secret))
    work.record("stream.updated", Target("stream", row.id, row.name), after={"secret": "renewed"})
    return secret


def set_status(work: Work, stream_id: str, status: str, reason: str = "") -> bool:
    """Enable, pause or disable a stream, and return whether that changed anything.

    To enable one that is enabled lets it try again at once.

    :param status: Of ``STATUSES``.
    :raises NotFound: When the account has no such stream.
    """
    row = existing(work.account_id, stream_id)
    values = ANEW | {"status": status, "problem": reason or None}
    if row.status == "disabled" and status != "disabled":
        last = select(Account.event_sequence).where(Account.id == work.account_id)
        values |= {"cursor": db.session.scalar(last), "settled": []}
    _set(work.account_id, stream_id, **values)
    if row.status == status:
        return False
    after = {"status": status} | ({"reason": reason} if reason else {})
    target = Target("stream", stream_id, row.name)
    work.record(f"stream.{status}", target, before={"status": row.status}, after=after)
    return True


def replay(work: Work, stream_id: str, since: datetime | str) -> int:
    """Let a stream deliver again what it has delivered, and return how many events those are.

    :param since: A time, or the id of the first event. Never skips what is still to come.
    :raises NotFound: When the account has no such stream, or keeps no such event.
    """
    row = existing(work.account_id, stream_id)
    mine = OutgoingEvent.account_id == work.account_id
    if isinstance(since, str):
        first = db.session.scalar(
            select(OutgoingEvent.sequence).where(mine, OutgoingEvent.id == since)
        )
        if first is None:
            raise NotFound("event that is kept", since)
    else:
        later = OutgoingEvent.id >= first_id(since)
        first = db.session.scalar(select(func.min(OutgoingEvent.sequence)).where(mine, later))
    cursor = row.cursor if first is None else min(row.cursor, first - 1)
    again = select(func.count()).where(
        mine, OutgoingEvent.sequence > cursor, OutgoingEvent.sequence <= row.cursor
    )
    count = db.session.scalar(again) or 0
    _set(work.account_id, stream_id, **ANEW, cursor=cursor, settled=[])
    said = since if isinstance(since, str) else since.isoformat()
    target = Target("stream", stream_id, row.name)
    work.record("stream.replayed", target, after={"since": said, "events": count})
    return count


def remove(work: Work, stream_id: str) -> None:
    """Delete a stream, with the events it could not deliver.

    :raises NotFound: When the account has no such stream.
    """
    row = existing(work.account_id, stream_id)
    db.session.execute(delete(EventStream).where(*_this(work.account_id, stream_id)))
    before = _shown(row._mapping)
    work.record("stream.deleted", Target("stream", stream_id, row.name), before=before)


def find(account_id: str, stream: str) -> str:
    """Return the id of a stream, by its id or its name.

    :raises NotFound: When the account has none.
    """
    query = select(EventStream.id).where(
        EventStream.account_id == account_id,
        (EventStream.id == stream) | (EventStream.name == stream),
    )
    found = db.session.scalar(query.limit(1))
    if found is None:
        raise NotFound("stream", stream)
    return found


def existing(account_id: str, stream_id: str) -> Any:
    """Return the row of a stream.

    :raises NotFound: When the account has no such stream.
    """
    query = select(EventStream.__table__).where(*_this(account_id, stream_id))
    row = db.session.execute(query).first()
    if row is None:
        raise NotFound("stream", stream_id)
    return row


def poll_url(stream_id: str) -> str:
    """Return where a stream is polled."""
    return f"{settings().public_url}/events/{stream_id}/poll"


def forget_old() -> None:
    """Delete events that are old, unless a stream is still to deliver them."""
    before = first_id(now() - timedelta(days=settings().event_days))
    for account_id in db.session.scalars(select(Account.id)).all():
        db.session.rollback()
        while _forget_some(account_id, before) == FORGOTTEN_AT_ONCE:
            pass


def _forget_some(account_id: str, before: str) -> int:
    letter = aliased(DeadLetter)
    is_dead = select(letter.sequence).where(
        letter.account_id == account_id, letter.sequence == OutgoingEvent.sequence
    )
    needed = select(func.min(EventStream.cursor)).where(
        EventStream.account_id == account_id, EventStream.status != "disabled"
    )
    with write_transaction():
        cursor = db.session.scalar(needed)
        old = select(OutgoingEvent.id).where(
            OutgoingEvent.account_id == account_id,
            OutgoingEvent.id < before,
            *(() if cursor is None else (OutgoingEvent.sequence <= cursor,)),
            ~is_dead.exists(),
        )
        ids = db.session.scalars(old.order_by(OutgoingEvent.id).limit(FORGOTTEN_AT_ONCE)).all()
        db.session.execute(
            delete(OutgoingEvent).where(
                OutgoingEvent.account_id == account_id, OutgoingEvent.id.in_(ids)
            )
        )
    return len(ids)


SHOWN = ("name", "delivery", "endpoint", "audience", "wanted")
"""What the audit log says of a stream."""


def _shown(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in SHOWN if row[name] is not None}


def _this(account_id: str, stream_id: str) -> tuple[Any, Any]:
    return EventStream.account_id == account_id, EventStream.id == stream_id


def _set(account_id: str, stream_id: str, **values: Any) -> None:
    db.session.execute(update(EventStream).where(*_this(account_id, stream_id)).values(values))


def _free_name(work: Work, stream_id: str, name: str) -> str:
    name = bounds.required("name", name)
    others = select(EventStream.id).where(
        EventStream.account_id == work.account_id,
        EventStream.name == name,
        EventStream.id != stream_id,
    )
    if db.session.scalar(others) is not None:
        raise Taken(say("There is a stream %(name)r already.", name=name))
    return name


def _endpoint(url: str) -> str:
    url = bounds.required("endpoint", url, bounds.TEXT_LENGTH)
    try:
        if not url.isascii() or not url.isprintable() or " " in url or "#" in url:
            raise BadUrl
        Peer(url, settings().receiver_networks)
    except (ValueError, NotPublic):
        sentence = say(
            "Events are pushed to public https:// addresses, with no user name in them. Those in a "
            "network of your own need GATEHOUSE_RECEIVER_NETWORKS."
        )
        raise Invalid(sentence, field="endpoint") from None
    return url


def _origin(endpoint: str) -> tuple[str, str]:
    """Return whom a request to an endpoint goes to."""
    parts = urlsplit(endpoint)
    return parts.scheme, parts.netloc.lower()


def _audience(text: str) -> str:
    return bounds.required("audience", text, bounds.TEXT_LENGTH)


def _wanted(uris: Collection[str]) -> list[str]:
    if len(uris) > WANTED_LIMIT:
        sentence = say("A stream names at most %(limit)s kinds of events.", limit=WANTED_LIMIT)
        raise Invalid(sentence, field="wanted")
    found = sorted({bounds.required("wanted", uri) for uri in uris})
    useless = [uri for uri in found if not fits_any(uri)]
    if useless:
        sentence = say(
            "%(uri)s fits no event. There are: %(families)s.", uri=useless[0], families=FAMILIES
        )
        raise Invalid(sentence, field="wanted")
    return found


def _sealed(stream_id: str, authorization: str | None) -> str | None:
    if not authorization:
        return None
    text = bounds.required("authorization", authorization, 4 * bounds.TEXT_LENGTH)
    if not text.isascii() or not text.isprintable():
        sentence = say("%(field)s holds a character that is not allowed.", field="authorization")
        raise Invalid(sentence, field="authorization")
    return seal(settings().secret_key, stream_id, text)


_CLEANED: dict[str, Callable[[Any], Any]] = {
    "endpoint": _endpoint,
    "audience": _audience,
    "wanted": _wanted,
}
