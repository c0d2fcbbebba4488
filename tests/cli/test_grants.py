"""``gatehouse grant`` and ``revoke``, and the list of accounts."""

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
    grant = ("grant", "Acme", "--to", "user:ada", "--role", "editor", "--folder", "/Brand")
    given = gatehouse(*grant, "--reason", "a campaign", "--json")
    again = gatehouse(*grant, "--reason", "a campaign")
    assert again.stdout == f"ada had already editor on /Brand. (Grant {given['id']})\n"
    check = ("check", "Acme", "ada", "asset.edit", "/Brand")
    gatehouse(*check)
    gatehouse("revoke", "Acme", given["id"])
    gatehouse(*check, exit_code=1)
    gatehouse("revoke", "Acme", given["id"], exit_code=2)


def test_for_a_time(gatehouse, acme):
    grant = ("grant", "Acme", "--to", "group:Designers", "--role", "reports")
    gatehouse(*grant, "--from", "2026-05-01", "--until", "2026-06-01T18:00")
    wrong = gatehouse(*grant, "--from", "2026-05-01", "--until", "2026-04-01", exit_code=2)
    assert "must end after it begins" in wrong.stderr


def test_accounts_are_listed(gatehouse, acme):
    with gatehouse.app.app_context():
        other = an_account("Brand & Co")
    listed = gatehouse("account", "list", "--json")["accounts"]
    assert [each["id"] for each in listed] == [acme, other]
    assert gatehouse("account", "list").stdout == f"{acme}  Acme\n{other}  Brand & Co\n"
