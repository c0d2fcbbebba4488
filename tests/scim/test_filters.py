"""Filters in SQL answer what ``ScimFilter.match`` answers, on both databases."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scim2_models import ScimFilter, SearchRequest

from scim.service import service_for
from tests.scim.conftest import ENTERPRISE

TEXTS = [
    "",
    "ada",
    "ADA",
    "Ada Lovelace",
    "straße",
    "STRASSE",
    "İstanbul",
    "é",
    "é",
    "50%_\\",
    "10",
    "9",
]
text = st.sampled_from(TEXTS)
filled = st.sampled_from([each for each in TEXTS if each])
maybe = lambda strategy: st.one_of(st.none(), strategy)  # noqa: E731

entry = st.fixed_dictionaries(
    {},
    optional={
        "value": filled,
        "type": st.sampled_from(["work", "home", "Work"]),
        "primary": st.booleans(),
        "display": filled,
    },
).filter(bool)


def one_primary(entries):
    seen = False
    for each in entries:
        if each.get("primary") and seen:
            each["primary"] = False
        seen = seen or bool(each.get("primary"))
    return entries


users = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "displayName": filled,
            "title": filled,
            "active": st.booleans(),
            "name": st.fixed_dictionaries({}, optional={"givenName": filled, "familyName": filled}),
            "emails": st.lists(entry, max_size=3).map(one_primary),
            "roles": st.lists(entry, max_size=2).map(one_primary),
            ENTERPRISE: st.fixed_dictionaries({}, optional={"department": filled}),
        },
    ),
    min_size=1,
    max_size=6,
)

EQUALITY = ["eq", "ne"]
STRINGS = [*EQUALITY, "co", "sw", "ew", "gt", "ge", "lt", "le"]

single = ["displayName", "title", "userName", "name.givenName", "name.familyName", "id"]
single += [f"{ENTERPRISE}:department", "urn:ietf:params:scim:schemas:core:2.0:User:title"]
several = ["emails", "emails.value", "emails.type", "roles.display", "roles"]


def comparison(attribute, operators, values):
    return st.builds(
        lambda name, op, value: f"{name} {op} {json.dumps(value)}",
        attribute,
        st.sampled_from(operators),
        values,
    )


inside = st.one_of(
    comparison(st.sampled_from(["value", "type", "display"]), STRINGS, maybe(text)),
    comparison(st.just("primary"), EQUALITY, maybe(st.booleans())),
    st.sampled_from(["value pr", "type pr", "primary pr"]),
)
leaf = st.one_of(
    comparison(st.sampled_from(single), STRINGS, maybe(text)),
    comparison(st.sampled_from(several), STRINGS, maybe(text)),
    comparison(st.sampled_from(["active", "emails.primary"]), EQUALITY, maybe(st.booleans())),
    st.sampled_from([*single, *several, "name", "active", "groups", "externalId"]).map(
        lambda name: f"{name} pr"
    ),
)


def combined(children):
    return st.one_of(
        st.builds(
            lambda a, op, b: f"({a} {op} {b})", children, st.sampled_from(["and", "or"]), children
        ),
        children.map(lambda child: f"not ({child})"),
    )


value_path = st.builds(
    lambda name, condition: f"{name}[{condition}]",
    st.sampled_from(["emails", "roles"]),
    st.recursive(inside, combined, max_leaves=3),
)
filters = st.recursive(st.one_of(leaf, value_path), combined, max_leaves=5)


@pytest.fixture
def user_type():
    return service_for("x" * 32).get_resource_type("User")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_filters_find_what_match_finds(storage, user_type, data):
    model = service_for("x" * 32).get_model(user_type)
    for each in storage.search([user_type], SearchRequest(start_index=1)).resources:
        storage.delete(user_type, each.id)
    for number, user in enumerate(data.draw(users)):
        given_user = {"userName": f"{data.draw(filled)}{number}", **user}
        with service_for("x" * 32).provider:
            storage.create(user_type, model.model_validate(given_user))
    stored = storage.search([user_type], SearchRequest(start_index=1)).resources
    for text in data.draw(st.lists(filters, min_size=8, max_size=8)):
        request = SearchRequest[model](filter=text, start_index=1)
        found = {each.id for each in storage.search([user_type], request).resources}
        expected = {each.id for each in stored if ScimFilter[model](text).match(each)}
        assert found == expected, text


@pytest.fixture
def people(scim):
    ada = scim.create(
        "/Users",
        userName="Ada",
        externalId="E-1",
        emails=[{"value": "ada@work.example", "type": "work"}, {"value": "x", "type": "home"}],
    )
    bob = scim.create("/Users", userName="Bob", externalId="e-1", active=False)
    scim.create("/Groups", displayName="Makers", members=[{"value": ada["id"]}])
    return {"ada": ada, "bob": bob}


@pytest.mark.parametrize(
    ("scim_filter", "found"),
    [
        ('externalId eq "E-1"', ["Ada"]),
        ('emails[type eq "work" and value eq "ADA@work.example"]', ["Ada"]),
        ('emails[type eq "home" and value eq "ada@work.example"]', []),
        ('groups.display eq "makers"', ["Ada"]),
        ('groups[type eq "direct" and display sw "mak"]', ["Ada"]),
        ("not (groups pr)", ["Bob"]),
        ('meta.resourceType eq "User" and meta.created gt "2020-01-01T00:00:00Z"', ["Ada", "Bob"]),
        ('meta.lastModified lt "2020-01-01T00:00:00Z"', []),
        ('meta.version eq "W/\\"1\\""', ["Ada", "Bob"]),
        ('userName co "_" or userName co "%"', []),
        ('USERNAME EQ "ADA"', ["Ada"]),
    ],
)
def test_a_filter_finds(scim, people, scim_filter, found):
    assert scim.found("/Users", scim_filter) == found


@pytest.mark.parametrize("length", [255, 256, 257, 900])
def test_long_values_are_told_apart_to_their_end(scim, length):
    value = "x" * length
    scim.create("/Users", userName="long", emails=[{"value": value}])
    scim.create("/Users", userName="longer", emails=[{"value": value + "y"}])
    assert scim.found("/Users", f'emails eq "{value}"') == ["long"]


def test_sorting_puts_missing_values_last_and_first_when_descending(scim):
    for name, title in (("a", "beta"), ("b", None), ("c", "Alpha")):
        scim.create("/Users", userName=name, title=title)
    listed = scim.get("/Users", sortBy="title")["Resources"]
    assert [each["userName"] for each in listed] == ["c", "a", "b"]
    listed = scim.get("/Users", sortBy="title", sortOrder="descending")["Resources"]
    assert [each["userName"] for each in listed] == ["b", "a", "c"]


def test_sorting_by_the_primary_email(scim):
    for name, emails in (
        ("a", [{"value": "z@x.example"}, {"value": "b@x.example", "primary": True}]),
        ("b", [{"value": "a@x.example"}, {"value": "c@x.example"}]),
    ):
        scim.create("/Users", userName=name, emails=emails)
    listed = scim.get("/Users", sortBy="emails")["Resources"]
    assert [each["userName"] for each in listed] == ["b", "a"]


def test_paging_shows_everyone_once(scim):
    names = [f"user{n:02}" for n in range(7)]
    for name in names:
        scim.create("/Users", userName=name)
    seen = []
    for start in (1, 4, 7):
        page = scim.get("/Users", startIndex=start, count=3)
        assert page["totalResults"] == 7 and page["startIndex"] == start
        assert page["itemsPerPage"] == len(page["Resources"])
        seen += [each["userName"] for each in page["Resources"]]
    assert seen == names
    assert scim.get("/Users", count=0)["totalResults"] == 7
    assert scim.get("/Users", startIndex=8)["Resources"] == []
    assert scim.get("/Users", startIndex=-5, count=1)["startIndex"] == 1
