"""The command does what it says; bad input ends in exit code 2 and one line."""

import pytest
from click.testing import CliRunner

from app.cli import cli
from tests.conftest import make_app
from tests.saml.provider import TestProvider
from tests.scim.conftest import ScimClient


@pytest.fixture
def acme(gatehouse):
    """An account with Ada in Designers, and the folder /Brand/2026."""
    gatehouse("account", "create", "Acme")
    issued = gatehouse("token", "create", "acme", "--name", "Okta", "--json")
    scim = ScimClient(gatehouse.app, issued["token"])
    ada = scim.create("/Users", userName="ada@example.com")
    scim.create("/Groups", displayName="Designers", members=[{"value": ada["id"]}])
    gatehouse("folder", "create", "Acme", "/Brand/2026")
    return scim


def test_a_token_is_shown_once_and_works(gatehouse, acme):
    issued = gatehouse("token", "create", "Acme", "--name", "Entra", "--scope", "users", "--json")
    assert issued["scim_base"] == "http://127.0.0.1:8000/scim/v2"
    assert issued["token"].startswith(issued["prefix"])
    client = ScimClient(gatehouse.app, issued["token"])
    assert client.get("/Users")["totalResults"] == 1
    assert client.refused("GET", "/Groups")["status"] == "403"


def test_a_rotated_token_works_on_until_the_overlap_ends(gatehouse, acme):
    new = gatehouse("token", "rotate", "Acme", "Okta", "--json")
    assert acme.get("/Users") == ScimClient(gatehouse.app, new["token"]).get("/Users")
    refused = gatehouse("token", "revoke", "Acme", "Okta", exit_code=2).stderr
    assert new["replaced"] in refused and new["prefix"] in refused
    revoked = gatehouse("token", "revoke", "Acme", new["replaced"], "--json")
    assert revoked == {"revoked": new["replaced"]}
    assert acme.refused("GET", "/Users")["status"] == "401"


def test_a_rotation_says_which_token_ends_when(gatehouse, acme):
    (old,) = gatehouse("token", "list", "Acme", "--json")["tokens"]
    said = gatehouse("token", "rotate", "Acme", "Okta", "--overlap-hours", "1").stdout
    (listed,) = (
        each
        for each in gatehouse("token", "list", "Acme", "--json")["tokens"]
        if each["prefix"] == old["prefix"]
    )
    ends = listed["expires_at"][:16].replace("T", " ")
    assert f"{old['prefix']}, works until {ends} UTC." in said
    refused = gatehouse("token", "rotate", "Acme", "Okta", exit_code=2)
    assert old["prefix"] in refused.stderr


def test_a_grant_to_a_group_decides(gatehouse, acme):
    denied = gatehouse("check", "Acme", "ada@example.com", "asset.edit", "/Brand", exit_code=1)
    assert denied.stdout.startswith("denied:")
    grant = ["grant", "Acme", "--to", "group:Designers", "--folder", "/Brand", "--role", "editor"]
    assert gatehouse(*grant, "--json")["new"] is True
    assert gatehouse(*grant, "--json")["new"] is False
    allowed = gatehouse("check", "Acme", "ADA@example.com", "asset.edit", "/brand/2026", "--json")
    assert allowed["allowed"] is True
    assert "editor" in allowed["reason"] and "Designers" in allowed["reason"]
    gatehouse("check", "Acme", "ada@example.com", "asset.delete", "/Brand", exit_code=1)
    gatehouse("check", "Acme", "ada@example.com", "folder.view", "/", exit_code=1)


def test_a_mapping_waits_for_its_group(gatehouse, acme):
    gatehouse(
        *("mapping", "create", "Acme", "--group", "Editors"),
        *("--role", "manager", "--folder", "/Brand"),
    )
    ada = acme.get("/Users")["Resources"][0]["id"]
    acme.create("/Groups", displayName="EDITORS", members=[{"value": ada}])
    gatehouse("check", "Acme", "ada@example.com", "folder.share", "/Brand/2026")


def test_an_admin_gets_a_link_that_signs_in_once(gatehouse):
    gatehouse("account", "create", "Acme")
    made = gatehouse("admin", "create", "root@example.com", "--json")
    again = gatehouse("admin", "create", "root@example.com", "--json")
    assert made["link"] != again["link"]
    assert made["link"].startswith("http://127.0.0.1:8000/sign-in/link/")


def test_a_saml_connection_tells_what_the_provider_needs(gatehouse, acme, tmp_path):
    metadata = tmp_path / "provider.xml"
    metadata.write_bytes(TestProvider().metadata())
    made = gatehouse("connection", "add-saml", "Acme", "--metadata", str(metadata), "--json")
    base = f"http://127.0.0.1:8000/saml/{made['id']}"
    assert made == {
        "id": made["id"],
        "metadata_url": f"{base}/metadata",
        "acs_url": f"{base}/acs",
        "slo_url": f"{base}/slo",
        "login_url": f"{base}/login",
    }
    answer = gatehouse.app.test_client().get(f"/saml/{made['id']}/metadata")
    assert made["acs_url"] in answer.get_data(as_text=True)


def test_a_grant_may_end(gatehouse, acme):
    gatehouse(
        *("grant", "Acme", "--to", "user:ada@example.com", "--folder", "/Brand"),
        *("--role", "viewer", "--until", "2020-01-01", "--reason", "over"),
    )
    gatehouse("check", "Acme", "ada@example.com", "folder.view", "/Brand", exit_code=1)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["account", "create", "ACME"], "account 'ACME' already"),
        (["account", "create", " "], "empty"),
        (["account", "create", "a\0b"], "not allowed"),
        (["admin", "create", "a@b.example", "--account", "Nope"], "no account 'Nope'"),
        (["admin", "create", "ada"], "must look like ada@example.com"),
        (["token", "create", "Nope", "--name", "x"], "no account 'Nope'"),
        (["token", "create", "Acme", "--name", "x", "--scope", "all"], "users, groups"),
        (["token", "create", "Acme"], "--name"),
        (["token", "rotate", "Acme", "nope"], "no live token 'nope'"),
        (["token", "revoke", "Acme", "nope"], "no live token 'nope'"),
        (["connection", "add-saml", "Acme", "--metadata", "/nowhere.xml"], "No such file"),
        (["connection", "add-saml", "Acme", "--metadata", "/"], "Is a directory"),
        (["connection", "add-saml", "Acme", "--metadata", __file__], "not well-formed XML"),
        (["connection", "add-saml", "Acme", "--metadata", "https://[::1"], "cannot be fetched"),
        (["folder", "create", "Acme", "/Brand"], "already"),
        (["folder", "create", "Acme", "/"], "already"),
        (["folder", "create", "Acme", "/" + "x" * 300], "longer than"),
        (["grant", "Acme", "--to", "ada", "--role", "viewer"], "--to must look like"),
        (["grant", "Acme", "--to", "user:x", "--role", "viewer", "--folder", "/"], "no user 'x'"),
        (["grant", "Acme", "--to", "group:x", "--role", "viewer"], "no group 'x'"),
        (
            ["grant", "Acme", "--to", "group:Designers", "--role", "boss", "--folder", "/"],
            "There are: contributor, editor, manager, viewer",
        ),
        (
            ["grant", "Acme", "--to", "group:Designers", "--role", "viewer", "--folder", "/no"],
            "no folder '/no'",
        ),
        (["mapping", "create", "Acme", "--role", "admin"], "Give one of --group"),
        (["mapping", "create"], "Missing argument 'ACCOUNT'. See: gatehouse mapping create"),
        (["grant", "Acme", "--to", "user:x", "--role", "y", "--until", "soon"], "'soon'"),
        (["--nope"], "No such option"),
        (["nope"], "No such command"),
        (["check", "Acme", "nobody", "folder.view", "/"], "no user 'nobody'"),
        (["check", "Acme", "ada@example.com", "folder.burn", "/"], "Unknown action"),
        (["check", "Acme", "ada@example.com", "folder.view", "/no"], "no folder '/no'"),
    ],
)
def test_bad_input_ends_in_one_clear_line(gatehouse, acme, args, says):
    result = gatehouse(*args, exit_code=2)
    assert says in result.stderr
    assert result.stdout == ""
    assert result.stderr.startswith("gatehouse: ") and result.stderr.count("\n") == 1


def test_an_empty_database_says_what_to_run(tmp_path):
    (tmp_path / "empty.sqlite3").touch()
    app = make_app(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    result = CliRunner().invoke(cli, ["account", "create", "Acme"], obj=lambda **_: app)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "gatehouse db upgrade" in result.stderr
    assert CliRunner().invoke(cli, ["db", "upgrade"], obj=lambda **_: app).exit_code == 0
    assert (
        CliRunner().invoke(cli, ["account", "create", "Acme"], obj=lambda **_: app).exit_code == 0
    )


def test_a_file_that_is_no_database_is_said_in_one_line(tmp_path):
    (tmp_path / "gatehouse.sqlite3").write_bytes(b"This is no database. " * 100)
    app = make_app(f"sqlite:///{tmp_path / 'gatehouse.sqlite3'}")
    result = CliRunner().invoke(cli, ["account", "create", "Acme"], obj=lambda **_: app)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "gatehouse: The database cannot be used: file is not a database\n"


def test_somebody_is_put_out_and_let_in_again(gatehouse, acme):
    out = gatehouse("user", "deactivate", "Acme", "ADA@example.com", "--json")
    assert (out["active"], out["changed"]) == (False, True)
    (stored,) = acme.get("/Users")["Resources"]
    assert stored["active"] is False
    assert gatehouse("user", "deactivate", "Acme", "ada@example.com", "--json")["changed"] is False
    assert "is active." in gatehouse("user", "activate", "Acme", "ada@example.com").stdout
    (stored,) = acme.get("/Users")["Resources"]
    assert stored["active"] is True
    assert "user 'eve'" in gatehouse("user", "activate", "Acme", "eve", exit_code=2).stderr
