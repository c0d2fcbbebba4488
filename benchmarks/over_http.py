"""Gatehouse over HTTP, on SQLite and on PostgreSQL, beside its peers and a Flask "hello".

Everybody is asked in the same run, over one connection that is kept, for the same work. Of each
case the median of a round, and of the rounds the median; a ratio is to the "hello" of its round.
Writes docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import Progress

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import our_cases, report, world
from benchmarks.measuring import Client, Refused, durable_write
from benchmarks.our_cases import Case
from benchmarks.ours import serving
from benchmarks.peers import HELLO, PEERS, PeerMissing, Running, running

DATABASES = ("sqlite", "postgresql")
HELLOS = 300
"""Requests of the floor in a round."""


@dataclass
class Results:
    """What was measured, by server and case: milliseconds and ratios of each round."""

    milliseconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    ratios: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, server: str, case: str, took: float, floor: float) -> None:
        self.milliseconds.setdefault((server, case), []).append(took)
        self.ratios.setdefault((server, case), []).append(took / floor)

    def took(self, server: str, case: str) -> float | None:
        found = self.milliseconds.get((server, case))
        return None if found is None else statistics.median(found)

    def ratio(self, server: str, case: str) -> float | None:
        found = self.ratios.get((server, case))
        return None if found is None else statistics.median(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--part", type=int, default=1, help="measure with this part of each size")
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--database", choices=DATABASES, action="append")
    parser.add_argument("--write", type=Path, default=Path("docs/benchmarks.md"))
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all servers end
    sizes = world.Sizes(
        users=100_000 // asked.part,
        groups=10_000 // asked.part,
        folders=200_000 // asked.part,
        grants=1_000_000 // asked.part,
        events=10_000 // asked.part,
    )
    results = Results()
    databases = asked.database or DATABASES
    with running(HELLO) as hello:
        floor = Client(hello.port, hello.headers)
        for database in databases:
            _measure_ours(database, sizes, asked.rounds, floor, results)
        if not asked.without_peers:
            for peer in PEERS[1:]:
                try:
                    with running(peer) as server:
                        _measure_peer(server, asked.rounds, floor, results)
                except PeerMissing as missing:
                    results.notes.append(f"{peer.name} was left out: {missing}")
    return report.tell(results, sizes, databases, asked.write)


def _measure_ours(
    database: str, sizes: world.Sizes, rounds: int, floor: Client, results: Results
) -> None:
    group_sizes = (10, sizes.users // 10, sizes.users)
    with serving(database, sizes, group_sizes) as ours:
        cases = our_cases.cases(ours)
        _rounds(ours.name, cases, rounds, floor, results)
        our_cases.measure_memory(ours, results)


def _measure_peer(server: Running, rounds: int, floor: Client, results: Results) -> None:
    cases = our_cases.of_peer(server)
    _rounds(server.peer.name, cases, rounds, floor, results)


def _rounds(name: str, cases: list[Case], rounds: int, floor: Client, results: Results) -> None:
    hello = our_cases.hello()
    with Progress(transient=True) as progress:
        bar = progress.add_task(name, total=rounds * len(cases))
        for _ in range(rounds):
            lowest = floor.median(hello, HELLOS)
            results.add("hello", name, lowest, lowest)
            disk = durable_write(Path(tempfile.gettempdir()))
            results.add(name, "one row of SQLite on the disk, no server", disk, lowest)
            for case in cases:
                try:
                    took = case.client.median(case.ask, case.times)
                except Refused as refused:
                    results.notes.append(f"{name}, {case.name}: {refused}")
                else:
                    results.add(name, case.name, took - case.less, lowest)
                progress.advance(bar)


if __name__ == "__main__":
    sys.exit(main())
