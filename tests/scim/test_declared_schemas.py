"""Schemas an account declares as data: described, checked, stored, searched, sorted, patched."""

from __future__ import annotations

import gc
import json
import typing
from weakref import ref

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scim2_models import ScimFilter, SearchRequest

from app.directory import accounts, schemas
from app.directory.errors import Invalid
from app.directory.work import Actor
from app.store.models import Account
from scim import service
from scim.service import service_for
from scim.storage import DirectoryStorage
from tests.conftest import SECRET_KEY, write
from tests.factories import an_account
from tests.inspection import row
from tests.scim.conftest import GROUP, USER, new_client, patch_body

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
MEDIA = "urn:example:media:2.0:User"
TEAM = "urn:ietf:params:scim:schemas:extension:Team:2.0:Group"
CORE_ATTRIBUTES = [
    {"name": "badge", "type": "string", "caseExact": True},
    {"name": "tags", "type": "string", "multiValued": True},
]
MEDIA_ATTRIBUTES = [
    {"name": "level", "type": "integer"},
    {"name": "score", "type": "decimal"},
    {"name": "trained", "type": "boolean"},
    {"name": "hired", "type": "dateTime"},
    {"name": "site", "type": "reference", "referenceTypes": ["external"]},
    {"name": "motto", "type": "string"},
    {
        "name": "cameras",
        "type": "complex",
        "multiValued": True,
        "subAttributes": [
            {"name": "value", "type": "string"},
            {"name": "lenses", "type": "integer"},
        ],
    },
    {
        "name": "desk",
        "type": "complex",
        "subAttributes": [{"name": "floor", "type": "integer"}, {"name": "room", "type": "string"}],
    },
]


@pytest.fixture
def declared(account):
    with write(account) as work:
        schemas.declare(work, USER, "User", "User", CORE_ATTRIBUTES)
        schemas.declare(work, MEDIA, "User", "Media people", MEDIA_ATTRIBUTES)
        schemas.declare(work, TEAM, "Group", "Team", [{"name": "colour", "type": "string"}])
    return account


@pytest.fixture
def scim(app, declared):
    return new_client(app, declared)


ADA = {
    "badge": "B-1",
    "tags": ["red", "Blue"],
    MEDIA: {
        "level": 3,
        "score": 1.5,
        "trained": True,
        "hired": "2026-01-01T00:00:00+02:00",
        "site": "https://example.com/ada",
        "motto": "Onward",
        "cameras": [{"value": "Leica", "lenses": 3}, {"value": "Canon", "lenses": 1}],
        "desk": {"floor": 2, "room": "2.07"},
    },
}


@pytest.fixture
def ada(scim):
    return scim.create("/Users", userName="ada", **ADA)


def test_they_are_described(scim):
    described = {each["id"]: each for each in scim.get("/Schemas")["Resources"]}
    assert described[MEDIA]["name"] == "Media people"
    names = [each["name"] for each in described[MEDIA]["attributes"]]
    assert names == [each["name"] for each in MEDIA_ATTRIBUTES]
    core = {each["name"] for each in described[USER]["attributes"]}
    assert core >= {"badge", "tags", "userName"}
    types = {each["id"]: each for each in scim.get("/ResourceTypes")["Resources"]}
    assert MEDIA in [each["schema"] for each in types["User"]["schemaExtensions"]]
    assert types["Group"]["schemaExtensions"] == [{"schema": TEAM, "required": False}]


def test_their_values_come_back(scim, ada):
    assert scim.get(f"/Users/{ada['id']}") == ada
    assert (ada["badge"], ada["tags"]) == ("B-1", ["red", "Blue"])
    hired = {"hired": "2025-12-31T22:00:00.000000Z"}  # the same moment, in UTC
    assert ada[MEDIA] == ADA[MEDIA] | hired
    assert ada["schemas"] == [USER, MEDIA]
    only = scim.get(f"/Users/{ada['id']}", attributes=f"{MEDIA}:desk.floor,tags")
    assert only == {
        "schemas": [USER, MEDIA],
        "id": ada["id"],
        "tags": ["red", "Blue"],
        MEDIA: {"desk": {"floor": 2}},
    }


@pytest.mark.parametrize(
    "values",
    [
        {MEDIA: {"level": "high"}},
        {MEDIA: {"trained": "maybe"}},
        {MEDIA: {"hired": "yesterday"}},
        {MEDIA: {"cameras": {"value": 1}}},
        {"tags": 5},
        {"badge": {"a": 1}},
    ],
)
def test_what_does_not_fit_is_refused(scim, values):
    error = scim.refused("POST", "/Users", {"schemas": [USER], "userName": "x"} | values)
    assert error["status"] == "400"


def test_they_are_patched(scim, ada):
    changed = scim.patch(
        f"/Users/{ada['id']}",
        {"op": "replace", "path": f"{MEDIA}:level", "value": 4},
        {"op": "replace", "value": {f"{MEDIA}:desk.room": "3.01", "badge": "B-2"}},
        {"op": "remove", "path": f'{MEDIA}:cameras[value eq "leica"]'},
        {"op": "add", "path": "tags", "value": ["green"]},
        {"op": "add", "value": {MEDIA: {"motto": "Upward"}}},
    )
    media = changed[MEDIA]
    assert (media["level"], media["desk"]["room"], changed["badge"]) == (4, "3.01", "B-2")
    assert (media["cameras"], media["motto"]) == ([{"value": "Canon", "lenses": 1}], "Upward")
    assert changed["tags"] == ["red", "Blue", "green"]


@pytest.mark.parametrize(
    "wanted",
    [
        'badge eq "B-1" and not (badge eq "b-1")',
        'tags eq "blue"',
        'tags co "ed" and not (tags eq "green")',
        f"{MEDIA}:level gt 2 and {MEDIA}:level le 3",
        f"{MEDIA}:score eq 1.5",
        f"{MEDIA}:trained eq true",
        f'{MEDIA}:hired ge "2025-12-31T22:00:00Z" and {MEDIA}:hired lt "2026-01-01T00:00:00Z"',
        f'{MEDIA}:motto sw "ON"',
        f'{MEDIA}:cameras[value eq "leica" and lenses gt 2]',
        f'badge pr and not ({MEDIA}:cameras[value eq "canon" and lenses gt 2])',
        f'{MEDIA}:cameras.value eq "CANON"',
        f"{MEDIA}:desk.floor eq 2",
        f"{MEDIA}:desk pr and {MEDIA}:cameras pr and tags pr",
        f'schemas eq "{MEDIA}"',
    ],
)
def test_they_are_searched(scim, ada, wanted):
    scim.create("/Users", userName="bob", tags=["green"], **{MEDIA: {"level": 1}})
    scim.create("/Users", userName="eve")
    if "schemas" in wanted:
        assert scim.found("/Users", wanted) == ["ada", "bob"]
    else:
        assert scim.found("/Users", wanted) == ["ada"]


def test_they_are_sorted_by(scim, ada):
    scim.create("/Users", userName="bob", **{MEDIA: {"level": 10, "hired": "2020-01-01T00:00:00Z"}})
    scim.create("/Users", userName="eve")
    for attribute, order in (("level", ["ada", "bob", "eve"]), ("hired", ["bob", "ada", "eve"])):
        listed = scim.get("/Users", sortBy=f"{MEDIA}:{attribute}")["Resources"]
        assert [each["userName"] for each in listed] == order


def test_groups_have_them_too(scim):
    group = scim.create("/Groups", displayName="G", **{TEAM: {"colour": "Red"}})
    assert group["schemas"] == [GROUP, TEAM]
    assert scim.found("/Groups", f'{TEAM}:colour eq "red"') == ["G"]
    changed = scim.patch(
        f"/Groups/{group['id']}", {"op": "replace", "path": f"{TEAM}:colour", "value": "blue"}
    )
    assert changed[TEAM] == {"colour": "blue"}


def test_other_accounts_do_not_have_them(app, scim, ada):
    other = new_client(app, an_account())
    assert MEDIA not in [each["id"] for each in other.get("/Schemas")["Resources"]]
    user = other.create("/Users", userName="ada", **ADA)
    assert MEDIA not in user
    assert "badge" not in user


def test_a_change_counts_at_the_next_request(app, scim, declared):
    with write(declared) as work:
        schemas.declare(work, USER, "User", "User", [{"name": "shoe", "type": "integer"}])
    user = scim.create("/Users", userName="ada", shoe=42, badge="B")
    assert user["shoe"] == 42
    assert "badge" not in user
    error = scim.refused(
        "PATCH", f"/Users/{user['id']}", patch_body({"op": "add", "value": {"shoe": "x"}})
    )
    assert error["status"] == "400"


def test_nothing_keeps_what_is_made_of_a_schema_that_there_is_no_more(app, scim, ada, declared):
    path = f"/Users/{ada['id']}"
    scim.put(path, userName="ada", **ADA)
    scim.patch(path, {"op": "replace", "path": f"{MEDIA}:motto", "value": "Stay"})
    scim.get("/Users", filter=f'{MEDIA}:motto eq "Stay" and badge pr', sortBy=f"{MEDIA}:level")
    scim.get("/Schemas")
    bulk = {"method": "PUT", "path": path, "data": {"schemas": [USER], "userName": "ada"} | ADA}
    answer = scim.call("POST", "/Bulk", {"schemas": [BULK], "Operations": [bulk]})
    assert answer.get_json()["Operations"][0]["status"] == "200"
    found = service_for(SECRET_KEY, declared, row(Account, id=declared).scim_epoch)
    kept = ref(found.get_model(found.get_resource_type("User")))
    del found
    service._service.cache_clear()  # as when there have been many others
    for forget in typing._cleanups:  # which has the last 128 of a kind
        forget()
    for _ in range(3):  # what served it, then what that kept, then what this kept
        gc.collect()
    assert kept() is None


def test_a_type_that_changed_breaks_no_search(scim, ada, declared):
    changed = [each | {"type": "integer"} for each in MEDIA_ATTRIBUTES if each["name"] == "motto"]
    with write(declared) as work:
        schemas.declare(work, MEDIA, "User", "Media people", changed)
    assert scim.found("/Users", f"{MEDIA}:motto gt 2") == []
    assert scim.found("/Users", f"not ({MEDIA}:motto gt 2)") == ["ada"]
    assert scim.get("/Users", sortBy=f"{MEDIA}:motto")["totalResults"] == 1
    assert scim.call("GET", f"/Users/{ada['id']}").status_code == 200


def test_a_name_is_just_a_name(app, account):
    attributes = [{"name": "x", "type": "string"}]
    with write(account) as work:
        for number, name in enumerate(["EnterpriseUser", "emails", "Same", "Same", "__class__"]):
            schemas.declare(work, f"urn:example:n{number}:User", "User", name, attributes)
    client = new_client(app, account)
    values = {f"urn:example:n{number}:User": {"x": str(number)} for number in range(5)}
    user = client.create("/Users", userName="ada", emails=[{"value": "a@b.example"}], **values)
    assert {urn: user[urn] for urn in values} == values
    names = [each["name"] for each in client.get("/Schemas")["Resources"]]
    assert names.count("Same") == 2


@pytest.mark.parametrize("name", ["groups", "members", "roles", "e-mails"])
@pytest.mark.parametrize("resource", ["User", "Group"])
def test_names_of_our_own_are_refused(account, resource, name):
    urn = {"User": USER, "Group": GROUP}[resource]
    with pytest.raises(Invalid, match="choose another name"), write(account) as work:
        schemas.declare(work, urn, resource, resource, [{"name": name, "type": "string"}])


# -- At random ----------------------------------------------------------------

words = st.sampled_from(["a", "A", "b", "é", "É"])
numbers = st.sampled_from([0, 1, 2, -5, 10])
people = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "badge": words,
            "tags": st.lists(words, min_size=1, max_size=3),
            MEDIA: st.fixed_dictionaries(
                {},
                optional={
                    "level": numbers,
                    "score": st.sampled_from([0.5, 1.0, 2.25]),
                    "trained": st.booleans(),
                    "hired": st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+02:00"]),
                    "cameras": st.lists(
                        st.fixed_dictionaries({"value": words}, optional={"lenses": numbers}),
                        min_size=1,
                        max_size=2,
                    ),
                    "desk": st.fixed_dictionaries({"floor": numbers}),
                },
            ),
        },
    ),
    min_size=1,
    max_size=5,
)


def compared(names, operators, values):
    return st.builds(
        lambda name, op, value: f"{name} {op} {json.dumps(value)}",
        st.sampled_from(names),
        st.sampled_from(operators),
        st.one_of(st.none(), values),
    )


ORDER = ["eq", "ne", "gt", "ge", "lt", "le"]
TEXT = [*ORDER, "co", "sw", "ew"]
leaves = st.one_of(
    compared(["badge", "tags", f"{MEDIA}:cameras.value"], TEXT, words),
    compared([f"{MEDIA}:level", f"{MEDIA}:desk.floor", f"{MEDIA}:cameras.lenses"], ORDER, numbers),
    compared([f"{MEDIA}:score"], ORDER, st.sampled_from([0.5, 1, 3])),
    compared([f"{MEDIA}:trained"], ["eq", "ne"], st.booleans()),
    compared([f"{MEDIA}:hired"], ORDER, st.just("2026-01-01T00:00:00Z")),
    st.sampled_from(["badge", "tags", f"{MEDIA}:cameras", f"{MEDIA}:desk", f"{MEDIA}:hired"]).map(
        lambda name: f"{name} pr"
    ),
    st.builds(
        lambda a, op, b: f"{MEDIA}:cameras[{a} {op} {b}]",
        compared(["value"], TEXT, words),
        st.sampled_from(["and", "or"]),
        compared(["lenses"], ORDER, numbers),
    ),
)
wanted = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda a, op, b: f"({a} {op} {b})", inner, st.sampled_from(["and", "or"]), inner),
        inner.map(lambda each: f"not ({each})"),
    ),
    max_leaves=4,
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_filters_find_what_match_finds(declared, data):
    service = service_for("x" * 32, declared, accounts.scim_epoch(declared))
    actor = Actor(type="system", name="tests", surface="scim")
    storage = DirectoryStorage(service.provider, declared, actor, "https://example.com/scim/v2")
    user_type = service.get_resource_type("User")
    model = service.get_model(user_type)
    everyone = SearchRequest(start_index=1)
    for each in storage.search([user_type], everyone).resources:
        storage.delete(user_type, each.id)
    for number, values in enumerate(data.draw(people)):
        with service.provider:
            user = model.model_validate({"userName": f"user{number}"} | values)
            storage.create(user_type, user)
    stored = storage.search([user_type], everyone).resources
    for text in data.draw(st.lists(wanted, min_size=6, max_size=6)):
        request = SearchRequest[model](filter=text, start_index=1)
        found = {each.id for each in storage.search([user_type], request).resources}
        expected = {each.id for each in stored if ScimFilter[model](text).match(each)}
        assert found == expected, text
