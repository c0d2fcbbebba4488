"""Runs of plain operations in a bulk request: of one kind, one after the other, written at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

from scim2_models import BulkOperation, Resource, ResourceType, SCIMException
from scim2_server.bulk import BulkPlan, BulkStep
from sqlalchemy.exc import SQLAlchemyError

from app.directory import groups, memberships, users
from app.directory.errors import DirectoryError
from app.directory.groups import GroupProfile
from app.directory.users import Profile
from app.directory.work import Work
from scim.errors import scim_exception
from scim.journal import Journal
from scim.plain import Method, Plain
from scim.storage import DirectoryStorage

AT_ONCE = 250
"""How many operations are written in one transaction, at the most: others wait for it."""
ROWS_AT_ONCE = 10_000
"""How many rows; an operation that has more is alone."""


@dataclass(frozen=True)
class Written:
    """The resource an operation has made or changed, as far as its answer says."""

    id: str
    version: int


Outcome = Written | DirectoryError


class Plan(BulkPlan):
    """The order of the operations, some of them plain."""

    operations: list[Any]

    @staticmethod
    def references(operation: BulkOperation[Resource[Any]] | Plain) -> list[str]:
        return [] if isinstance(operation, Plain) else BulkPlan.references(operation)

    def is_plain(self, step: BulkStep) -> bool:
        """Tell whether an operation can be one of a run."""
        operation = self.operations[step.index]
        return isinstance(operation, Plain) and (
            operation.method is not Method.post
            or self.is_creation(step.index, operation.bulk_id)  # Otherwise its bulkId is not new.
        )


def portions(plan: Plan) -> Iterator[list[BulkStep]]:
    """Return the steps in their order: runs of plain operations, and others one by one."""
    run: list[BulkStep] = []
    rows, resources = 0, set[str | None]()
    for step in plan.steps:
        operation = plan.operations[step.index]
        if run and not (
            isinstance(operation, Plain)
            and _kind(operation) is _kind(plan.operations[run[0].index])
            and len(run) < AT_ONCE
            and rows + operation.size <= ROWS_AT_ONCE
            and operation.resource_id not in resources
        ):
            yield run
            run, rows, resources = [], 0, set[str | None]()
        run.append(step)
        if isinstance(operation, Plain):
            rows += operation.size
            resources |= {operation.resource_id} - {None}
    if run:
        yield run


def write(
    storage: DirectoryStorage,
    resource_type: ResourceType,
    operations: Sequence[Plain],
    refusals: int | None,
) -> list[Outcome] | None:
    """Write the operations of a run in one transaction, with the lines of the provisioning log.

    Returns what came of each; None where nothing is written, and each is to be tried for itself.

    :param refusals: After so many the list ends, and nothing more is done; None: however many.
    """
    whole, storage.journal = storage.journal, None  # Each operation has a line of its own.
    begun = time.perf_counter()
    try:
        with storage.operation():
            outcomes = _WRITERS[_kind(operations[0])](storage.work, operations, refusals)
            lines = (
                [] if whole is None else _lines(whole, resource_type, operations, outcomes, begun)
            )
            written = [isinstance(each, Written) for each in outcomes]
            Journal.write_each(storage.work, list(compress(lines, written)))
    except (SCIMException, SQLAlchemyError):
        return None
    finally:
        storage.journal = whole
    for line, outcome in zip(lines, outcomes, strict=False):
        if isinstance(outcome, DirectoryError):
            line.write_failure(scim_exception(outcome).to_error())
    return outcomes


def _lines(
    whole: Journal,
    resource_type: ResourceType,
    operations: Sequence[Plain],
    outcomes: Sequence[Outcome],
    begun: float,
) -> list[Journal]:
    """Return a line for each operation, of which each took its part of the time."""
    started = time.perf_counter() - (time.perf_counter() - begun) / max(len(outcomes), 1)
    return [
        replace(
            whole,
            method=str(each.method),
            path=each.path,
            started=started,
            resource_type=str(resource_type.name),
            resource_id=outcome.id if isinstance(outcome, Written) else None,
            resource_name=each.name,
            notes=[],
        )
        for each, outcome in zip(operations, outcomes, strict=False)
    ]


def _kind(operation: Any) -> type | None:
    return type(operation.asks) if isinstance(operation, Plain) else None


def _users(work: Work, operations: Sequence[Plain], refusals: int | None) -> list[Outcome]:
    outcomes = users.create_each(work, [each.asks for each in operations], refusals)
    return [Written(each, 1) if isinstance(each, str) else each for each in outcomes]


def _groups(work: Work, operations: Sequence[Plain], refusals: int | None) -> list[Outcome]:
    ids = groups.create_all(work, [each.asks for each in operations])
    return [Written(each, 1) for each in ids]


def _members(work: Work, operations: Sequence[Plain], refusals: int | None) -> list[Outcome]:
    newcomers = {str(each.resource_id): each.asks for each in operations}
    versions = memberships.add_newcomers(work, newcomers)
    return [Written(group_id, versions[group_id]) for group_id in newcomers]


_WRITERS: dict[Any, Callable[[Work, Sequence[Any], int | None], list[Outcome]]] = {
    Profile: _users,
    GroupProfile: _groups,
    frozenset: _members,
}
