"""How many people a second a provider loads through ``/Bulk``, on SQLite and on PostgreSQL.

It is one process, started with ``gatehouse serve``, spoken to over HTTP: 100 requests of 1,000
people each, then 10,000 groups, then the members of each by a PATCH, so that everybody is in five.
The seconds are those of all requests together, from the first to the last answer.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import requests
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from app.factory import create_app
from app.settings import Settings
from app.store.database import close_database, upgrade_database
from tests.conftest import SECRET_KEY
from tests.e2e.server import Server, gatehouse, running_server
from tests.postgres import temporary_postgres

TARGET = 3_000
"""People a second, at the least, their groups included."""
AT_ONCE = 1_000
"""Operations of one request: as many as it may have."""
PREFIX = "urn:ietf:params:scim:"
MESSAGE = f"{PREFIX}api:messages:2.0:"
USER = f"{PREFIX}schemas:core:2.0:User"
GROUP = f"{PREFIX}schemas:core:2.0:Group"
ENTERPRISE = f"{PREFIX}schemas:extension:enterprise:2.0:User"
SEED = 20
Operation = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--groups", type=int, default=10_000)
    parser.add_argument("--each", type=int, default=5, help="groups of one person")
    parser.add_argument("--clients", type=int, default=2, help="requests at the same time")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    asked = parser.parse_args()
    results = Table("", "", "a second", "seconds", "memory, MB", title="People through /Bulk")
    met = True
    for name in ("sqlite", "postgresql"):
        if asked.database in (name, "both"):
            met &= _measure(name, asked, results)
    Console(width=80).print(results)
    said = "Met" if met else "MISSED"
    Console().print(f"{said}: the target is {TARGET} people a second, their groups included.")
    return 0 if met else 1


def _measure(name: str, asked: argparse.Namespace, results: Table) -> bool:
    database = temporary_postgres() if name == "postgresql" else nullcontext("")
    with TemporaryDirectory() as folder, database as url:
        if url:
            _migrate(url)
        with running_server(url, Path(folder) / "data") as server:
            seconds = _load(server, name, asked, results)
    return asked.people / seconds >= TARGET


def _load(server: Server, name: str, asked: argparse.Namespace, results: Table) -> float:
    """Load everything, and return the seconds that took."""
    gatehouse("account", "create", "Acme", env=server.env)
    token = gatehouse("token", "create", "Acme", "--name", "benchmark", env=server.env)
    load = Load(server, token["token"], asked.clients)
    people = load.step("people", _people(asked.people))
    groups = load.step("groups", _groups(asked.groups))
    load.step("members", _members(people, groups, asked.each))
    seconds = sum(took for _, _, took, _ in load.taken)
    for step, count, took, memory in [
        *load.taken,
        ("people, in all", asked.people, seconds, load.taken[-1][-1]),
    ]:
        results.add_row(name, step, f"{count / took:,.0f}", f"{took:.1f}", f"{memory:.0f}")
    _check(load, asked)
    return seconds


def _migrate(url: str) -> None:
    with create_app(Settings(secret_key=SECRET_KEY, database_url=url)).app_context():
        upgrade_database()
        close_database()


class Load:
    """A provider that sends what it has, some requests at the same time."""

    def __init__(self, server: Server, token: str, clients: int) -> None:
        self.url = f"{server.url}/scim/v2"
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
        self.sessions = [requests.Session() for _ in range(clients)]
        self.taken: list[tuple[str, int, float, float]] = []
        """Of each step: operations, seconds, and the memory of the server's larger process."""
        self.pids = _processes_of(server)

    def step(self, name: str, operations: Iterator[Operation]) -> list[str]:
        """Send operations, all of which must succeed; return the ids of their resources."""
        bodies = list(_bodies(operations))
        begun = time.perf_counter()
        with ThreadPoolExecutor(len(self.sessions)) as pool:
            answers = list(pool.map(self._send, enumerate(bodies)))
        seconds = time.perf_counter() - begun
        outcomes = [each for answer in answers for each in orjson.loads(answer)["Operations"]]
        assert {each["status"] for each in outcomes} <= {"200", "201"}, outcomes[0]
        self.taken.append((name, len(outcomes), seconds, max(map(_own_memory, self.pids))))
        return [each["location"].rpartition("/")[2] for each in outcomes]

    def count(self, path: str, **query: str) -> int:
        """Return how many resources there are."""
        asked = {"count": "0"} | query
        answer = requests.get(self.url + path, params=asked, headers=self.headers, timeout=60)
        return int(answer.json()["totalResults"])

    def found(self, path: str, scim_filter: str) -> list[dict[str, Any]]:
        """Return the resources a filter finds."""
        query = {"filter": scim_filter}
        answer = requests.get(self.url + path, params=query, headers=self.headers, timeout=60)
        found: list[dict[str, Any]] = answer.json()["Resources"]
        return found

    def _send(self, numbered: tuple[int, bytes]) -> bytes:
        number, body = numbered
        session = self.sessions[number % len(self.sessions)]
        answer = session.post(f"{self.url}/Bulk", data=body, headers=self.headers, timeout=120)
        answer.raise_for_status()
        return answer.content


def _bodies(operations: Iterator[Operation]) -> Iterator[bytes]:
    while some := list(islice(operations, AT_ONCE)):
        yield orjson.dumps({"schemas": [f"{MESSAGE}BulkRequest"], "Operations": some})


def _people(count: int) -> Iterator[Operation]:
    for number in range(count):
        name = f"person{number}@example.com"
        data = {
            "schemas": [USER, ENTERPRISE],
            "userName": name,
            "externalId": f"E{number}",
            "name": {"givenName": "Person", "familyName": f"Number {number}"},
            "displayName": f"Person Number {number}",
            "title": "Engineer",
            "active": True,
            "emails": [{"value": name, "type": "work", "primary": True}],
            ENTERPRISE: {"department": f"Department {number % 50}"},
        }
        yield {"method": "POST", "path": "/Users", "bulkId": str(number), "data": data}


def _groups(count: int) -> Iterator[Operation]:
    for number in range(count):
        data = {"schemas": [GROUP], "displayName": f"Group {number}"}
        yield {"method": "POST", "path": "/Groups", "bulkId": str(number), "data": data}


def _members(people: Sequence[str], groups: Sequence[str], each: int) -> Iterator[Operation]:
    """Return the PATCH of each group; everybody is in some groups, at random."""
    draw = random.Random(SEED)
    members: dict[str, list[str]] = {group: [] for group in groups}
    for person in people:
        for group in draw.sample(groups, each):
            members[group].append(person)
    for group, ids in members.items():
        value = [{"value": person} for person in ids]
        add = {"op": "add", "path": "members", "value": value}
        data = {"schemas": [f"{MESSAGE}PatchOp"], "Operations": [add]}
        yield {"method": "PATCH", "path": f"/Groups/{group}", "data": data}


def _check(load: Load, asked: argparse.Namespace) -> None:
    """Look at what is there in the end."""
    assert load.count("/Users", filter='userName sw "person"') == asked.people
    assert load.count("/Groups") == asked.groups
    for number in (0, asked.people - 1):
        (person,) = load.found("/Users", f'userName eq "person{number}@example.com"')
        assert len(person["groups"]) == asked.each
        assert person["emails"][0]["value"] == person["userName"]


def _processes_of(server: Server) -> list[int]:
    """Return the processes of a server."""
    port = f"GATEHOUSE_PORT={server.env['GATEHOUSE_PORT']}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if port in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:  # It is gone, or somebody else's.
            continue
    return found


def _own_memory(pid: int) -> float:
    """Return the memory of a process in MB, without what it shares with files it maps."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "RssAnon":
            return int(value.split()[0]) / 1024
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
