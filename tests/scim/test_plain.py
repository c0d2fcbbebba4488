"""What is told from JSON alone is what scim2-models reads, put right or not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scim2_models import Context

from app.directory.groups import GroupProfile
from scim import dialects, members, plain, unknown
from scim.casting import group_profile, user_write
from scim.service import service_for
from tests.scim.conftest import ENTERPRISE, GROUP, USER, patch_body
from tests.scim.test_rendering import FULL_USER

SERVICE = service_for("x" * 32)
ID = "0190a000-0000-7000-8000-00000000000"

TEXTS = st.one_of(
    st.sampled_from(
        ["ada", " ada ", "", "Ada", "{", '{"value": "x"}', "bulkId:x", "a\nb", "\ud800"]
    ),
    st.text(max_size=12),
)
ODD = st.one_of(st.none(), st.booleans(), st.integers(), TEXTS, st.just([]), st.just({}))
ATTRIBUTES = [each for each in FULL_USER if each not in ("emails", "name", ENTERPRISE)]
TYPES = st.sampled_from(["work", "Work", "home", "other", "mobile", "fax", "pager", "skype", ""])


def mostly(usual):
    """Values that are as usual, and now and then not."""
    return st.one_of(usual, usual, usual, usual, ODD)


def some(names, values):
    return st.dictionaries(st.sampled_from(sorted(names)), values, max_size=4)


VALUES = st.lists(
    st.fixed_dictionaries(
        {"value": mostly(TEXTS)},
        optional={
            "type": mostly(TYPES),
            "primary": mostly(st.booleans()),
            "display": TEXTS,
            "$ref": TEXTS,
        },
    ),
    max_size=3,
)
USERS = st.fixed_dictionaries(
    {
        "schemas": mostly(
            st.lists(st.sampled_from([USER, ENTERPRISE, USER.lower(), GROUP]), max_size=3)
        ),
        "userName": mostly(TEXTS),
    },
    optional={
        "externalId": mostly(TEXTS),
        "displayName": mostly(TEXTS),
        "title": mostly(TEXTS),
        "locale": mostly(TEXTS),
        "timezone": mostly(TEXTS),
        "preferredLanguage": mostly(TEXTS),
        "active": mostly(st.booleans()),
        "emails": mostly(VALUES),
        "phoneNumbers": mostly(VALUES),
        "name": mostly(some([*FULL_USER["name"], "nickName", "GivenName"], mostly(TEXTS))),
        ENTERPRISE: mostly(some(FULL_USER[ENTERPRISE], mostly(TEXTS))),
        "roles": VALUES,
        "username": TEXTS,
        "favouriteColour": TEXTS,
        "id": TEXTS,
    },
)


def through_models(data, endpoint):
    """Return a resource as the usual way reads it, all of which must be known."""
    put_right = dialects.normalise_resource(data, SERVICE.urns)
    assert put_right == data
    with SERVICE.provider:
        resource_type = SERVICE.resource_type_at(endpoint)
        model = SERVICE.get_model(resource_type)
        assert unknown.take(model, put_right) == (put_right, unknown.Unknown())
        return SERVICE.resource_of(resource_type, put_right, Context.RESOURCE_CREATION_REQUEST)


def check_user(data):
    profile = plain.user(data)
    if profile is not None:
        write = user_write(through_models(data, "Users"))
        assert (write.password, write.account_role) == (None, None)
        write.profile.active = write.profile.active is None or write.profile.active
        assert write.profile == profile
    return profile


@settings(max_examples=400, deadline=None)
@given(USERS)
def test_a_plain_user_is_who_scim2_models_reads(data):
    check_user(data)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_is_read_in_the_same_way_or_not_at_all(name):
    check_user({"schemas": [USER], "userName": "ada", name: FULL_USER[name]})


def test_what_most_clients_send_is_plain():
    known = ("profileUrl", "ims", "photos", "addresses", "entitlements", "roles")
    data = {name: each for name, each in FULL_USER.items() if name not in known}
    data.pop("x509Certificates")
    data["emails"] = [{"value": "ada@work.example", "type": "work", "primary": True}]
    data[ENTERPRISE] = {"department": "5"}
    assert check_user({"schemas": [USER, ENTERPRISE]} | data) is not None


@settings(max_examples=100, deadline=None)
@given(
    st.fixed_dictionaries(
        {"schemas": mostly(st.just([GROUP])), "displayName": mostly(TEXTS)},
        optional={"externalId": mostly(TEXTS), "members": st.just([]), "displayname": TEXTS},
    )
)
def test_a_plain_group_is_what_scim2_models_reads(data):
    profile = plain.group(data)
    if profile is not None:
        assert profile == group_profile(through_models(data, "Groups"))
        assert isinstance(profile, GroupProfile)


MEMBERS = st.fixed_dictionaries(
    {"value": mostly(st.sampled_from([ID + "1", ID + "2", ID, "x"]))}, optional={"type": TEXTS}
)
CHANGES = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "Add", "remove", "replace"]),
        "path": st.sampled_from(["members", "Members", "displayName", f"{GROUP}:members"]),
        "value": mostly(st.lists(MEMBERS, max_size=3)),
    },
    optional={"more": TEXTS},
)


@settings(max_examples=200, deadline=None)
@given(st.lists(CHANGES, max_size=2))
def test_plain_members_are_those_the_usual_way_adds(operations):
    data = patch_body(*operations)
    ids = plain.members(data)
    if ids is not None:
        assert dialects.normalise_operations(operations, SERVICE.urns) == operations
        with SERVICE.provider:
            SERVICE.patch_of(SERVICE.resource_type_at("Groups"), operations)
        (change,), rest = members.split(operations)
        assert (change.op, set(change.ids), change.selection, rest) == ("add", ids, None, [])


def test_members_added_by_their_ids_are_plain():
    added = {"op": "add", "path": "members", "value": [{"value": ID + "1"}, {"value": ID + "1"}]}
    assert plain.members(patch_body(added)) == {ID + "1"}
    operation = {"method": "PATCH", "path": f"/Groups/{ID}3", "data": patch_body(added)}
    assert plain.read(operation).resource_id == ID + "3"
    assert plain.read(operation | {"version": 'W/"1"'}) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "post"},
        {"method": "PUT"},
        {"path": "/Users/"},
        {"path": "Users"},
        {"bulkId": None},
        {"bulkId": 1},
        {"data": []},
        {"data": {"schemas": [USER], "userName": "bulkId:ada"}},
    ],
)
def test_an_operation_that_is_sent_in_another_way_is_not_plain(changed):
    data = {"schemas": [USER], "userName": "ada"}
    operation = {"method": "POST", "path": "/Users", "bulkId": "1", "data": data}
    assert plain.read(operation) is not None
    assert plain.read(operation | changed) is None
