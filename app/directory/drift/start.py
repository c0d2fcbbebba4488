"""Beginning a report, and making the store what a report has found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from app.directory import operations
from app.directory.drift.lines import LIMIT
from app.directory.drift.reading import Export
from app.directory.errors import Invalid, NotFound
from app.directory.imports import files
from app.directory.imports.start import must_write
from app.directory.work import Work
from app.store.database import db
from app.store.models import Connection, Operation, User
from app.words import say

KIND = "drift"
KINDS = ("missing", "different", "extra")
"""Who is not as the provider says: not here, not the same, here alone."""
COUNTS = (*KINDS, "same", "refused")
"""What a report counts."""
FIXED = ("created", "updated", "deactivated", "unchanged", "refused", "groups", "joined", "left")
"""What making the store so counts."""
KEPT = timedelta(days=1)
"""How long after a report the store can be made so. Later the provider has gone on."""
MOST = 10
"""So many people are deactivated unasked, however few there are."""


def start(work: Work, connection_id: str, export: Export) -> str:
    """Keep what a provider exports, to be compared, and return the id of the operation.

    :raises NotFound: When the account has no such connection.
    :raises Forbidden: When the actor may not manage people.
    :raises Invalid: When too many operations are open, or the file is too large.
    """
    connection = _connection(work, connection_id)
    must_write(work, groups=export.with_groups)
    options = {
        "fix": False,
        "connection": {"id": connection.id, "kind": connection.kind, "name": connection.name},
        "groups": export.with_groups,
        "people": export.people,
        "ignored": list(export.ignored),
        "digest": export.digest,
    }
    operation_id = operations.create(work, KIND, export.name, options, export.people)
    files.keep(work, operation_id, export.lines, LIMIT)
    return operation_id


def fix(work: Work, report_id: str, *, many: bool = False) -> str:
    """Begin to make the store what a report has found, and return the id of the operation.

    :param many: Whether more than half of the connection's people may be deactivated.
    :raises NotFound: When there is no such report that is done.
    :raises Invalid: When it is too old, there is nothing to do, or it would deactivate too many.
    :raises Forbidden: As :func:`start`.
    """
    row = _report(work, report_id)
    options, counts = row.options, row.counts
    must_write(work, groups=options["groups"])
    _connection(work, options["connection"]["id"])
    if row.finished_at < work.at - KEPT:
        raise Invalid(say("This report is older than a day. Make a new one."))
    total = sum(counts.get(kind, 0) for kind in KINDS)
    if not total:
        raise Invalid(say("There is nothing to do: nothing differs."))
    if not many and deactivates(row.options, counts):
        _check_few(work, options["connection"]["id"], counts["extra"])
    told = options | {"fix": True, "report": report_id, "deactivate": deactivates(options, counts)}
    return operations.create(work, KIND, row.name, told, total)


def deactivates(options: dict[str, Any], counts: dict[str, int]) -> bool:
    """Tell whether making the store so deactivates those who are here alone.

    Not while rows are refused: these may be about just them.
    """
    return not counts.get("refused") and bool(counts.get("extra"))


def _check_few(work: Work, connection_id: str, extra: int) -> None:
    active = select(func.count()).where(
        User.account_id == work.account_id,
        User.connection_id == connection_id,
        User.active.is_(True),
    )
    if extra > MOST and 2 * extra > (db.session.scalar(active) or 0):
        sentence = say(
            "It would deactivate %(count)s people, more than half of those of this connection. "
            "Make sure that the file holds everybody, and confirm it.",
            count=extra,
        )
        raise Invalid(sentence, field="many")


def _connection(work: Work, connection_id: str) -> Any:
    columns = select(Connection.id, Connection.kind, Connection.name)
    row = db.session.execute(
        columns.where(Connection.account_id == work.account_id, Connection.id == connection_id)
    ).first()
    if row is None:
        raise NotFound("connection", connection_id)
    return row


def _report(work: Work, report_id: str) -> Any:
    columns = (Operation.name, Operation.options, Operation.counts, Operation.finished_at)
    row = db.session.execute(
        select(*columns).where(
            Operation.account_id == work.account_id,
            Operation.id == report_id,
            Operation.kind == KIND,
            Operation.state == "done",
        )
    ).first()
    if row is None or row.options["fix"]:
        raise NotFound("drift report", report_id)
    return row
