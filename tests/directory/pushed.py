"""A receiver in the tests, and what it was sent."""

from __future__ import annotations

from tests.inspection import audit
from tests.streams import outgoing_ids


def sent(account_id: str, stream_id: str) -> list[str]:
    """The ids of the events the stream is to deliver, in order: those since it was created."""
    ids = outgoing_ids(account_id)
    (created,) = audit(account_id, "stream.created")
    assert created.target_id == stream_id
    return ids[ids.index(created.id) :]
