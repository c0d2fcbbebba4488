"""The check-up finds what is amiss, says why and what to do, and calls nothing else amiss."""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import replace
from datetime import timedelta

import click
import pytest
from sqlalchemy import delete, func, insert, select, text, update

from app.cli import cli
from app.directory import audit_chain, connection_keys, due, signing_keys, streams
from app.directory.operations import create
from app.security.secrets import seal
from app.settings import Settings
from app.store.database import db, upgrade_database, write_transaction
from app.store.models import (
    AuditEvent,
    Connection,
    DeadLetter,
    EventStream,
    FolderClosure,
    Grant,
    Job,
    Operation,
    OutgoingEvent,
    SigningKey,
)
from app.store.types import now
from app.upkeep import inspection
from app.upkeep.checks import database, machine
from app.upkeep.doctor import IN_THE_DATABASE, ON_THE_MACHINE, examine
from saml import setup
from tests.conftest import SECRET_KEY, write
from tests.factories import a_connection, a_folder, a_master_admin, a_stream, an_account
from tests.saml.provider import TestProvider, certificate_until

DAY = timedelta(days=1)


@pytest.fixture
def healthy(app, account, settings, monkeypatch) -> str:
    """An installation with nothing amiss; the id of its account."""
    for name in list(os.environ):
        if name.startswith("GATEHOUSE_"):
            monkeypatch.delenv(name)
    # The tests' own PostgreSQL is quick, not safe.
    monkeypatch.setattr(database, "SAFE", {})
    a_master_admin(account)
    due.claim("audit seal", DAY)
    audit_chain.seal_all()
    return account


def amiss(settings: Settings) -> dict[str, list[tuple[str, str, str]]]:
    """What is found, by check: state, reason and fix."""
    return {
        result.check: [(each.state, each.reason, each.fix) for each in result.findings]
        for result in examine(settings)
        if result.findings
    }


def the_one(settings: Settings, check: str) -> tuple[str, str, str]:
    found = amiss(settings)
    assert list(found) == [check], found
    ((state, reason, fix),) = found[check]
    assert reason.endswith((".", ")")) or ": " in reason
    assert fix
    return state, reason, fix


def change(statement) -> None:
    with write_transaction():
        db.session.execute(statement)


def test_where_nothing_is_amiss_nothing_is_found(healthy, settings):
    assert amiss(settings) == {}
    names = [result.check for result in examine(settings)]
    assert names == [*ON_THE_MACHINE, "database", *IN_THE_DATABASE]


def test_every_command_a_fix_names_is_there(healthy, settings):
    change(update(AuditEvent).values(actor_name="x"))
    change(FolderClosure.__table__.delete())
    change(Job.__table__.delete())
    fixes = [each[2] for found in amiss(settings).values() for each in found]
    named = [fix.partition("gatehouse ")[2].split() for fix in fixes if "gatehouse " in fix]
    assert len(named) >= 2
    for words in named:
        group = cli
        for word in words:
            if not isinstance(group, click.Group) or group.get_command(None, word) is None:
                break
            group = group.get_command(None, word)
        assert group is not cli, words


def test_a_variable_that_is_no_setting(healthy, settings, monkeypatch):
    monkeypatch.setenv("GATEHOUSE_TREADS", "8")
    monkeypatch.setenv("GATEHOUSE_THREADS", "8")
    monkeypatch.setenv("GATEHOUSE_TEST_ALL", "1")
    state, reason, _ = the_one(settings, "settings")
    assert state == "warning" and "GATEHOUSE_TREADS" in reason


@pytest.mark.parametrize(
    ("proxies", "url", "state", "says"),
    [
        ("10.0.0.0/8", "http://g.example", "problem", "can be read on the way"),
        ("", "https://g.example", "warning", "is empty"),
        ("0.0.0.0/0", "https://g.example", "problem", "anybody may choose"),
        ("::/0", "https://g.example", "problem", "anybody may choose"),
    ],
)
def test_addresses_that_are_not_safe(healthy, settings, proxies, url, state, says):
    networks = tuple(map(ipaddress.ip_network, filter(None, [proxies])))
    settings = replace(settings, public_url=url, trusted_proxies=networks)
    found = amiss(settings)
    assert found.pop("mail")[0][0] == "warning"  # mail that is written to the log
    ((seen, reason, _),) = found.pop("address")
    assert (seen, found) == (state, {})
    assert says in reason


def embedded(tmp_path) -> Settings:
    folder = tmp_path / "data"
    settings = Settings.from_environment({"GATEHOUSE_DATA_DIR": str(folder)})
    with inspection.another_database(settings.resolved_database_url, settings):
        upgrade_database()
    return settings


def test_files_that_others_can_read(tmp_path):
    settings = embedded(tmp_path)
    assert list(machine.secret_key_file(settings)) == []
    (settings.data_dir / "secret_key").chmod(0o644)
    settings.data_dir.chmod(0o755)
    file = settings.data_dir / "gatehouse.sqlite3"
    assert file.stat().st_mode & 0o777 == 0o600
    folder, key = machine.secret_key_file(settings)
    assert "chmod 700" in folder.fix and "chmod 600" in key.fix
    assert (folder.state, key.state) == ("problem", "problem")
    file.chmod(0o640)
    (found,) = machine.secret_key_file(replace(settings, database_url=f"sqlite:///{file}"))
    assert found.fix == f"Run: chmod 600 {file}"
    settings.data_dir.chmod(0o700)  # Nobody else gets there.
    assert list(machine.secret_key_file(replace(settings, database_url=f"sqlite:///{file}"))) == []


def test_a_disk_that_is_nearly_full(tmp_path, monkeypatch):
    settings = embedded(tmp_path)
    monkeypatch.setattr(machine, "LEAST_FREE", 1)
    assert list(machine.disk(settings)) == []
    monkeypatch.setattr(machine, "LEAST_FREE", 2**80)
    (found,) = machine.disk(settings)
    assert found.state == "warning" and "MB are free" in found.reason


def test_a_mail_server_that_cannot_be_reached(healthy, settings):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    state, reason, _ = the_one(
        replace(settings, smtp_url=f"smtp://u:hunter2@127.0.0.1:{port}"), "mail"
    )
    assert state == "problem" and "hunter2" not in reason


@pytest.mark.parametrize(
    "url",
    ["sqlite:////nowhere/at/all.sqlite3", "postgresql+psycopg://u:hunter2@127.0.0.1:1/none"],
)
def test_without_a_database_no_more_is_looked_at(url, tmp_path):
    settings = Settings(secret_key=SECRET_KEY, database_url=url)
    with inspection.another_database(url, settings):
        results = list(examine(settings))
    assert [each.check for each in results] == [*ON_THE_MACHINE, "database"]
    (found,) = results[-1].findings
    assert found.state == "problem" and "hunter2" not in found.reason
    assert "\n" not in found.reason


def test_tables_of_another_version(healthy, settings):
    change(text("UPDATE alembic_version SET version_num = 'older'"))
    state, _, fix = the_one(settings, "database")
    assert state == "problem" and "gatehouse db upgrade" in fix


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_may_forget(app, settings):
    found = list(database.durable(settings))
    assert {each.fix.split()[1] for each in found} == {
        *("fsync", "full_page_writes", "synchronous_commit")
    }


def test_clocks_that_differ(healthy, settings, monkeypatch):
    monkeypatch.setattr(database, "_time_of_database", lambda settings: now() - 60 * database.APART)
    state, reason, _ = the_one(settings, "clock")
    assert state == "problem" and "clocks differ" in reason


def test_the_time_of_the_database_is_read(healthy, settings):
    assert abs(database._time_of_database(settings) - now()) < database.APART


def test_events_that_are_to_come(healthy, settings):
    change(update(AuditEvent).values(at=now() + DAY))
    assert "is to come" in amiss(settings)["clock"][0][1]


def test_another_secret_key(healthy, settings):
    row = {"id": "k", "public": {}, "sealed_key": seal("another key" * 3, "k", "secret")}
    change(insert(SigningKey).values(created_at=now(), **row))
    state, reason, _ = the_one(settings, "secret key")
    assert state == "problem" and "not the one the data was written with" in reason


@pytest.mark.parametrize("has_sealed", [True, False])
def test_a_wrong_secret_key_is_said_first_and_is_the_only_problem(
    healthy, app, settings, monkeypatch, has_sealed
):
    if has_sealed:
        row = {"id": "k", "public": {}, "sealed_key": seal(settings.secret_key, "k", "secret")}
        change(insert(SigningKey).values(created_at=now(), **row))
    other = replace(settings, secret_key="another key of 32 characters, or more")
    monkeypatch.setitem(app.extensions, "gatehouse", other)
    found = amiss(other)
    assert (list(found), next(iter(IN_THE_DATABASE))) == (["secret key", "audit log"], "secret key")
    ((state, reason, fix),) = found["secret key"]
    assert state == "problem" and "not the" in reason and "GATEHOUSE_SECRET_KEY" in fix
    ((state, reason, _),) = found["audit log"]  # not "ok": nobody can tell
    assert state == "warning" and "no seal can be checked" in reason


def test_a_wrong_secret_key_hides_no_log_that_was_cut_off(healthy, app, settings, monkeypatch):
    last = db.session.scalar(select(func.max(AuditEvent.sequence)))
    change(delete(AuditEvent).where(AuditEvent.sequence == last))
    other = replace(settings, secret_key="another key of 32 characters, or more")
    monkeypatch.setitem(app.extensions, "gatehouse", other)
    found = amiss(other)
    assert list(found) == ["secret key", "audit log"]
    (_, (state, reason, _)) = found["audit log"]
    assert state == "problem" and "cut off" in reason and "no seal fits" not in reason


def test_a_secret_key_that_was_lost_is_asked_for_before_others_are_blamed(
    healthy, app, settings, monkeypatch
):
    new = replace(settings, secret_key="another key of 32 characters, or more")
    monkeypatch.setitem(app.extensions, "gatehouse", new)
    signing_keys.rotate(new.secret_key)
    state, _, fix = the_one(new, "audit log")
    assert state == "problem" and "If the secret key was lost and replaced" in fix


def test_connections_whose_key_was_lost_are_named(healthy, app, settings, monkeypatch):
    new = replace(settings, secret_key="another key of 32 characters, or more")
    for number, key in enumerate([settings.secret_key, new.secret_key]):
        connection = a_connection(healthy, name=f"IdP {number}")
        with write(healthy) as work:
            sealed = seal(key, connection, "private")
            connection_keys.add(work, connection, "current", "certificate", sealed)
    signing_keys.rotate(new.secret_key)
    monkeypatch.setitem(app.extensions, "gatehouse", new)
    ((state, reason, fix),) = amiss(new)["secret key"]
    assert (state, reason) == (
        "problem",
        "Our key was sealed with another secret key, at 'IdP 0' of 'Acme'.",
    )
    assert "gatehouse connection key" in fix


def test_a_stream_whose_header_cannot_be_read(healthy, app, settings, monkeypatch):
    with write(healthy) as work:
        streams.create(work, "hr", endpoint="https://example.com/", authorization="Bearer s3cret")
        streams.create(work, "other", endpoint="https://example.com/")
    audit_chain.seal_all()
    new = replace(settings, secret_key="another key of 32 characters, or more")
    monkeypatch.setitem(app.extensions, "gatehouse", new)
    ((state, reason, fix),) = amiss(new)["events"]
    assert state == "problem" and "'hr'" in reason and "Set the header anew" in fix


def test_a_signing_key_that_is_old(healthy, settings):
    row = {"id": "k", "public": {}, "sealed_key": seal(settings.secret_key, "k", "secret")}
    change(insert(SigningKey).values(created_at=now() - 400 * DAY, **row))
    state, _, fix = the_one(settings, "signing keys")
    assert state == "warning" and "gatehouse key rotate" in fix


def test_an_account_without_an_administrator(healthy, settings):
    an_account("Globex")
    state, reason, fix = the_one(settings, "administrators")
    assert state == "problem" and "'Globex'" in reason and "gatehouse admin create" in fix


def test_an_administrator_for_the_time_being(healthy, settings):
    change(update(Grant).values(expires_at=now() + DAY))
    state, reason, _ = the_one(settings, "administrators")
    assert state == "warning" and "without an end" in reason


def test_a_tree_that_is_wrong(healthy, settings):
    a_folder(healthy, "Brand")
    audit_chain.seal_all()
    change(FolderClosure.__table__.delete())
    state, reason, fix = the_one(settings, "folder tree")
    assert state == "problem" and "3 pairs missing" in reason
    assert fix == "Run: gatehouse folder verify 'Acme' --repair"


def test_an_audit_log_that_was_changed(healthy, settings):
    change(update(AuditEvent).where(AuditEvent.action == "account.created").values(reason="x"))
    state, reason, _ = the_one(settings, "audit log")
    assert state == "problem" and "'Acme'" in reason


def test_background_work_that_nobody_does(healthy, settings):
    late = now() - DAY
    change(update(Job).values(due_at=late, problem="RuntimeError: broken"))
    change(text("UPDATE audit_events SET sequence = NULL, seal = NULL"))
    change(text("UPDATE accounts SET audit_sequence = 0, audit_seal = NULL"))
    change(update(AuditEvent).values(at=late))
    with write(healthy) as work:
        create(work, "import", "people.csv", {}, 5)
    change(update(Operation).values(surface="console", updated_at=late))
    found = amiss(settings)
    assert list(found) == ["audit log", "background jobs", "operations"]
    assert [state for state, _, _ in found["background jobs"]] == ["problem", "warning"]
    assert "gatehouse jobs run" in found["audit log"][0][2]


def test_events_that_pile_up(healthy, settings):
    a_stream(healthy)
    change(update(OutgoingEvent).values(at=now() - DAY))
    state, reason, fix = the_one(settings, "events")
    assert state == "warning" and "wait to be told" in reason and "gatehouse stream list" in fix


def test_events_that_are_to_be_delivered_again_wait_since_somebody_said_so(healthy, settings):
    stream, paused = a_stream(healthy), a_stream(healthy, "paused")
    with write(healthy) as work:
        streams.set_status(work, paused, "paused")
    change(update(OutgoingEvent).values(at=now() - DAY))
    change(update(EventStream).where(EventStream.id == stream).values(cursor=2**31))
    with write(healthy) as work:
        assert streams.replay(work, stream, now() - 2 * DAY)
        assert streams.set_status(work, paused, "enabled")
    assert amiss(settings) == {}
    change(update(AuditEvent).values(at=now() - timedelta(minutes=20)))
    assert "wait to be told" in amiss(settings)["events"][0][1]


def test_events_that_were_given_up(healthy, settings):
    stream = a_stream(healthy)
    change(update(EventStream).values(cursor=2**31))
    row = {"sequence": 1, "event_id": "e", "type": "user.created", "error": "400"}
    change(insert(DeadLetter).values(account_id=healthy, stream_id=stream, **row))
    state, reason, _ = the_one(settings, "events")
    assert state == "warning" and "given up: 1" in reason


def test_a_check_that_cannot_look_is_a_problem_and_keeps_no_other(healthy, settings, monkeypatch):
    monkeypatch.setitem(IN_THE_DATABASE, "clock", lambda settings: iter([1 / 0]))
    state, reason, _ = the_one(settings, "clock")
    assert state == "problem" and "ZeroDivisionError" in reason


@pytest.mark.parametrize(
    ("days", "state", "says"), [(12, "warning", "ends on"), (-1, "problem", "ended on")]
)
def test_a_certificate_that_ends(healthy, settings, days, state, says):
    provider = TestProvider()
    short = certificate_until(provider.key, now() + days * DAY)
    with write(healthy) as work:
        setup.register(work, "Okta", setup.from_metadata(provider.metadata(certificates=[short])))
    audit_chain.seal_all()
    seen, reason, _ = the_one(settings, "certificates")
    assert seen == state and says in reason and "'Okta'" in reason


def test_metadata_that_cannot_be_read(healthy, settings):
    with write(healthy) as work:
        setup.register(work, "Okta", setup.from_metadata(TestProvider().metadata()))
    change(update(Connection).values(problem="404"))
    state, reason, _ = the_one(settings, "certificates")
    assert state == "warning" and "404" in reason
