"""How the cost of a request grows with the account: by 1,000, 10,000, 100,000 and a million users.

Measured over HTTP on SQLite, of each case the median. Writes a picture to docs/pictures.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import our_cases, world
from benchmarks.measuring import Client
from benchmarks.ours import serving
from benchmarks.peers import HELLO, running
from benchmarks.plot import Series, plot

SIZES = (1_000, 10_000, 100_000, 1_000_000)
LEFT_OUT = ("PUT ", "read a group of 1", "group of 1")
"""What is returned, or read, grows with the group and not with the account."""
GROUPS = (10, 100, 1_000)
"""Members of the groups that are asked for, the same in every account."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="users, at the most")
    parser.add_argument("--picture", type=Path, default=Path("docs/pictures/growth.svg"))
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sizes = [size for size in SIZES if size <= asked.most]
    found: dict[str, list[float]] = {}
    for size in sizes:
        for name, took in _measure(size).items():
            found.setdefault(name, []).append(took)
    table = Table("", *(f"{size:,}" for size in sizes), title="milliseconds, by users")
    for name, each in found.items():
        table.add_row(escape(name), *(f"{took:.2f}" for took in each))
    Console(width=120).print(table)
    series = [Series(name, each) for name, each in found.items()]
    title = "Milliseconds of a request, by the number of users"
    asked.picture.write_text(plot(title, [f"{size:,}" for size in sizes], series))
    return 0


def _measure(users: int) -> dict[str, float]:
    sizes = world.Sizes(users, users // 10, users // 5, users * 2, users // 10)
    with serving("sqlite", sizes, GROUPS) as ours, running(HELLO) as hello:
        cases = [case for case in our_cases.cases(ours) if not case.name.startswith(LEFT_OUT)]
        floor = Client(hello.port, hello.headers)
        took = {"Flask hello": floor.median(our_cases.hello(), 300)}
        return took | {case.name: case.client.median(case.ask, case.times) for case in cases}


if __name__ == "__main__":
    sys.exit(main())
