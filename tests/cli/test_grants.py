"""``gatehouse grant``, and the lists of accounts."""

from __future__ import annotations

import pytest

from tests.factories import a_folder, a_group, a_user, an_account


@pytest.fixture
def acme(gatehouse) -> str:
    with gatehouse.app.app_context():
        account_id = an_account("Acme")
        a_user(account_id, "ada")
        a_group(account_id, "Designers")
        a_folder(account_id, "Brand")
    return account_id


def test_a_grant_is_given_and_taken_back(gatehouse, acme):
    give = ("grant", "give", "Acme", "--user", "ada", "--role", "editor", "--folder", "/Brand")
    given = gatehouse(*give, "--reason", "a campaign", "--json")
    assert given["changed"]
    again = gatehouse(*give, "--reason", "a campaign")
    assert again.stdout == f"ada is editor on /Brand: {given['id']} (as before)\n"
    check = ("check", "Acme", "ada", "asset.edit", "/Brand")
    gatehouse(*check)
    gatehouse("grant", "revoke", "Acme", given["id"])
    gatehouse(*check, exit_code=1)
    gatehouse("grant", "revoke", "Acme", given["id"], exit_code=2)


def test_for_a_time(gatehouse, acme):
    give = ("grant", "give", "Acme", "--group", "Designers", "--role", "reports")
    gatehouse(*give, "--from", "2026-05-01", "--until", "2026-06-01T18:00+02:00")
    wrong = gatehouse(*give, "--from", "2026-05-01", "--until", "2026-04-01", exit_code=2)
    assert "must end after it begins" in wrong.stderr


def test_one_is_told_whom_to_name(gatehouse, acme):
    wrong = gatehouse("grant", "give", "Acme", "--role", "reports", exit_code=2)
    assert "one of --user and --group" in wrong.stderr


def test_accounts_are_listed(gatehouse, acme):
    with gatehouse.app.app_context():
        other = an_account("Brand & Co")
    listed = gatehouse("account", "list", "--json")["accounts"]
    assert [(each["id"], each["name"]) for each in listed] == [
        (acme, "Acme"),
        (other, "Brand & Co"),
    ]
    assert gatehouse("account", "list").stdout == f"{acme}  Acme\n{other}  Brand & Co\n"
