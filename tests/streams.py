"""What the tests of event streams share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Flask
from sqlalchemy import update

from app.deliveries import run_all
from app.directory import streams
from app.directory.streams import Created
from app.security.signing_keys import published_keys
from app.store.database import db
from app.store.models import EventStream, OutgoingEvent
from app.store.types import now
from tests.conftest import write
from tests.inspection import rows
from tests.receiver import LOOPBACK


def let_in(app: Flask, **changes: Any) -> None:
    """Let receivers on this machine be pushed to."""
    settings = app.extensions["gatehouse"]
    app.extensions["gatehouse"] = replace(settings, receiver_networks=LOOPBACK, **changes)


def keys(app: Flask) -> dict[str, Any]:
    """The JWK Set as another program reads it."""
    with app.app_context():
        return {"keys": published_keys(now())}


def a_stream(account_id: str, name: str = "media", **options: Any) -> Created:
    with write(account_id) as work:
        return streams.create(work, name, **options)


def outgoing_ids(account_id: str) -> list[str]:
    """The ids of all events of an account, in the order of their places."""
    found = rows(OutgoingEvent, account_id=account_id)
    return [each.id for each in sorted(found, key=lambda each: each.sequence)]


def push() -> None:
    """Push what waits, whatever is to be waited for."""
    db.session.rollback()
    db.session.execute(update(EventStream).values(next_try_at=None))
    db.session.commit()
    run_all()
