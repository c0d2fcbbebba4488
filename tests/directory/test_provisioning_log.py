"""The provisioning log: one line a request, found by user, by connection and by failure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, insert

from app.directory import groups, memberships, provisioning_log, users
from app.directory.errors import Invalid, NotFound
from app.directory.groups import GroupProfile
from app.directory.provisioning_log import NOTES_LIMIT, PRUNED_AT_ONCE, RETENTION, Entry
from app.directory.users import Profile
from app.directory.work import Actor, transaction
from app.store.database import db
from app.store.models import ProvisioningEntry
from app.store.types import new_id, now
from tests.factories import a_connection, a_group, a_user, an_account
from tests.inspection import plans, row, rows, statements
from tests.threads import at_once


def okta(connection_id: str | None = None, request_id: str | None = None) -> Actor:
    return Actor(
        type="token",
        name="Okta",
        surface="scim",
        id=new_id(),
        connection_id=connection_id,
        address="192.0.2.7",
        request_id=request_id or new_id(),
    )


def a_line(account_id: str, actor: Actor | None = None, **entry) -> None:
    """A line of a request that failed, unless its status says otherwise."""
    entry = {"method": "POST", "path": "/Users", "status": 409, "duration_us": 900} | entry
    provisioning_log.note_failure(account_id, actor or okta(), Entry(**entry))


def an_old_line(account_id: str, days: int) -> None:
    """A line written so many days ago, as its id says."""
    at = now() - timedelta(days=days)
    digits = f"{int(at.timestamp() * 1000):012x}"
    old = {
        "id": f"{digits[:8]}-{digits[8:]}{new_id()[13:]}",
        "at": at,
        "account_id": account_id,
        "actor_name": "Okta",
        "method": "POST",
        "path": "/Users",
        "status": 201,
        "duration_us": 1,
    }
    with transaction(account_id, okta()):
        db.session.execute(insert(ProvisioningEntry), [old])


def paths(account_id: str, **wanted) -> list[str]:
    return [each.row.path for each in provisioning_log.find(account_id, **wanted)]


def provision(account_id: str, actor: Actor, user_name: str) -> str:
    """Add a user, with the line of the request."""
    with transaction(account_id, actor) as work:
        user_id = users.create(work, Profile(user_name))
        entry = Entry(
            method="POST",
            path="/Users",
            resource_type="User",
            resource_id=user_id,
            resource_name=user_name,
            status=201,
            duration_us=1500,
        )
        provisioning_log.note(work, entry)
    return user_id


def change_members(account_id: str, group_id: str, member_ids, *, remove: bool = False) -> None:
    with transaction(account_id, okta()) as work:
        (memberships.remove if remove else memberships.add)(work, group_id, member_ids)
        path = f"/Groups/{group_id}?{'remove' if remove else 'add'}"
        entry = Entry(
            method="PATCH",
            path=path,
            resource_type="Group",
            resource_id=group_id,
            status=200,
            duration_us=1,
        )
        provisioning_log.note(work, entry)


# -- Writing -----------------------------------------------------------------


def test_a_line_says_who_asked_what_and_how_it_went(account):
    connection = a_connection(account, name="Okta")
    actor = okta(connection)
    a_line(
        account,
        actor,
        method="PUT",
        path="/Users/7",
        resource_type="User",
        resource_id="7",
        resource_name="Ada@Example.com",
        scim_type="uniqueness",
        detail="Taken.",
        notes=[{"ignored": "favouriteColour"}, {"kept": "shoeSize"}],
        user_agent="Okta SCIM Client 1.0.0",
    )
    line = row(ProvisioningEntry)
    assert (line.connection_id, line.actor_id, line.actor_name) == (connection, actor.id, "Okta")
    assert (line.address, line.request_id) == ("192.0.2.7", actor.request_id)
    assert (line.method, line.path, line.status) == ("PUT", "/Users/7", 409)
    assert (line.resource_type, line.resource_id) == ("User", "7")
    assert (line.resource_name, line.resource_key) == ("Ada@Example.com", "ada@example.com")
    assert (line.scim_type, line.detail) == ("uniqueness", "Taken.")
    assert line.notes == [{"ignored": "favouriteColour"}, {"kept": "shoeSize"}]
    assert (line.user_agent, line.duration_us) == ("Okta SCIM Client 1.0.0", 900)
    assert abs(line.at - now()) < timedelta(minutes=1)


def test_a_change_and_its_line_stand_or_fall_together(account):
    with pytest.raises(Invalid), transaction(account, okta()) as work:
        entry = Entry(method="POST", path="/Users", status=201, duration_us=1)
        provisioning_log.note(work, entry)
        raise Invalid("something later")
    assert rows(ProvisioningEntry) == []
    provision(account, okta(), "ada")
    assert len(rows(ProvisioningEntry)) == 1


@pytest.mark.parametrize("text", ["x" * 100_000, "a\0b", "a\ud800b", "\ufffe", "\ufb2c" * 2000])
def test_whatever_a_request_held_can_be_written(account, text):
    actor = Actor(type="token", name=text, surface="scim", id=new_id(), address=text)
    texts = ("method", "path", "resource_id", "resource_name", "scim_type", "detail", "user_agent")
    notes = [{text: text, "status": 3}]
    a_line(account, actor, resource_type="User", notes=notes, **dict.fromkeys(texts, text))
    a_line(account, resource_type=text)
    (logged,) = provisioning_log.find(account, user=text)
    assert len(logged.row.path) <= 1024 and len(logged.row.resource_id) <= 36
    assert set(logged.row.path) <= set("x") | set("a\ufffdb") | set("\ufb2c")
    assert len(str(logged.row.notes)) < 1000


def test_notes_and_the_duration_are_bounded(account):
    many = [{"ignored": "y" * 1000} | {str(n): n for n in range(100)}] * 1000
    a_line(account, notes=many, duration_us=2**60)
    line = row(ProvisioningEntry)
    assert len(line.notes) == NOTES_LIMIT
    assert len(line.notes[0]) == 4 and len(line.notes[0]["ignored"]) == 200
    assert line.duration_us == 2**31 - 1


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/Users?filter=id%20eq%20%22x%22&Count=5", '/Users?filter=id eq "x"&Count=5'),
        ("/Users?startIndex=1&access_token=gh_secret", "/Users?startIndex=1&…"),
        ("/Users?gh_secret", "/Users?…"),
        ("/Users?filter=password+eq+%22hunter2%22", "/Users?…"),
        ("/Users?filter=p%61ssword+eq+%22hunter2%22", "/Users?…"),
        ("/Users?filter=%ff%00", "/Users?filter=\ufffd\ufffd"),
        ("/Users?", "/Users"),
    ],
)
def test_of_the_query_only_what_is_no_secret_is_kept(account, path, shown):
    a_line(account, path=path)
    assert paths(account) == [shown]


def test_a_long_query_is_cut(account):
    a_line(account, path="/Users?filter=" + "%22" * 100_000)
    (path,) = paths(account)
    assert len(path) == 1024


def test_one_statement_writes_a_line_while_none_is_old(account):
    with transaction(account, okta()) as work, statements() as seen:
        entry = Entry(method="POST", path="/Users", status=201, duration_us=1)
        provisioning_log.note(work, entry)
    assert [each.split()[0] for each in seen] == ["INSERT", "SELECT"]


def test_each_line_takes_a_few_old_ones_away(account):
    stranger = an_account()
    an_old_line(stranger, RETENTION.days + 1)
    for _ in range(PRUNED_AT_ONCE + 2):
        an_old_line(account, RETENTION.days + 1)
    an_old_line(account, RETENTION.days - 1)
    a_line(account)
    assert len(rows(ProvisioningEntry, account_id=account)) == 2 + 1 + 1
    a_line(account)
    a_line(account)
    assert len(rows(ProvisioningEntry, account_id=account)) == 1 + 3
    assert len(rows(ProvisioningEntry, account_id=stranger)) == 1


def test_lines_written_at_once_do_not_get_in_each_others_way(app, account):
    for _ in range(4 * PRUNED_AT_ONCE):
        an_old_line(account, RETENTION.days + 1)
    assert at_once(app, [(a_line, account) for _ in range(4)]) == [None] * 4
    assert len(rows(ProvisioningEntry, status=409)) == 4


# -- Reading -----------------------------------------------------------------


def test_the_newest_come_first_page_by_page(account):
    for number in range(5):
        a_line(account, path=f"/{number}")
    a_line(an_account(), path="/of-another")
    assert paths(account) == ["/4", "/3", "/2", "/1", "/0"]
    first = provisioning_log.find(account, limit=2)
    assert paths(account, before=first[-1].row.id, limit=2) == ["/2", "/1"]
    assert paths(account, limit=0) == ["/4"]
    assert len(paths(account, limit=10**9)) == 5


def test_lines_since_a_time(account):
    an_old_line(account, 3)
    a_line(account, path="/new")
    assert paths(account, since=now() - timedelta(days=2)) == ["/new"]
    assert len(paths(account, since=now() - timedelta(days=4))) == 2
    assert paths(account, since=now() + timedelta(days=1)) == []


def test_lines_until_a_time(account):
    an_old_line(account, 3)
    a_line(account, path="/new")
    assert "/new" not in paths(account, until=now() - timedelta(days=2))
    assert len(paths(account, until=now() - timedelta(days=2))) == 1
    assert paths(account, until=now() - timedelta(days=4)) == []
    within = {"since": now() - timedelta(days=4), "until": now() - timedelta(days=2)}
    assert len(paths(account, **within)) == 1


def test_lines_of_a_connection_by_id_or_name(account):
    first, second = a_connection(account, name="Okta"), a_connection(account, name="Entra")
    a_line(account, okta(first), path="/okta")
    a_line(account, okta(second), path="/entra")
    assert paths(account, connection=first) == paths(account, connection="OKTA") == ["/okta"]
    stranger = a_connection(an_account(), name="Google")
    for named in (stranger, "Google", "nope", "\0"):
        with pytest.raises(NotFound):
            provisioning_log.find(account, connection=named)


def test_failures_alone(account):
    connection = a_connection(account, name="Okta")
    a_line(account, okta(connection), path="/200", status=200)
    a_line(account, okta(connection), path="/399", status=399)
    a_line(account, okta(connection), path="/400", status=400)
    a_line(account, path="/500", status=500)
    assert paths(account, failures=True) == ["/500", "/400"]
    assert paths(account, failures=True, connection="okta") == ["/400"]


def test_lines_about_a_user_by_id_user_name_or_external_id(account):
    ada = a_user(account, "Ada@Example.com", external_id="00u7")
    a_line(account, path="/by-id", resource_type="User", resource_id=ada)
    a_line(account, path="/by-name", resource_type="User", resource_name="ADA@example.com")
    a_line(account, path="/a-group", resource_type="Group", resource_name="ada@example.com")
    a_line(account, path="/other", resource_type="User", resource_name="eve")
    for named in (ada, "ada@EXAMPLE.com", "00u7"):
        assert paths(account, user=named) == ["/by-name", "/by-id"]
    assert paths(account, user="nobody") == paths(account, user="00U7") == []
    assert paths(an_account(), user=ada) == []


def test_a_deleted_user_is_found_by_id_and_by_name(account):
    ada = provision(account, okta(), "ada")
    with transaction(account, okta()) as work:
        users.delete(work, ada)
    assert paths(account, user=ada) == paths(account, user="ADA") == ["/Users"]


def test_changes_of_groups_that_name_a_user(account):
    ada, eve = a_user(account, "ada"), a_user(account, "eve")
    group = a_group(account)
    change_members(account, group, [ada, eve])
    change_members(account, group, [eve], remove=True)
    change_members(account, group, [ada], remove=True)
    added, removed = f"/Groups/{group}?…", f"/Groups/{group}?…"
    assert paths(account, user="ada") == [removed, added]
    assert paths(account, user=eve) == [removed, added]
    (last, first) = provisioning_log.find(account, user=ada)
    assert [each.action for each in last.changes] == ["group.members_removed"]
    assert first.changes[0].after == {"count": 2, "members": sorted([ada, eve])}
    assert paths(account, user=ada, before=last.row.id) == [added]
    assert paths(account, user="members") == paths(account, user="count") == []


def test_another_request_with_the_same_id_is_told_apart_by_its_group(account):
    """A bulk request has one id, and a line for each of its operations."""
    ada, eve = a_user(account), a_user(account)
    first, second = a_group(account), a_group(account)
    with transaction(account, okta()) as work:
        for group, member in ((first, ada), (second, eve)):
            memberships.add(work, group, [member])
            entry = Entry(
                method="PATCH",
                path=f"/Groups/{group}",
                resource_type="Group",
                resource_id=group,
                status=200,
                duration_us=1,
            )
            provisioning_log.note(work, entry)
    assert paths(account, user=ada) == [f"/Groups/{first}"]
    newest, oldest = provisioning_log.find(account)
    assert [each.target.id for each in newest.changes] == [second]
    assert [each.target.id for each in oldest.changes] == [first]


def test_a_group_change_is_looked_for_among_the_newest_lines(account, monkeypatch):
    monkeypatch.setattr(provisioning_log, "GROUP_CHANGES_AMONG", 3)
    ada, group = a_user(account), a_group(account)
    change_members(account, group, [ada])
    for _ in range(3):
        a_line(account)
    assert paths(account, user=ada) == []
    second = provisioning_log.find(account)[1].row.id
    assert len(paths(account, user=ada, before=second)) == 1


def test_a_line_carries_what_its_request_changed(account):
    actor = okta()
    ada = provision(account, actor, "ada")
    with transaction(account, actor) as work:
        groups.create(work, GroupProfile("Another target of the same request"))
    (logged,) = provisioning_log.find(account)
    (change,) = logged.changes
    assert (change.action, change.target.id, change.target.name) == ("user.created", ada, "ada")
    assert change.before is None and change.after["userName"] == "ada"
    a_line(account, okta(), resource_id=ada)
    assert provisioning_log.find(account)[0].changes == []


def test_a_page_takes_two_statements(account):
    for name in ("ada", "eve", "bob"):
        provision(account, okta(), name)
    with statements() as seen:
        assert len(provisioning_log.find(account)) == 3
    assert len(seen) == 2
    with statements() as seen:
        assert provisioning_log.find(account, failures=True) == []
    assert len(seen) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "wanted", [{}, {"user": "ada"}, {"connection": "Okta"}, {"failures": True}], ids=str
)
def test_every_question_has_an_index(account, wanted):
    a_connection(account, name="Okta")
    ada = provision(account, okta(), "ada")
    change_members(account, a_group(account), [ada])
    with plans() as steps:
        provisioning_log.find(account, **wanted)
    used = "\n".join(steps)
    assert "SCAN provisioning_log" not in used and "SCAN audit_events" not in used
    for name, index in (
        ("connection", "ix_provisioning_log_account_id_connection_id_id"),
        ("failures", "ix_provisioning_log_failures"),
        ("user", "ix_provisioning_log_account_id_resource_id_id"),
        ("user", "ix_provisioning_log_account_id_resource_key_id"),
        ("user", "ix_audit_events_account_id_request_id"),
    ):
        assert name not in wanted or index in used


def test_old_lines_are_found_by_the_primary_key(account):
    executed = []

    def keep(connection, cursor, statement, parameters, context, executemany):
        if statement.startswith("SELECT provisioning_log"):
            executed.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", keep)
    a_line(account)
    event.remove(db.engine, "before_cursor_execute", keep)
    ((statement, parameters),) = executed
    explain = "EXPLAIN QUERY PLAN" if db.engine.dialect.name == "sqlite" else "EXPLAIN"
    with db.engine.connect() as connection:
        if explain == "EXPLAIN":
            connection.exec_driver_sql("SET enable_seqscan = off")
        driver = connection.connection.driver_connection
        plan = str(driver.execute(f"{explain} {statement}", parameters).fetchall())
    assert "pk_provisioning_log" in plan or "sqlite_autoindex_provisioning_log_1" in plan
