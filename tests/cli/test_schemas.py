"""``gatehouse schema`` and ``gatehouse account set``."""

from __future__ import annotations

import json

import pytest

MEDIA = "urn:example:media:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


@pytest.fixture
def declare(gatehouse, tmp_path):
    """Declare what a file holds, for the account Acme."""
    gatehouse("account", "create", "Acme")

    def run(content, *args, exit_code=0):
        path = tmp_path / "schema.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return gatehouse("schema", "declare", "Acme", str(path), *args, exit_code=exit_code)

    return run


def a_schema(urn=MEDIA, **more):
    attribute = {"name": "shoeSize", "type": "integer", "multiValued": False}
    return {"id": urn, "name": "Media", "attributes": [attribute]} | more


def test_a_schema_is_declared_listed_and_withdrawn(gatehouse, declare):
    assert gatehouse("schema", "list", "Acme").stdout == "No schema is declared.\n"
    assert declare(a_schema(), "--json") == {"id": MEDIA, "resource": "User", "changed": True}
    assert declare(a_schema(), "--json")["changed"] is False
    assert gatehouse("schema", "list", "acme").stdout == f"{MEDIA}  (User: shoeSize)\n"
    (listed,) = gatehouse("schema", "list", "Acme", "--json")["schemas"]
    assert (listed["id"], listed["resource"], listed["name"]) == (MEDIA, "User", "Media")
    assert listed["attributes"][0]["mutability"] == "readWrite"
    gatehouse("schema", "withdraw", "Acme", MEDIA)
    assert gatehouse("schema", "list", "Acme", "--json") == {"schemas": []}


def test_what_is_listed_can_be_declared_again(gatehouse, declare):
    declare(a_schema())
    (listed,) = gatehouse("schema", "list", "Acme", "--json")["schemas"]
    del listed["resource"]
    assert declare(listed, "--json")["changed"] is False


def test_the_resource_is_told_from_a_core_urn_or_by_an_option(declare):
    assert declare(a_schema(CORE_GROUP.lower()), "--json")["resource"] == "Group"
    assert declare(a_schema(), "--resource", "Group", "--json")["resource"] == "Group"
    extra = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "description": "x"}
    assert declare(a_schema() | extra, "--json") == {
        "id": MEDIA,
        "resource": "User",
        "changed": True,
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is not JSON"),
        ("[]", "one JSON object"),
        ("", "is not JSON"),
        ({}, "id must not be empty"),
        (a_schema(attributes=None), "1 to 100 attributes"),
        (a_schema(name=3), "name must be a text"),
        (a_schema(colour="red"), "'colour' is no attribute of a Schema resource"),
        (a_schema("urn:gatehouse:x"), "are taken"),
        (a_schema(attributes=[{"name": "x", "kind": "y"}]), "attributes[0].kind"),
    ],
)
def test_a_bad_file_ends_in_one_clear_line(declare, content, says):
    result = declare(content, exit_code=2)
    assert says in result.stderr and result.stdout == ""
    assert result.stderr.startswith("gatehouse: ") and result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["schema", "declare", "Acme", "/nowhere.json"], "No such file"),
        (["schema", "list", "Nope"], "no account 'Nope'"),
        (["schema", "withdraw", "Acme", MEDIA], "no declared schema"),
        (["account", "set", "Acme"], "--unknown-attributes"),
        (["account", "set", "Acme", "--unknown-attributes", "burn"], "'burn'"),
        (["account", "set", "Nope", "--unknown-attributes", "keep"], "no account 'Nope'"),
    ],
)
def test_bad_input_ends_in_one_clear_line(gatehouse, declare, args, says):
    result = gatehouse(*args, exit_code=2)
    assert says in result.stderr and result.stderr.count("\n") == 1


def test_what_becomes_of_unknown_attributes(gatehouse, declare):
    keep = ["account", "set", "Acme", "--unknown-attributes", "keep"]
    assert gatehouse(*keep, "--json") == {"unknown_attributes": "keep", "changed": True}
    assert gatehouse(*keep, "--json")["changed"] is False
    said = gatehouse("account", "set", "Acme", "--unknown-attributes", "ignore").stdout
    assert said == "Acme ignores attributes that no schema declares.\n"
