"""RFC 7643, the core schema: what attributes are, and what holds of their values."""

from __future__ import annotations

import base64

import pytest

from app.security.tokens import SCOPES
from app.store.models import User
from tests.inspection import row
from tests.scim.conftest import ENTERPRISE, GROUP, USER, new_client, patch_body

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

FULL = {
    "externalId": "E-1",
    "name": {
        "formatted": "Ms. Ada K. Lovelace III",
        "familyName": "Lovelace",
        "givenName": "Ada",
        "middleName": "K.",
        "honorificPrefix": "Ms.",
        "honorificSuffix": "III",
    },
    "displayName": "Ada",
    "nickName": "A",
    "profileUrl": "https://example.com/ada",
    "title": "Countess",
    "userType": "Employee",
    "preferredLanguage": "en-GB",
    "locale": "en-GB",
    "timezone": "Europe/London",
    "active": True,
    "emails": [{"value": "ada@example.com", "type": "work", "primary": True}],
    "phoneNumbers": [{"value": "tel:+44-20-1234", "type": "work"}],
    "ims": [{"value": "ada", "type": "xmpp"}],
    "photos": [{"value": "https://example.com/ada.png", "type": "photo"}],
    "addresses": [
        {
            "type": "work",
            "streetAddress": "12 St James's Square",
            "locality": "London",
            "region": "London",
            "postalCode": "SW1Y",
            "country": "GB",
            "formatted": "12 St James's Square\nLondon",
            "primary": True,
        }
    ],
    "entitlements": [{"value": "engines", "display": "Engines", "type": "x"}],
    "roles": [{"value": "analyst", "primary": True}],
    "x509Certificates": [{"value": base64.b64encode(b"certificate").decode()}],
    ENTERPRISE: {
        "employeeNumber": "1",
        "costCenter": "C",
        "organization": "O",
        "division": "D",
        "department": "Engines",
    },
}


def test_every_attribute_of_a_user_comes_back(scim):
    user = scim.create("/Users", userName="ada", **FULL)
    assert {name: user[name] for name in FULL} == FULL
    assert user["schemas"] == [USER, ENTERPRISE]


def test_the_manager_is_kept(scim):
    boss = scim.create("/Users", userName="boss")["id"]
    user = scim.create("/Users", userName="ada", **{ENTERPRISE: {"manager": {"value": boss}}})
    assert user[ENTERPRISE]["manager"]["value"] == boss
    assert scim.found("/Users", f'{ENTERPRISE}:manager.value eq "{boss}"') == ["ada"]


def test_common_attributes_are_the_servers(scim):
    mine = {"id": "mine", "meta": {"created": "2000-01-01T00:00:00Z", "version": "x"}}
    user = scim.create("/Users", userName="ada", externalId="X", **mine)
    assert user["id"] != "mine"
    meta = user["meta"]
    assert (meta["resourceType"], meta["version"]) == ("User", 'W/"1"')
    assert meta["created"] == meta["lastModified"] > "2020"
    assert meta["location"].endswith(f"/Users/{user['id']}")
    assert user["externalId"] == "X"


def test_names_of_attributes_have_no_case(scim):
    user = scim.create("/Users", USERNAME="ada", Name={"GIVENNAME": "Ada"})
    assert (user["userName"], user["name"]) == ("ada", {"givenName": "Ada"})


@pytest.mark.parametrize("nothing", [None, []])
def test_null_and_an_empty_list_are_no_value(scim, nothing):
    user = scim.create("/Users", userName="ada", title=None, emails=nothing)
    assert "emails" not in user
    assert "title" not in user


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", 5),
        ("active", "perhaps"),
        ("addresses", "not a list"),
        ("name", "not an object"),
        ("emails", [{"primary": "perhaps"}]),
        ("x509Certificates", [{"value": "not base64!"}]),
        ("userName", ""),
        ("userName", None),
        ("userName", ["a"]),
    ],
)
def test_values_are_of_their_type(scim, name, value):
    body = {"schemas": [USER], "userName": "ada"} | {name: value}
    error = scim.refused("POST", "/Users", body)
    assert error["status"] == "400"
    assert error["scimType"] in ("invalidValue", "invalidSyntax")


def test_types_may_be_others_than_the_canonical_ones(scim):
    email = {"value": "ada@example.com", "type": "weekend"}
    assert scim.create("/Users", userName="ada", emails=[email])["emails"] == [email]


def test_one_value_is_primary(scim):
    emails = [{"value": each, "primary": True} for each in ("a@x.example", "b@x.example")]
    body = {"schemas": [USER], "userName": "ada", "emails": emails}
    assert scim.refused("POST", "/Users", body)["scimType"] == "invalidValue"
    user = scim.create("/Users", userName="ada", emails=emails[:1])
    added = scim.patch(
        f"/Users/{user['id']}", {"op": "add", "path": "emails", "value": [emails[1]]}
    )
    assert [each.get("primary", False) for each in added["emails"]] == [False, True]


def test_case_counts_where_the_schema_says_so(scim):
    scim.create("/Users", userName="Ada", externalId="Ab")
    assert scim.found("/Users", 'userName eq "ADA"') == ["Ada"]
    assert scim.found("/Users", 'externalId eq "AB"') == []


def test_a_password_goes_in_and_never_out(scim):
    user = scim.create("/Users", userName="ada", password="correct horse battery")
    for query in ({}, {"attributes": "password"}):
        assert "password" not in scim.get(f"/Users/{user['id']}", **query)


def test_read_only_attributes_of_a_body_are_ignored(scim):
    group = scim.create("/Groups", displayName="G")["id"]
    user = scim.create("/Users", userName="ada", groups=[{"value": group}])
    assert "groups" not in user


def test_read_only_attributes_are_ignored_whatever_is_in_them(scim):
    user = scim.create("/Users", userName="ada", groups="x", meta={"created": "x"})
    for read_only in ({"groups": "x"}, {"meta": "x"}, {"meta": {"created": "x"}}, {"id": 7}):
        assert scim.put(f"/Users/{user['id']}", userName="ada", **read_only) == user


def test_last_modified_and_version_follow_changes(scim):
    user = scim.create("/Users", userName="ada")
    meta = scim.put(f"/Users/{user['id']}", userName="ada", title="T")["meta"]
    assert meta["created"] == user["meta"]["created"] < meta["lastModified"]
    assert (meta["version"], meta["location"]) == ('W/"2"', user["meta"]["location"])


def test_external_ids_are_the_clients_own(scim):
    for name in ("ada", "bob"):
        scim.create("/Users", userName=name, externalId="same")
    assert scim.found("/Users", 'externalId eq "same"') == ["ada", "bob"]


def test_schemas_must_name_the_resource(scim):
    for schemas in ([GROUP], ["urn:nothing"], [ENTERPRISE]):
        error = scim.refused("POST", "/Users", {"schemas": schemas, "userName": "ada"})
        assert (error["status"], error["scimType"]) == ("400", "invalidSyntax")


def test_schemas_name_the_extensions_in_use(scim):
    user = scim.create("/Users", userName="ada", **{ENTERPRISE: {"department": "D"}})
    assert user["schemas"] == [USER, ENTERPRISE]
    removed = scim.patch(f"/Users/{user['id']}", {"op": "remove", "path": ENTERPRISE})
    assert removed["schemas"] == [USER]


def test_references_lead_to_resources(scim):
    user = scim.create("/Users", userName="ada")
    group = scim.create("/Groups", displayName="G", members=[{"value": user["id"]}])
    there = scim.get(f"/Users/{user['id']}")["groups"][0]["$ref"]
    back = group["members"][0]["$ref"]
    assert (there, back) == (group["meta"]["location"], user["meta"]["location"])
    body = {"schemas": [USER], "userName": "bob", "profileUrl": "no URI"}
    assert scim.refused("POST", "/Users", body)["scimType"] == "invalidValue"


def test_a_password_is_changed_by_put_and_patch_and_kept_when_left_out(scim):
    path = f"/Users/{scim.create('/Users', userName='ada', password='first password')['id']}"
    seen = [row(User).password_hash]
    scim.put(path, userName="ada", title="T")
    assert row(User).password_hash == seen[0]
    scim.put(path, userName="ada", password="second password")
    seen.append(row(User).password_hash)
    scim.patch(path, {"op": "replace", "path": "password", "value": "third password"})
    seen.append(row(User).password_hash)
    assert len(set(seen)) == 3
    assert "password" not in "".join(seen)


def test_a_group_needs_a_name_and_holds_users_and_groups(scim):
    assert scim.refused("POST", "/Groups", {"schemas": [GROUP]})["status"] == "400"
    ada = scim.create("/Users", userName="ada")["id"]
    inner = scim.create("/Groups", displayName="Inner")["id"]
    members = [{"value": ada}, {"value": inner}]
    outer = scim.create("/Groups", displayName="Outer", members=members)
    assert [each["type"] for each in outer["members"]] == ["User", "Group"]
    into_itself = {"op": "add", "path": "members", "value": [{"value": outer["id"]}]}
    assert scim.refused("PATCH", f"/Groups/{inner}", patch_body(into_itself))["status"] == "400"


def test_the_configuration_says_what_is_supported(scim):
    config = scim.get("/ServiceProviderConfig")
    for name in ("patch", "bulk", "filter", "changePassword", "sort", "etag", "pagination"):
        assert name in config
    assert config["patch"]["supported"] and config["sort"]["supported"]
    kinds = [each["type"] for each in config["authenticationSchemes"]]
    assert kinds == ["oauthbearertoken", "oauth2"]


def test_schemas_say_the_characteristics_of_attributes(scim):
    schema = scim.get(f"/Schemas/{USER}")
    attributes = {each["name"]: each for each in schema["attributes"]}
    name = attributes["userName"]
    assert (name["required"], name["uniqueness"], name["caseExact"]) == (True, "server", False)
    password = attributes["password"]
    assert (password["mutability"], password["returned"]) == ("writeOnly", "never")
    assert attributes["groups"]["mutability"] == "readOnly"
    assert attributes["emails"]["multiValued"] is True
    member = next(
        each
        for attribute in scim.get(f"/Schemas/{GROUP}")["attributes"]
        if attribute["name"] == "members"
        for each in attribute["subAttributes"]
        if each["name"] == "value"
    )
    assert member["mutability"] == "immutable"


SUB_ATTRIBUTES = {
    "name": {*FULL["name"]},
    "addresses": {*FULL["addresses"][0]},
    "groups": {"value", "$ref", "display", "type"},
    "members": {"value", "$ref", "display", "type"},
    "manager": {"value", "$ref", "displayName"},
}
VALUES = {"value", "display", "type", "primary"}


def described(scim, urn):
    """The attributes of a schema, each with its sub-attributes."""
    return {
        each["name"]: {sub["name"] for sub in each.get("subAttributes", ())}
        for each in scim.get(f"/Schemas/{urn}")["attributes"]
    }


def test_schemas_list_every_attribute_a_provider_may_map(scim):
    user, group, more = (described(scim, urn) for urn in (USER, GROUP, ENTERPRISE))
    assert set(user) == {"userName", "password", "groups", *FULL} - {"externalId", ENTERPRISE}
    assert set(group) == {"displayName", "members"}
    assert set(more) == {*FULL[ENTERPRISE], "manager"}
    for name, found in (user | group | more).items():
        expected = VALUES if isinstance(FULL.get(name), list) else set()
        assert found == SUB_ATTRIBUTES.get(name, expected), name


def test_resource_types_say_where_each_type_is(app, account):
    client = new_client(app, account, *SCOPES)
    types = {each["name"]: each for each in client.get("/ResourceTypes")["Resources"]}
    schemas = {each["id"] for each in client.get("/Schemas")["Resources"]}
    assert set(types) == {"User", "Group", "Folder", "Grant", "Role", "Entitlement"}
    for each in types.values():
        assert each["schema"] in schemas
        assert client.get(each["endpoint"])["schemas"] == [LIST]
    extensions = types["User"]["schemaExtensions"]
    assert {"schema": ENTERPRISE, "required": False} in extensions
    assert {each["schema"] for each in extensions} <= schemas
