"""Writes that another one has overtaken (SQLSTATE 40001, 40P01) are done once more, whole."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from flask import request
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from app.store.database import db, write_transaction
from app.web import TRIES
from tests.conftest import make_app
from tests.e2e.server import Server, running_server
from tests.faults.conftest import fresh
from tests.faults.load import PATCH, TRUSTS_US, load, token_of
from tests.faults.truth import compare
from tests.postgres import Postgres

WRITES = 100
LONGEST = 20.0


class Overtaken(Exception):
    sqlstate = "40001"


def overtaken() -> OperationalError:
    return OperationalError("UPDATE", None, Overtaken())


@pytest.fixture
def tried():
    return []


@pytest.fixture
def client(tried):
    app = make_app("sqlite://")

    @app.get("/api/fails")
    def fails():
        tried.append(request.get_data())
        if len(tried) < int(request.args["times"]):
            raise overtaken()
        return "done"

    @app.get("/api/writes")
    def writes():
        tried.append(1)
        with write_transaction():
            db.session.execute(text("SELECT 1"))
        raise overtaken()

    return app.test_client()


def test_a_request_is_done_once_more_with_the_same_body(client, tried):
    answer = client.get("/api/fails?times=3", data=b"body")
    assert (answer.status_code, answer.text, tried) == (200, "done", [b"body"] * 3)


def test_not_for_ever(client, tried):
    answer = client.get("/api/fails?times=99", data=b"")
    assert (answer.status_code, len(tried)) == (503, TRIES)
    assert answer.headers["Retry-After"]


def test_not_when_a_part_of_it_is_written(client, tried):
    answer = client.get("/api/writes")
    assert (answer.status_code, len(tried)) == (503, 1)


@pytest.fixture
def serializable(lasting_postgres: Postgres) -> str:
    """A database where each transaction must be as if it were alone: many are given up."""
    url = fresh(lasting_postgres)
    execute(url, "ALTER DATABASE gatehouse SET default_transaction_isolation = 'serializable'")
    return url


def execute(url: str, statement: str) -> object:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        result = connection.exec_driver_sql(statement)
        value = result.scalar() if result.returns_rows else None
    engine.dispose()
    return value


def test_transactions_that_are_given_up_are_done_again(serializable: str, tmp_path: Path) -> None:
    with running_server(serializable, tmp_path, **TRUSTS_US) as server:
        token = token_of(server)
        with load([server.url], token) as writers:
            writers.wait_for(WRITES)
        kept = str(execute(serializable, "SELECT id FROM users LIMIT 1"))
        _deadlock(serializable, server, token, kept)
    given_up = "SELECT xact_rollback FROM pg_stat_database WHERE datname = 'gatehouse'"
    assert execute(serializable, given_up) > 0
    ledger = writers.ledger
    assert set(ledger.statuses) <= {200, 201, 204, 503}, ledger.statuses
    assert ledger.statuses[503] < len(ledger.acknowledged)
    assert ledger.problems == set() and ledger.slowest < LONGEST
    written = compare(serializable, ledger)
    assert (written["lost"], written["written but not answered"]) == (0, 0)


def _deadlock(url: str, server: Server, token: str, user_id: str) -> None:
    """We have the account and want the user, another program the other way round."""
    engine = create_engine(url, isolation_level="READ COMMITTED")
    with engine.connect() as other, ThreadPoolExecutor(1) as pool:
        other.exec_driver_sql("SET deadlock_timeout = '60s'")  # So it is we who are given up.
        other.execute(text("SELECT FROM users WHERE id = :id FOR UPDATE"), {"id": user_id})
        waiting = pool.submit(_rename, server, token, user_id)
        while not execute(url, "SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not waiting.done(), waiting.result()
            time.sleep(0.05)
        other.exec_driver_sql("SELECT FROM accounts FOR UPDATE")
        other.commit()
        assert waiting.result() == 200
    engine.dispose()
    assert execute(url, "SELECT deadlocks FROM pg_stat_database WHERE datname = 'gatehouse'") == 1


def _rename(server: Server, token: str, user_id: str) -> int:
    operation = {"op": "replace", "path": "title", "value": "Editor"}
    return requests.patch(
        f"{server.url}/scim/v2/Users/{user_id}",
        json={"schemas": [PATCH], "Operations": [operation]},
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    ).status_code
