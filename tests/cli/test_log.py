"""``gatehouse log``: why does the provider show an error?"""

from __future__ import annotations

import pytest

from app.directory import accounts, provisioning_log, users
from app.directory.provisioning_log import Entry
from app.directory.users import Profile
from app.directory.work import Actor, transaction
from tests.conftest import CLI_ACTOR
from tests.factories import a_connection


@pytest.fixture
def acme(gatehouse):
    """An account in which Okta added ada, and failed to add her again."""
    with gatehouse.app.app_context():
        account_id = accounts.create(CLI_ACTOR, "Acme")
        connection_id = a_connection(account_id, name="Okta")
        first, second = (
            Actor(
                type="token",
                name="Okta token",
                surface="scim",
                connection_id=connection_id,
                request_id=f"request-{number}",
            )
            for number in (1, 2)
        )
        with transaction(account_id, first) as work:
            ada = users.create(work, Profile("ada@example.com"))
            notes = [{"ignored": "favouriteColour"}]
            provisioning_log.note(work, an_entry(201, resource_id=ada, notes=notes))
        failed = an_entry(409, scim_type="uniqueness", detail="Taken \x1b[2Jalready.")
        provisioning_log.note_failure(account_id, second, failed)


def an_entry(status, **more):
    return Entry(
        method="POST",
        path="/Users",
        resource_type="User",
        resource_name="ada@example.com",
        status=status,
        duration_us=1234,
        **more,
    )


def test_the_table_says_what_went_wrong(gatehouse, acme):
    failed, added = gatehouse("log", "Acme").stdout.strip().splitlines()[-2:]
    for said in ("Okta token", "POST User ada@example.com", "409 uniqueness", "1.2 ms"):
        assert said in failed
    assert "Taken \ufffd[2Jalready." in failed and "request-2" in failed
    assert "201" in added and "ignored favouriteColour" in added
    assert "user.created" not in gatehouse("log", "acme").stdout
    with_changes = gatehouse("log", "Acme", "--changes").stdout
    assert "user.created" in with_changes and "displayName" not in with_changes
    assert 'userName: none → "ada@example.com"' in with_changes


def test_lines_are_chosen(gatehouse, acme):
    def statuses(*args):
        return [each["status"] for each in gatehouse("log", "Acme", *args, "--json")["requests"]]

    assert statuses() == [409, 201]
    assert statuses("--failed") == [409]
    assert statuses("--limit", "1") == [409]
    assert statuses("--user", "ADA@example.com", "--connection", "okta") == [409, 201]
    assert statuses("--user", "eve") == statuses("--since", "2999-01-01") == []
    assert statuses("--since", "2020-01-01T12:00") == [409, 201]
    nothing = gatehouse("log", "Acme", "--user", "eve").stdout
    assert nothing == "Nothing of that kind is in the log.\n"


def test_json_has_it_whole(gatehouse, acme):
    failed, added = gatehouse("log", "Acme", "--json")["requests"]
    assert failed["detail"] == "Taken \x1b[2Jalready." and failed["changes"] == []
    assert added["notes"] == [{"ignored": "favouriteColour"}] and added["duration_us"] == 1234
    assert added["at"].endswith("+00:00") and "account_id" not in added
    (change,) = added["changes"]
    assert change["action"] == "user.created"
    assert change["target"] == {
        "type": "user",
        "id": added["resource_id"],
        "name": "ada@example.com",
    }
    assert change["after"]["userName"] == "ada@example.com"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["Nope"], "no account 'Nope'"),
        (["Acme", "--connection", "Nope"], "no connection 'Nope'"),
        (["Acme", "--since", "soon"], "'soon'"),
        (["Acme", "--limit", "0"], "0 is not in the range"),
    ],
)
def test_bad_input_ends_in_one_clear_line(gatehouse, acme, args, says):
    result = gatehouse("log", *args, exit_code=2)
    assert says in result.stderr and result.stderr.count("\n") == 1
