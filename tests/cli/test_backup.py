"""``gatehouse backup`` and ``gatehouse restore``."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import update

from app.directory import audit_chain
from app.store.database import db, write_transaction
from app.store.models import AuditEvent


@pytest.fixture
def path(gatehouse, tmp_path):
    gatehouse("account", "create", "Acme")
    return tmp_path / "gatehouse.backup"


def test_a_backup_is_made_checked_and_told(gatehouse, path):
    result = gatehouse("backup", str(path))
    assert "revision 00" in result.stdout and "key is not in it" in result.stdout
    assert "Keep GATEHOUSE_SECRET_KEY too" in result.stdout
    assert "key is not in it" not in gatehouse("backup", str(path), "--force", "--with-key").stdout
    made = gatehouse("backup", str(path), "--force", "--json")
    assert (made["rows"]["accounts"], made["findings"]) == (1, [])
    assert "can be restored" in gatehouse("restore", str(path), "--check").stdout
    assert gatehouse("restore", str(path), "--check", "--json") == made


def test_what_is_wrong_ends_in_one_line(gatehouse, path):
    gatehouse("backup", str(path))
    for args, says in (
        (["backup", str(path)], "--force"),
        (["restore", str(path)], "--force"),
        (["restore", f"{path}.missing"], "No such file"),
        (["restore", __file__], "no backup, or is damaged: it is not compressed as one is"),
        (["backup", f"{path}.none/x"], f"There is no folder {path}.none."),
    ):
        result = gatehouse(*args, exit_code=2)
        assert result.stderr.count("\n") == 1 and says in result.stderr


def test_an_audit_log_that_was_changed_ends_in_1(gatehouse, path):
    with gatehouse.app.app_context():
        audit_chain.seal_all()
        with write_transaction():
            db.session.execute(update(AuditEvent).values(actor_name="somebody else"))
    result = gatehouse("backup", str(path), "--json", exit_code=1)
    assert "'Acme'" in json.loads(result.stdout)["findings"][0]
