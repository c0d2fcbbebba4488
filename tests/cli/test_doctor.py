"""``gatehouse doctor`` and ``gatehouse folder verify``."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import delete

from app.store.database import db, write_transaction
from app.store.models import FolderClosure
from app.upkeep.checks import database


@pytest.fixture
def acme(gatehouse, monkeypatch):
    monkeypatch.setattr(database, "SAFE", {})  # The tests' PostgreSQL is quick, not safe.
    gatehouse("account", "create", "Acme")
    gatehouse("jobs", "run")


def test_a_check_up(gatehouse, acme):
    result = gatehouse("doctor", exit_code=1)
    assert "ok      clock" in result.stdout
    assert "problem administrators" in result.stdout
    assert "→ Run: gatehouse admin create EMAIL --account 'Acme'" in result.stdout
    made = json.loads(gatehouse("doctor", "--json", exit_code=1).stdout)
    assert made["state"] == "problem"
    assert {each["state"] for each in made["checks"]} <= {"ok", "warning", "problem"}
    gatehouse("admin", "create", "root@example.com", "--account", "Acme")
    gatehouse("jobs", "run")
    assert "problem" not in gatehouse("doctor").stdout


def test_a_tree_that_is_wrong_is_told_and_repaired(gatehouse, acme):
    assert "1 folders, right" in gatehouse("folder", "verify").stdout
    with gatehouse.app.app_context(), write_transaction():
        db.session.execute(delete(FolderClosure))
    assert "1 missing, 0 wrong" in gatehouse("folder", "verify", "Acme", exit_code=1).stdout
    repaired = gatehouse("folder", "verify", "Acme", "--repair", exit_code=1).stdout
    assert "1 missing, 0 wrong, repaired" in repaired
    (found,) = gatehouse("folder", "verify", "--json")["accounts"]
    assert (found["missing"], found["extra"], found["folders"]) == (0, 0, 1)
