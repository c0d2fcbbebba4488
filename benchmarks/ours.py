"""Gatehouse for the HTTP benchmark: a large account, served by ``gatehouse serve``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import URLError

from sqlalchemy import insert, select

from app.directory import connections, groups, tokens
from app.directory.groups import GroupProfile
from app.directory.work import transaction
from app.factory import create_app
from app.settings import Settings
from app.store.database import close_database, db, table, upgrade_database
from app.store.models import Grant, Membership
from benchmarks import world
from benchmarks.peers.cases import Scim
from tests.postgres import temporary_postgres

ROOT = Path(__file__).parent.parent
SECRET_KEY = "a key for benchmarks alone, 32 characters and more"
MANY = "1000000000"


@dataclass
class Ours:
    """A server that answers on 127.0.0.1, and what is in its account."""

    name: str
    port: int
    pid: int
    """Of the process that answers."""
    ready_seconds: float
    """From the command to the first answer."""
    scim: dict[str, str]
    api: dict[str, str]
    """The headers that present a token."""
    world: world.World
    sized_groups: dict[int, str]
    """Groups with exactly so many members."""
    grants: list[tuple[str, str]] = field(default_factory=list)
    """Some users, and folders granted to them."""
    cases: Scim = field(default_factory=lambda: Scim("/scim/v2"))


@contextmanager
def serving(database: str, sizes: world.Sizes, group_sizes: tuple[int, ...]) -> Iterator[Ours]:
    """Build an account and serve it.

    :param database: ``sqlite`` or ``postgresql``; both in a temporary folder, waiting for the disk.
    """
    with TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        lasting = temporary_postgres(durable=True) if database == "postgresql" else nullcontext("")
        with lasting as url:
            settings = Settings(secret_key=SECRET_KEY, data_dir=Path(folder), database_url=url)
            content = fill(settings, sizes, group_sizes)
            with _process(folder, url) as (port, pid, seconds):
                yield Ours(database, port, pid, seconds, *content)


def fill(settings: Settings, sizes: world.Sizes, group_sizes: tuple[int, ...]) -> Any:
    """Build an account; return what :class:`Ours` says of it."""
    app = create_app(settings, faces=False)
    with app.app_context():
        upgrade_database()
        built = world.build(sizes)
        with transaction(built.account_id, world.ACTOR) as work:
            connection_id = connections.create(work, "scim", "Benchmark")
            scim = tokens.create(work, connection_id, "bench", ("users", "groups")).secret
            api = tokens.create_for_api(work, "bench", {"access.check"}).secret
            sized = {
                size: groups.create(work, GroupProfile(display_name=f"Of {size}"))
                for size in group_sizes
            }
            rows = [
                {"account_id": built.account_id, "group_id": sized[size], "user_id": user_id}
                for size in group_sizes
                for user_id in built.users[:size]
            ]
            db.session.execute(insert(table(Membership)), rows)
        db.session.connection().exec_driver_sql("ANALYZE")
        db.session.commit()
        granted = select(Grant.user_id, Grant.folder_id).where(
            Grant.account_id == built.account_id,
            Grant.user_id.is_not(None),
            Grant.folder_id.is_not(None),
        )
        pairs = [(row.user_id, row.folder_id) for row in db.session.execute(granted.limit(5000))]
        close_database()
    return _headers(scim), _headers(api), built, sized, pairs


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


@contextmanager
def _process(folder: str, url: str) -> Iterator[tuple[int, int, float]]:
    """Start ``gatehouse serve`` with its own settings, but for those that would slow a client."""
    port = 18_100
    environment = os.environ | {
        "GATEHOUSE_SECRET_KEY": SECRET_KEY,
        "GATEHOUSE_DATA_DIR": folder,
        "GATEHOUSE_DATABASE_URL": url,
        "GATEHOUSE_PORT": str(port),
        "GATEHOUSE_SCIM_REQUESTS_PER_MINUTE": MANY,
        "GATEHOUSE_API_REQUESTS_PER_MINUTE": MANY,
        "PYTHONPATH": str(ROOT),
    }
    serve = "from app.factory import main; main()"
    begun = time.perf_counter()
    with (Path(folder) / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", serve, "serve"],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_for(port, process)
            yield port, _child_of(process.pid), time.perf_counter() - begun
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                assert json.load(answer)
                return
        except URLError:
            time.sleep(0.02)
    raise RuntimeError("gatehouse serve ended at once")


def _child_of(pid: int) -> int:
    """Return the process that Granian answers in."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[-1])
