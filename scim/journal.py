"""What one request did, for the provisioning log."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scim2_models import Error

from app.directory import provisioning_log
from app.directory.provisioning_log import Entry
from app.directory.work import Actor, Work
from app.security.limits import seconds_to_wait

FAILURES_NOTED = 1200
"""How many failures of a connection one process notes in a minute: each is a write."""
_STATUSES = {"POST": 201, "PUT": 200, "PATCH": 200, "DELETE": 204}


@dataclass
class Journal:
    """Collects what is known of a request, or of one operation of a bulk request."""

    account_id: str
    actor: Actor
    method: str
    path: str
    """Under the SCIM root, with the query."""
    user_agent: str
    started: float = field(default_factory=time.perf_counter)
    resource_type: str | None = None
    resource_id: str | None = None
    resource_name: str | None = None
    reason: str | None = None
    """What was wrong, where the client is told less."""
    notes: list[dict[str, Any]] = field(default_factory=list)

    def operation(self, method: str, path: str) -> Journal:
        """Return the journal of one operation of this bulk request."""
        return replace(
            self,
            method=method,
            path=path,
            started=time.perf_counter(),
            resource_type=None,
            resource_id=None,
            resource_name=None,
            notes=[],
        )

    def about(self, resource_type: str, resource_id: str | None, payload: Any = None) -> None:
        """Say which resource it is about; its name is taken from a body, where there is one."""
        self.resource_type = resource_type
        self.resource_id = resource_id or self.resource_id
        if isinstance(payload, dict):
            names = {key.lower(): item for key, item in payload.items()}
            name = names.get("username") or names.get("displayname")
            self.resource_name = name if isinstance(name, str) else self.resource_name

    def write(self, work: Work) -> None:
        """Add the line of a write that succeeds, to stand or fall with it."""
        provisioning_log.note(work, self._entry(_STATUSES.get(self.method, 200), None, None))

    @staticmethod
    def write_each(work: Work, journals: Sequence[Journal]) -> None:
        """Add the lines of operations that succeed together, to stand or fall with them."""
        entries = [each._entry(_STATUSES[each.method], None, None) for each in journals]
        provisioning_log.note(work, *entries)

    def write_failure(self, error: Error) -> None:
        """Add the line of what failed, unless the connection has failed very often of late."""
        if seconds_to_wait(f"failed:{self.actor.connection_id}", FAILURES_NOTED):
            return
        entry = self._entry(int(error.status or 500), error.scim_type, self.reason or error.detail)
        provisioning_log.note_failure(self.account_id, self.actor, entry)

    def _entry(self, status: int, scim_type: str | None, detail: str | None) -> Entry:
        return Entry(
            method=self.method,
            path=self.path,
            user_agent=self.user_agent,
            resource_type=self.resource_type,
            resource_id=self.resource_id,
            resource_name=self.resource_name,
            status=status,
            scim_type=scim_type,
            detail=detail,
            notes=self.notes,
            duration_us=int((time.perf_counter() - self.started) * 1_000_000),
        )
