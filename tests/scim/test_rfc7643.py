"""RFC 7643, the core schema: what attributes are, and what holds of their values."""

from __future__ import annotations

import base64

import pytest

from tests.scim.conftest import ENTERPRISE, GROUP, USER, patch_body

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
