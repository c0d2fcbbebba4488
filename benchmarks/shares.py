"""Where the time of each hot request goes: shares by what is at work, in one process.

Asked over WSGI, without a network, on SQLite. The shares are those of a profiler, which makes
Python look slower than it is beside C; the milliseconds are measured without it.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from app.factory import create_app
from app.settings import Settings
from benchmarks import our_cases, world
from benchmarks.measuring import Client
from benchmarks.ours import MANY, SECRET_KEY, Ours, fill
from benchmarks.peers import hello
from benchmarks.peers.cases import Ask

PARTS = {
    "disk": ("method 'commit'", "COMMIT"),
    "SQLite": ("sqlite3.Cursor", "sqlite3.Connection"),
    "Flask": ("/flask/", "/werkzeug/", "/itsdangerous/", "/flask_", "/blinker/"),
    "SQLAlchemy": ("/sqlalchemy/",),
    "models": ("/scim2_models/", "/scim2_server/", "/pydantic", "pydantic_core", "/marshmallow/"),
    "JSON": ("orjson",),
    "Gatehouse": ("/app/", "/scim/"),
}
"""By what is in the file or the name of a function; the first that fits. Others: Python."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=20_000)
    users = parser.parse_args().users
    table = Table("", "ms", *PARTS, "Python", title="% of the time of a request, by its parts")
    with TemporaryDirectory() as folder:
        settings = Settings(
            secret_key=SECRET_KEY,
            data_dir=Path(folder),
            scim_requests_per_minute=int(MANY),
            api_requests_per_minute=int(MANY),
            log_level="warning",
        )
        sizes = world.Sizes(users, users // 10, users // 5, users * 2, users // 10)
        content = fill(settings, sizes, (10, 100, users))
        app = create_app(settings)
        ours = Ours("sqlite", 0, 0, 0, *content)
        floor = _ask(hello.create(), {}, Ask("GET", "/"))
        table.add_row("Flask hello", f"{_median(floor, 500):.2f}")
        client = InProcess(app, ours.scim)
        for case in track(our_cases.cases(ours, client, InProcess(app, ours.api))):
            asked: Any = case.client

            def once(case: our_cases.Case = case, asked: Any = asked) -> None:
                asked.seconds(case.ask())

            took = _median(once, case.times)
            table.add_row(escape(case.name), f"{took:.2f}", *_shares(once, case.times))
    Console(width=140).print(table)
    return 0


class InProcess(Client):
    """A client of an application in this process."""

    def __init__(self, app: Any, headers: dict[str, str]) -> None:
        self.app, self.headers = app, headers

    def seconds(self, ask: Ask) -> tuple[float, bytes]:
        work = _ask(self.app, self.headers, ask)
        begun = time.perf_counter()
        content = work()
        return time.perf_counter() - begun, content


def _ask(app: Any, headers: dict[str, str], ask: Ask) -> Callable[[], bytes]:
    path, _, query = ask.path.partition("?")
    body = b"" if ask.body is None else orjson.dumps(ask.body)
    sent = {f"HTTP_{name.upper()}": value for name, value in headers.items()}

    def work() -> bytes:
        answered: list[str] = []
        environ = {
            "REQUEST_METHOD": ask.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            **sent,
        }
        found = app(environ, lambda status, *_: answered.append(status))
        content = b"".join(found)
        if close := getattr(found, "close", None):
            close()
        assert answered[0][0] == "2", (answered, content[:300])
        return content

    return work


def _median(work: Callable[[], object], times: int) -> float:
    found = []
    for number in range(times + 10):
        begun = time.perf_counter()
        work()
        if number >= 10:
            found.append(time.perf_counter() - begun)
    return statistics.median(found) * 1000


def _shares(work: Callable[[], object], times: int) -> list[str]:
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(times):
        work()
    profile.disable()
    spent = dict.fromkeys([*PARTS, "Python"], 0.0)
    stats: Any = pstats.Stats(profile)
    for (file, _, name), (_, _, own, _, _) in stats.stats.items():
        spent[_part(f"{file}:{name}")] += own
    whole = sum(spent.values())
    return [f"{each / whole:.0%}" for each in spent.values()]


def _part(function: str) -> str:
    for part, marks in PARTS.items():
        if any(mark in function for mark in marks):
            return part
    return "Python"


if __name__ == "__main__":
    sys.exit(main())
