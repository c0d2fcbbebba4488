"""How many people an import takes a second, on SQLite and on PostgreSQL.

An account has people already; a file brings as many again or more, each in some groups that are
new with it. It is imported by the code of ``gatehouse import``, in one process: first in a trial,
then in earnest, then once more, when it changes nothing. The result is looked at row by row.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, insert, select

sys.path.insert(0, str(Path(__file__).parent.parent))

from app.directory import accounts, operations
from app.directory.imports import run, start
from app.directory.imports.start import Options
from app.directory.work import Actor, transaction
from app.factory import create_app
from app.settings import Settings
from app.store.database import close_database, db, table, upgrade_database, write_transaction
from app.store.models import AuditEvent, Group, Membership, Operation, OutgoingEvent, User
from app.store.types import new_id
from benchmarks import world
from tests.postgres import temporary_postgres

TARGET = 3_000
"""People a second, at the least, when they are new."""
ACTOR = Actor(type="system", name="benchmark", surface="cli")
SEED = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000, help="in the file")
    parser.add_argument("--there", type=int, default=100_000, help="in the account before")
    parser.add_argument("--groups", type=int, default=10_000)
    parser.add_argument("--each", type=int, default=5, help="groups of one person")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    asked = parser.parse_args()
    results = Table("", "", "people/s", "seconds", "CPU s", "peak MB", title="An import of people")
    met = True
    with TemporaryDirectory() as folder:
        file = Path(folder) / "people.csv"
        _write(file, asked)
        for name in ("sqlite", "postgresql"):
            if asked.database in (name, "both"):
                met &= _measure(name, Path(folder), file, asked, results)
    Console(width=80).print(results)
    said = "Met" if met else "MISSED"
    Console().print(f"{said}: the target is {TARGET} new people a second.")
    return 0 if met else 1


def _write(file: Path, asked: argparse.Namespace) -> None:
    """Write the file: everybody in some groups of all, at random."""
    draw = random.Random(SEED)
    names = [f"Group {number}" for number in range(asked.groups)]
    with file.open("w", encoding="utf-8") as lines:
        lines.write("userName,givenName,familyName,email,externalId,title,department,groups\n")
        for number in range(asked.people):
            groups = ";".join(draw.sample(names, asked.each))
            lines.write(
                f"person{number}@example.com,Person,Number {number},person{number}@example.com,"
                f"E{number},Engineer,Department {number % 50},{groups}\n"
            )


def _measure(
    name: str, folder: Path, file: Path, asked: argparse.Namespace, results: Table
) -> bool:
    server = temporary_postgres() if name == "postgresql" else nullcontext("")
    with server as url:
        app = _application(folder / name, url)
        with app.app_context():
            upgrade_database()
            account_id = accounts.create(ACTOR, "Acme")
            _fill(account_id, asked.there)
            rates = {}
            for step, options in (
                ("tried", Options(trial=True)),
                ("new", Options()),
                ("once more", Options()),
            ):
                rates[step] = _import(account_id, file, options, name, step, results)
            _check(account_id, asked)
            close_database()
    return rates["new"] >= TARGET


def _import(
    account_id: str, file: Path, options: Options, name: str, step: str, results: Table
) -> float:
    begun, cpu = time.perf_counter(), time.process_time()
    with file.open("rb") as stream:
        looked = start.look_through(file.name, stream)
        with transaction(account_id, ACTOR) as work:
            operation_id = start.start(work, looked, options)
    operation = operations.claim(account_id, operation_id)
    assert operation is not None
    peak = 0.0

    def watch(_operation: object) -> None:
        nonlocal peak
        peak = max(peak, _own_memory())

    operation.watch = watch
    run.carry_on(operation)
    seconds = time.perf_counter() - begun
    counts = operation.counts
    expected = {"tried": "created", "new": "created", "once more": "unchanged"}[step]
    assert counts[expected] == looked.rows, counts
    rate = looked.rows / seconds
    cpu = time.process_time() - cpu
    results.add_row(name, step, f"{rate:,.0f}", f"{seconds:.1f}", f"{cpu:.1f}", f"{peak:.0f}")
    return rate


def _own_memory() -> float:
    """Return the memory of this process in MB, without what it shares with files it maps."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "RssAnon":
            return int(value.split()[0]) / 1024
    return 0.0


def _fill(account_id: str, count: int) -> None:
    """Give an account people, written as plain rows."""
    for begin in range(0, count, 10_000):
        names = [
            f"there{number}@example.com" for number in range(begin, min(begin + 10_000, count))
        ]
        key = {"account_id": account_id, "origin": "manual", "attributes": {}, "active": True}
        rows = [key | {"id": new_id(), "user_name": each, "user_name_key": each} for each in names]
        with write_transaction():
            db.session.execute(insert(table(User)), rows)
            world.count(account_id)


def _check(account_id: str, asked: argparse.Namespace) -> None:
    """Look at what is there in the end."""

    def count(model: type, *conditions: object) -> int:
        query = select(func.count()).select_from(model).where(model.account_id == account_id)
        return db.session.scalar(query.where(*conditions)) or 0

    people, pairs = asked.people, asked.people * asked.each
    assert count(User) == asked.there + people
    assert count(Group) == asked.groups
    assert count(Membership) == pairs
    assert count(AuditEvent, AuditEvent.action == "user.created") == people
    assert count(AuditEvent) == count(OutgoingEvent)
    members = select(AuditEvent.after).where(
        AuditEvent.account_id == account_id, AuditEvent.action == "group.members_added"
    )
    assert sum(after["count"] for after in db.session.scalars(members)) == pairs
    states = select(Operation.state).where(Operation.account_id == account_id)
    assert set(db.session.scalars(states)) == {"done"}


def _application(folder: Path, url: str) -> Flask:
    folder.mkdir()
    return create_app(
        Settings(
            secret_key="a key for benchmarks alone, 32 characters",
            data_dir=folder,
            database_url=url,
            log_level="error",
        )
    )


if __name__ == "__main__":
    sys.exit(main())
