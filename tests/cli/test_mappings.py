"""``gatehouse mapping``: by group, by role value, by entitlement."""

from __future__ import annotations

import pytest

from tests.scim.conftest import ScimClient


@pytest.fixture
def acme(gatehouse):
    """A provider's SCIM client of an account with the folder /Brand, its connection is Okta."""
    gatehouse("account", "create", "Acme")
    issued = gatehouse("token", "create", "Acme", "--name", "t", "--connection", "Okta", "--json")
    gatehouse("folder", "create", "Acme", "/Brand")
    return ScimClient(gatehouse.app, issued["token"])


MATCHES = {
    "--group": ("display_name", "Group Editors"),
    "--group-id": ("external_id", "The group with external id Editors"),
    "--role-value": ("role", "Whoever has the role value Editors"),
    "--entitlement": ("entitlement", "Whoever has the entitlement Editors"),
}
WAITS = dict.fromkeys(("--group", "--group-id"), "; it waits for its group")


@pytest.mark.parametrize("option", MATCHES)
def test_a_mapping_is_made_listed_and_removed(gatehouse, acme, option):
    match_by, words = MATCHES[option]
    create = ("mapping", "create", "Acme", option, "Editors", "--role", "editor")
    made = gatehouse(*create, "--folder", "/Brand", "--connection", "okta", "--json")
    (listed,) = gatehouse("mapping", "list", "Acme", "--json")["mappings"]
    assert listed.pop("created_at").endswith("+00:00")
    assert listed == {
        "id": made["id"],
        "match_by": match_by,
        "match_value": "Editors",
        "role": "editor",
        "folder": "/Brand",
        "connection": "Okta",
        "waiting": True if option.startswith("--group") else None,
        "lacking": False if option.startswith("--group") else None,
    }
    text = gatehouse("mapping", "list", "Acme").stdout
    only = f"(through Okta only){WAITS.get(option, '')}"
    assert text == f"{made['id']}  {words} gets editor on /Brand {only}\n"
    gone = gatehouse("mapping", "delete", "Acme", made["id"], "--json")
    assert gone == {"deleted": made["id"]}
    assert gatehouse("mapping", "list", "Acme", "--json") == {"mappings": []}
    assert gatehouse("mapping", "list", "Acme").stdout == "There is no mapping.\n"


def test_it_says_whether_a_mapping_waits_for_its_group(gatehouse, acme):
    create = ("mapping", "create", "Acme", "--role", "editor", "--folder", "/Brand")
    said = gatehouse(*create, "--group", "Editors").stdout
    assert said.startswith("Group Editors gets editor on /Brand: ")
    assert said.endswith("; it waits for its group\n")
    acme.create("/Groups", displayName="Editors")
    for here in (("--group", "Editors"), ("--role-value", "Editors")):
        assert "waits" not in gatehouse(*create, *here).stdout


def test_it_is_told_what_a_review_took_back_until_it_is_there_again(gatehouse, acme):
    group = acme.create("/Groups", displayName="Editors")
    create = ("mapping", "create", "Acme", "--group", "Editors", "--role", "editor")
    made = gatehouse(*create, "--folder", "/Brand", "--json")

    def lacking() -> bool:
        (listed,) = gatehouse("mapping", "list", "Acme", "--json")["mappings"]
        told = "; taken back from its group, until" in gatehouse("mapping", "list", "Acme").stdout
        assert told == listed["lacking"]
        return told

    def take_back() -> None:
        review = ("review", "start", "R", "--role", "editor", "--due", "1d")
        begun = gatehouse(*review, "--undecided", "revoke", "--json")
        closed = gatehouse("review", "close", begun["id"], "--json")
        assert closed["outcomes"]["may_return"] == 1

    assert not lacking()
    take_back()
    assert lacking()
    acme.patch(f"/Groups/{group['id']}", {"op": "add", "path": "externalId", "value": "x"})
    assert not lacking()
    take_back()
    assert gatehouse(*create, "--folder", "/Brand", "--json") == made
    assert not lacking()


def test_a_role_value_over_scim_decides(gatehouse, acme):
    check = ("check", "Acme", "ada", "asset.edit", "/Brand")
    mapping = ("mapping", "create", "Acme", "--role-value", "Brand-Editor", "--role", "editor")
    text = gatehouse(*mapping, "--folder", "/Brand").stdout
    assert text.startswith("Whoever has the role value Brand-Editor gets editor on /Brand: ")
    ada = acme.create("/Users", userName="ada", roles=[{"value": "brand-editor"}])
    gatehouse(*check)
    remove = {"op": "remove", "path": 'roles[value eq "BRAND-EDITOR"]'}
    acme.patch(f"/Users/{ada['id']}", remove)
    gatehouse(*check, exit_code=1)
    acme.patch(f"/Users/{ada['id']}", {"op": "add", "path": "roles", "value": "Brand-Editor"})
    gatehouse(*check)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["create", "Acme", "--role", "admin"], "Give one of --group, --group-id"),
        (["create", "Acme", "--group", "a", "--entitlement", "b", "--role", "admin"], "one of"),
        (["create", "Acme", "--role-value", "a"], "--role"),
        (["create", "Acme", "--role-value", " ", "--role", "admin"], "empty"),
        (["create", "Acme", "--role-value", "a", "--role", "editor"], "no account role 'editor'"),
        (
            ["create", "Acme", "--role-value", "a", "--role", "admin", "--connection", "Entra"],
            "no connection 'Entra'",
        ),
        (["list", "Nope"], "no account 'Nope'"),
        (["delete", "Acme", "nope"], "no mapping 'nope'"),
    ],
)
def test_bad_input_ends_in_one_clear_line(gatehouse, acme, args, says):
    result = gatehouse("mapping", *args, exit_code=2)
    assert says in result.stderr
    assert result.stdout == "" and result.stderr.count("\n") == 1
