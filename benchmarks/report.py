"""The table of the HTTP benchmark, on the terminal and in docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Target:
    """What a case may take at the most: a ratio to the floor, or so much of a unit."""

    most: float
    unit: str = "x"


TARGETS: dict[str, Target | None] = {
    "GET a user": Target(2.0),
    "filter userName eq": Target(2.5),
    "filter externalId eq": Target(2.5),
    "filter emails[type eq … and value eq …]": Target(2.5),
    "filter members.value eq": Target(3),
    "list 100 users": Target(12),
    "list 100 users, page after page from startIndex 90 %": Target(24),
    "list 100 users by cursor, the first page": None,
    "list 100 users by cursor, at 90 %": None,
    "one row of SQLite on the disk, no server": None,
    "PATCH active": Target(4),
    "POST a user": Target(5),
    "group of 10: PATCH one member": Target(5),
    "group of 10,000: PATCH one member": None,
    "group of 100,000: PATCH one member": Target(5),
    "PUT a group of 10,000 with one change, JSON aside": Target(150, "ms"),
    "read a group of 10": None,
    "read a group of 10,000": Target(60, "ms"),
    "read the largest group without members": Target(2.0),
    "AuthZEN check": Target(2.5),
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
    missed = [
        f"{name} on {database}"
        for name in _shown(results, databases)
        for database in databases
        if _is_missed(results, name, database)
    ]
    told = [*results.notes, *(f"Missed: {each}." for each in missed)]
    for each in told:
        Console().print(f"- {each}")
    lines = [_line(heads), _line(["---", *["---:"] * (len(heads) - 1)]), *map(_line, rows)]
    file.write_text(_page(sizes, results, lines, told), encoding="utf-8")
    return 1 if missed else 0


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
