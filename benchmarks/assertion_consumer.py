"""How long the assertion consumer takes, beside pysaml2's stock path, in one run and one process.

Ours is the whole request, over WSGI: the response is read and verified, the request and the
assertion are used up, the session is opened and the audit written, on SQLite with full
durability. pysaml2's stock path only reads and verifies; it starts the program ``xmlsec1`` and
checks the schemas in Python. Both get the same kind of response, fresh each time; making it is
not counted. Where our time goes is measured with a second response, by the same two steps.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from flask import Flask
from rich.console import Console
from rich.progress import track
from rich.table import Table
from saml2 import BINDING_HTTP_POST
from saml2.client import Saml2Client
from saml2.config import SPConfig

sys.path.insert(0, str(Path(__file__).parent.parent))

from app.directory import accounts, users
from app.directory.work import Actor, transaction
from app.factory import create_app
from app.settings import Settings
from app.store.database import close_database, upgrade_database
from saml import setup, sign_in
from saml.connections import load
from saml.trace import Trace
from tests.saml.conftest import request_of
from tests.saml.provider import TestProvider

TARGET = 0.2
"""The most our whole request may take of what pysaml2's stock path takes."""
WARM_UP = 20


ACTOR = Actor(type="system", name="benchmark", surface="cli")
OURS = "Gatehouse: the whole request"
READ = "  of it: read and verified"
WRITTEN = "  of it: the transaction, on disk"
THEIRS = "pysaml2, stock: read and verified"

Times = dict[str, list[float]]
"""Of each step, the seconds it took, round by round."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    if shutil.which("xmlsec1") is None:
        sys.exit(
            "pysaml2's stock path needs the program xmlsec1 (Debian: apt-get install xmlsec1)."
        )
    with TemporaryDirectory() as folder:
        times = _measure(Path(folder), rounds)
    medians = {step: median(each[WARM_UP:]) for step, each in times.items()}
    _print_table(medians)
    ratio = medians[OURS] / medians[THEIRS]
    said = "Met" if ratio <= TARGET else "MISSED"
    Console().print(f"{said}: {ratio:.2f} of it; the target is {TARGET}.")
    return 0 if ratio <= TARGET else 1


def _print_table(medians: dict[str, float]) -> None:
    table = Table("", "p50 ms", "of pysaml2's", title="One SAML response, to a session")
    for step, seconds in medians.items():
        table.add_row(step, f"{seconds * 1000:.2f}", f"{seconds / medians[THEIRS]:.2f}")
    Console(width=80).print(table)


def _measure(folder: Path, rounds: int) -> Times:
    provider = TestProvider()
    app = _application(folder)
    with app.app_context():
        upgrade_database()
        connection_id = _connect(provider)
        sp = f"http://127.0.0.1:8000/saml/{connection_id}"
        stock = _stock_client(folder, provider, sp)
        client = app.test_client()
        times: Times = {OURS: [], READ: [], WRITTEN: [], THEIRS: []}

        def asked_for() -> str:
            location = client.get(f"/saml/{connection_id}/login").location
            return provider.response(sp, request_of(location).get("ID"))

        for number in track(range(rounds + WARM_UP), description="Measuring"):
            form = {"SAMLResponse": asked_for()}
            with _timed(times[OURS]):
                answer = client.post(f"/saml/{connection_id}/acs", data=form)
            assert answer.status_code == 303, answer.get_data(as_text=True)
            _step_by_step(connection_id, asked_for(), times)
            response = provider.response(sp, f"id-{number}")
            with _timed(times[THEIRS]):
                stock(response, f"id-{number}")
        close_database()
    return times


def _step_by_step(connection_id: str, response: str, times: Times) -> None:
    """Do what the request does with a response: read it, then write down what follows from it."""
    connection = load(connection_id)
    assert connection is not None
    trace = Trace()
    with _timed(times[READ]):
        answer = sign_in.read(connection, response, trace)
    with _timed(times[WRITTEN]), transaction(connection.account_id, ACTOR) as work:
        sign_in.use_up(work, connection, answer, "", None, trace)
        person = sign_in.person_of(work, connection, answer, trace)
        sign_in.open_session(work, connection, answer, person, "benchmark")


@contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    into.append(time.perf_counter() - start)


def _application(folder: Path) -> Flask:
    return create_app(
        Settings(
            secret_key="a key for benchmarks alone, 32 characters",
            data_dir=folder,
            sign_ins_per_minute=1_000_000,
            log_level="error",
        )
    )


def _connect(provider: TestProvider) -> str:
    with transaction(accounts.create(ACTOR, "Acme"), ACTOR) as work:
        users.create(work, users.Profile("ada@example.com"))
        return setup.register(work, "IdP", setup.from_metadata(provider.metadata()))


def _stock_client(folder: Path, provider: TestProvider, sp: str) -> Callable[[str, str], None]:
    """Return a function that reads a response as pysaml2 does out of the box."""
    config = SPConfig().load(
        {
            "entityid": f"{sp}/metadata",
            "service": {
                "sp": {
                    "endpoints": {"assertion_consumer_service": [(f"{sp}/acs", BINDING_HTTP_POST)]},
                    "want_assertions_signed": True,
                    "want_response_signed": False,
                }
            },
            "metadata": {"inline": [provider.metadata().decode()]},
            "xmlsec_binary": shutil.which("xmlsec1"),
        }
    )
    client = Saml2Client(config=config)

    def read(response: str, asked: str) -> None:
        found = client.parse_authn_request_response(
            response, BINDING_HTTP_POST, outstanding={asked: "/"}
        )
        assert found.name_id.text == "ada@example.com"

    return read


if __name__ == "__main__":
    sys.exit(main())
