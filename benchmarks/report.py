"""The table of the HTTP benchmark, on the terminal and in docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.peers import PEERS, Peer
from benchmarks.world import Sizes

if TYPE_CHECKING:
    from benchmarks.over_http import Results


READ = {
    "sqlite": "What is left is Python: who asks, the document, the line of the log; some hundred "
    "short functions, which take much longer in a server that has just waited than in a loop.",
    "postgresql": "A read is two trips to PostgreSQL, the driver for Python included: that is "
    "most of what the target allows.",
}
PAGE = {
    "sqlite": "SQLite reads the values and the groups of a hundred users, and they are rendered.",
    "postgresql": "Most of it is PostgreSQL, which reads the values and the groups of a hundred "
    "users in one statement.",
}
WRITE = {
    "sqlite": "A change is written with its audit event, its outgoing event and its line of the "
    "provisioning log, in a dozen statements, and the disk is waited for.",
    "postgresql": "A change is written with its audit event, its outgoing event and its line of "
    "the provisioning log, in a dozen trips to PostgreSQL, and the disk is waited for.",
}


@dataclass(frozen=True)
class Target:
    """What a case may take at the most: a ratio to the floor, or so much of a unit."""

    most: float
    unit: str = "x"
    why: Mapping[str, str] = field(default_factory=dict)
    """Why it may be missed, by database."""


TARGETS: dict[str, Target | None] = {
    "GET a user": Target(2.0, why=READ),
    "filter userName eq": Target(2.5, why=READ),
    "filter externalId eq": Target(2.5, why=READ),
    "filter emails[type eq … and value eq …]": Target(2.5, why=READ),
    "filter members.value eq": Target(3, why=READ),
    "list 100 users": Target(12, why=PAGE),
    "list 100 users, page after page from startIndex 90 %": Target(24, why=PAGE),
    "list 100 users by cursor, the first page": None,
    "list 100 users by cursor, at 90 %": None,
    "one row of SQLite on the disk, no server": None,
    "PATCH active": Target(4, why=WRITE),
    "POST a user": Target(5, why=WRITE),
    "group of 10: PATCH one member": Target(5, why=WRITE),
    "group of 10,000: PATCH one member": None,
    "group of 100,000: PATCH one member": Target(5, why=WRITE),
    "PUT a group of 10,000 with one change, JSON aside": Target(150, "ms"),
    "read a group of 10": None,
    "read a group of 10,000": Target(60, "ms"),
    "read the largest group without members": Target(2.0, why=READ),
    "AuthZEN check": Target(2.5, why=READ),
    "memory after all cases": Target(150, "MB"),
    "memory while all users are listed": Target(150, "MB"),
    "ready after, s": Target(2, "s"),
}
"""By the names of the cases, in the order of the table."""


def tell(results: Results, sizes: Sizes, databases: Sequence[str], file: Path) -> int:
    """Print the table and write the page; return 1 when a target is missed."""
    peers = [peer.name for peer in PEERS[1:] if results.took(peer.name, "GET a user")]
    heads = ["", "target", *databases, *peers]
    rows = [_row(results, name, databases, peers) for name in _shown(results, databases)]
    table = Table(*heads, title="milliseconds, and in brackets the ratio to a Flask hello")
    for row in rows:
        table.add_row(*map(escape, row))
    Console(width=160).print(table)
    missed = _missed(results, databases)
    told = [*results.notes, *missed]
    for each in told:
        Console().print(f"- {each}")
    lines = [_line(heads), _line(["---", *["---:"] * (len(heads) - 1)]), *map(_line, rows)]
    file.write_text(_page(sizes, results, lines, told), encoding="utf-8")
    return 1 if missed else 0


def _missed(results: Results, databases: Sequence[str]) -> list[str]:
    """Return which targets are missed, together with others that are for the same reason."""
    names: dict[tuple[str, str], list[str]] = {}
    for database in databases:
        for name in _shown(results, databases):
            target = TARGETS.get(name)
            if target is not None and _is_missed(results, name, database):
                names.setdefault((database, target.why.get(database, "")), []).append(name)
    return [
        f"Missed on {database}: {'; '.join(each)}. {why}".rstrip()
        for (database, why), each in names.items()
    ]


def _shown(results: Results, databases: Sequence[str]) -> list[str]:
    known = {case for server, case in results.milliseconds if server in databases}
    return [*(name for name in TARGETS if name in known), *sorted(known - TARGETS.keys())]


def _row(results: Results, name: str, databases: Sequence[str], peers: Sequence[str]) -> list[str]:
    target = TARGETS.get(name)
    most = "" if target is None else f"≤ {target.most:g} {target.unit}"
    return [name, most, *(_cell(results, server, name) for server in (*databases, *peers))]


def _cell(results: Results, server: str, name: str) -> str:
    took, ratio = results.took(server, name), results.ratio(server, name)
    target = TARGETS.get(name)
    if took is None or ratio is None:
        return ""
    missed = " ✗" if _is_missed(results, name, server) else ""
    if target is not None and target.unit in ("MB", "s"):
        return f"{took:.1f} {target.unit}{missed}"
    shown = f"{took:.2f}" if took < 10 else f"{took:,.0f}"
    return f"{shown} ({ratio:.1f}){missed}" if ratio < 100 else f"{shown}{missed}"


def _is_missed(results: Results, name: str, server: str) -> bool:
    target = TARGETS.get(name)
    if target is None or server not in ("sqlite", "postgresql"):
        return False
    reached = results.ratio(server, name) if target.unit == "x" else results.took(server, name)
    return reached is not None and round(reached, 2) > target.most


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _versions(peer: Peer) -> str:
    return ", ".join(f"{name} {version}" for name, version in peer.packages.items())


def _page(sizes: Sizes, results: Results, table: list[str], told: list[str]) -> str:
    peers = [
        f"- {peer.name}: {_versions(peer)}; stores in {peer.stores_in}; {peer.users:,} users."
        for peer in PEERS
    ]
    floor = [took for server, took in results.milliseconds.items() if server[0] == "hello"]
    lowest = min(min(each) for each in floor)
    highest = max(max(each) for each in floor)
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Written by `make bench` (`benchmarks/over_http.py`); how it measures stands in",
            "[benchmarks/README.md](../benchmarks/README.md), where the time goes in",
            "[performance.md](performance.md).",
            "",
            f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python "
            f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}. Milliseconds to the "
            "last byte of the answer, the median",
            "of the rounds' medians, over one connection that is kept; in brackets the ratio to "
            "the Flask hello of the same",
            f"round, which took {lowest:.2f} to {highest:.2f} ms. ✗: a target is missed.",
            "",
            "Gatehouse: `gatehouse serve`, one process, all writes on disk; "
            f"{sizes.users:,} users, {sizes.groups:,} groups,",
            f"{sizes.folders:,} folders, {sizes.grants:,} grants. The others have less to hold:",
            "",
            *peers,
            "",
            *table,
            "",
            *(f"- {each}" for each in told),
            "",
        ]
    )
