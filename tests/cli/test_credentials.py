"""``gatehouse token`` and ``gatehouse client``: address lists, scopes, lists without secrets."""

from __future__ import annotations

import pytest

from app.cli.commands.tokens import scope_option
from app.security.tokens import DEFAULT_SCOPES, SCOPES


@pytest.fixture
def acme(gatehouse):
    gatehouse("account", "create", "Acme")
    return gatehouse


def test_the_help_names_every_scope():
    # The command's help must not load the store to name them.
    (option,) = scope_option(lambda: None).__click_params__
    assert option.help == f"Comma-separated, of: {', '.join(SCOPES)}."
    assert option.default == ",".join(DEFAULT_SCOPES)


def test_tokens_are_listed_without_their_secrets(acme):
    options = ("--scope", "users,grants", "--network", "203.0.113.0/24", "--network", "::1")
    made = acme("token", "create", "Acme", "--name", "Okta", *options, "--json")
    (listed,) = acme("token", "list", "Acme", "--json")["tokens"]
    assert (listed["prefix"], listed["scopes"]) == (made["prefix"], ["grants", "users"])
    assert listed["networks"] == ["203.0.113.0/24", "::1/128"]
    assert made["token"] not in str(listed)
    assert "never used" in acme("token", "list", "Acme").stdout
    new = acme("token", "rotate", "Acme", "Okta", "--json")
    old, replacing = acme("token", "list", "Acme", "--json")["tokens"]
    assert old["expires_at"] and not replacing["expires_at"]
    first, second = acme("token", "list", "Acme").stdout.splitlines()
    for line in (first, second):
        assert "(SCIM): grants, users; from 203.0.113.0/24, ::1/128; created " in line
    assert ("; expires " in first, "; expires " in second) == (True, False)
    assert new["token"] != made["token"]


def test_a_client_gets_tokens_until_it_is_revoked(acme):
    made = acme("client", "create", "Acme", "--name", "Entra", "--json")
    form = {
        "grant_type": "client_credentials",
        "client_id": made["client_id"],
        "client_secret": made["client_secret"],
    }
    browser = acme.app.test_client()
    assert made["token_url"].endswith("/oauth/token")
    assert browser.post("/oauth/token", data=form).status_code == 200
    (listed,) = acme("client", "list", "Acme", "--json")["clients"]
    assert (listed["id"], listed["name"]) == (made["client_id"], "Entra")
    assert made["client_secret"] not in str(listed)
    again = acme("client", "create", "Acme", "--name", "Entra", exit_code=2)
    assert again.stderr == "gatehouse: There is a client 'Entra' already.\n"
    assert acme("token", "list", "Acme", "--json")["tokens"] == []
    new = acme("client", "rotate", "Acme", "Entra", "--overlap-hours", "0", "--json")
    assert browser.post("/oauth/token", data=form).status_code == 401
    form["client_secret"] = new["client_secret"]
    assert browser.post("/oauth/token", data=form).status_code == 200
    acme("client", "revoke", "Acme", "Entra")
    assert browser.post("/oauth/token", data=form).status_code == 401
    assert acme("client", "list", "Acme").stdout == "There is no client.\n"
