"""Beginning an import: the file is looked through, kept, and waits for somebody to carry it on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import IO, Any

from sqlalchemy import select

from app.directory import delegation, operations
from app.directory.errors import Forbidden, Invalid, NotFound
from app.directory.imports import files
from app.directory.imports.table import Form, survey
from app.directory.work import Work
from app.store.database import db
from app.store.models import Operation
from app.words import any_of, say

KIND = "import"
COUNTS = ("created", "updated", "unchanged", "refused", "partly", "groups", "joined", "left")
"""What comes of an import: people, rows that are refused (``partly``: some of their groups), groups
that are new, memberships that came and went."""
GROUPS = ("add", "exactly", "ignore")


@dataclass(frozen=True)
class Options:
    """What is to be done with a file."""

    groups: str = "add"
    """``add``: people come into the groups their row names. ``exactly``: they also leave those
    that the file names elsewhere. ``ignore``: groups are not looked at."""
    create_groups: bool = True
    """Whether groups that are not there are made; otherwise who names one is refused."""
    trial: bool = False
    """Whether nothing is kept: it only says what would be."""

    def __post_init__(self) -> None:
        if self.groups not in GROUPS:
            raise Invalid(say("groups must be %(what)s.", what=any_of(GROUPS)), field="groups")


@dataclass(frozen=True)
class File:
    """A file that can be imported, as far as it was looked through."""

    name: str
    stream: IO[bytes]
    digest: str
    """SHA-256 of its content, hexadecimal."""
    size: int
    rows: int
    form: Form


def look_through(name: str, stream: IO[bytes]) -> File:
    """Read a whole file once. It takes seconds for a large one, so it is done before any write.

    :raises Invalid: When it is no table of people, or too large.
    """
    hashed = sha256()
    size = 0

    def chunks() -> Iterator[bytes]:
        nonlocal size
        for chunk in files.chunks_of(stream):
            hashed.update(chunk)
            size += len(chunk)
            yield chunk

    found = survey(chunks())
    return File(name, stream, hashed.hexdigest(), size, found.rows, found.form)


def start(work: Work, file: File, options: Options) -> str:
    """Keep a file to be imported, and return the id of the operation.

    :raises Forbidden: When the actor may not do what the options say.
    :raises Invalid: When too many imports are open.
    """
    content = asdict(options) | {
        "form": file.form.as_json(),
        "rows": file.rows,
        "size": file.size,
        "digest": file.digest,
    }
    if work.actor.surface == "cli":
        _give_up(work, file.name)
    operation_id = _create(work, file.name, content)
    files.keep(work, operation_id, file.stream)
    return operation_id


def in_earnest(work: Work, trial_id: str) -> str:
    """Begin what a trial has tried, with its file, and return the id of the new operation.

    :raises NotFound: When there is no such trial, or its file is gone.
    :raises Forbidden: As :func:`start`.
    """
    query = select(Operation.name, Operation.options).where(
        Operation.account_id == work.account_id,
        Operation.id == trial_id,
        Operation.kind == KIND,
        Operation.state == "done",
    )
    row = db.session.execute(query).first()
    if row is None or not row.options["trial"]:
        raise NotFound("trial", trial_id)
    operation_id = _create(work, row.name, row.options | {"trial": False})
    if not files.hand_over(work, trial_id, operation_id):
        raise NotFound("file of the trial", trial_id)
    return operation_id


def unfinished(account_id: str, file: File, options: Options) -> str | None:
    """Return the import by the command that was stopped in the middle of this very file."""
    query = select(Operation.id, Operation.options).where(
        Operation.account_id == account_id,
        Operation.kind == KIND,
        Operation.surface == "cli",
        operations.IS_OPEN,
    )
    wanted = asdict(options) | {"digest": file.digest}
    for row in db.session.execute(query.order_by(Operation.created_at)):
        if wanted.items() <= row.options.items():
            return str(row.id)
    return None


def check(work: Work, options: dict[str, Any]) -> None:
    """Refuse an actor who may not do what an import does; asked again at each step of it.

    :raises Forbidden: With what they lack.
    """
    must_write(work, groups=writes_groups(options))


def must_write(work: Work, *, groups: bool) -> None:
    """Refuse an actor who may not write people.

    :param groups: Whether they write groups too.
    :raises Forbidden: With what they lack.
    """
    needed = {"user.manage"} | ({"group.manage"} if groups else set())
    own = delegation.held(work)
    missing = needed - own if own is not None else set()
    if missing:
        raise Forbidden(
            say(
                "%(name)s may not do this. It needs: %(permissions)s.",
                name=work.actor.name,
                permissions=sorted(missing),
            )
        )


def writes_groups(options: dict[str, Any]) -> bool:
    """Tell whether an import looks at groups."""
    return options["groups"] != "ignore" and "groups" in options["form"]["columns"]


def _give_up(work: Work, name: str) -> None:
    """Cancel what the command was stopped at with an earlier file of this name, or other options.

    Nothing is lost by that: what it has done is there, and found to be.
    """
    query = select(Operation.id).where(
        Operation.account_id == work.account_id,
        Operation.kind == KIND,
        Operation.surface == "cli",
        Operation.state == "waiting",
        Operation.name == name,
    )
    for operation_id in db.session.scalars(query).all():
        operations.cancel(work, operation_id)


def _create(work: Work, name: str, content: dict[str, Any]) -> str:
    check(work, content)
    passes = 2 if writes_groups(content) else 1
    return operations.create(work, KIND, name, content, content["rows"] * passes)
