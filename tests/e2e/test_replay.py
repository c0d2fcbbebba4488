"""The replay itself: a difference must not slip through it."""

import json

import pytest
import responses

from tests.e2e.replay import Anything, Conversation, differences, filled, load, merged, replay

BASE = "https://gatehouse.example/scim/v2"
LOOK = {"method": "GET", "path": "/Users/1"}


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": {"b": None}}, {"a": {}}),
        ({"a": Anything()}, {"a": False}),
        ([{"a": 1}, 2], [{"a": 1, "b": 2}, 2]),
        ({"{{some}}": [{"a": 2}]}, [{"a": 1}, {"a": 2}]),
        (None, None),
    ],
)
def test_what_is_as_expected(expected, found):
    assert differences(expected, found, "answer") == []


@pytest.mark.parametrize(
    ("expected", "found", "line"),
    [
        ({"a": 1}, {"a": 2}, "answer.a: expected 1, found 2"),
        ({"a": True}, {"a": 1}, "answer.a: expected true, found 1"),
        ({"a": None}, {"a": ""}, 'answer.a: expected null, found ""'),
        ({"a": Anything()}, {}, "answer.a: there is none"),
        ({"a": {"b": 1}}, {"a": None}, 'answer.a: expected {"b": 1}, found null'),
        ([1, 2], [2, 1], "answer[0]: expected 1, found 2"),
        ([1], [1, 2], "answer: expected [1], found [1, 2]"),
        ([], None, "answer: expected [], found null"),
        ({"{{some}}": [3]}, [1, 2], "answer: 3 is not among [1, 2]"),
        ({"{{some}}": [3]}, None, "answer: 3 is not among null"),
    ],
)
def test_what_differs(expected, found, line):
    assert differences(expected, found, "answer")[0] == line


def test_variables():
    known = {"ada": {"id": "7", "meta": {"version": 2}}, "list": {"Resources": [{"id": "8"}]}}
    value = {"path": "/Users/{{ada.id}}?x={{list.Resources.0.id}}", "meta": ["{{ada.meta}}"]}
    assert filled(value, known) == {"path": "/Users/7?x=8", "meta": [{"version": 2}]}


def test_what_holds_after_a_change():
    before = {"users": {"ada": {"active": True, "title": "Analyst"}}, "groups": {"A": ["ada"]}}
    change = {"users": {"ada": {"active": False}}, "groups": {"A": []}}
    assert merged(before, change) == {
        "users": {"ada": {"active": False, "title": "Analyst"}},
        "groups": {"A": []},
    }


class FakeDirectory:
    """A directory that is always in the same state."""

    def __init__(self, users=(), groups=None, signed_in=()):
        self.users = {name: {"active": True} for name in users}
        self.groups = groups or {}
        self.signed_in = list(signed_in)

    def state(self):
        return {"users": self.users, "groups": self.groups, "signed_in": self.signed_in}

    def sign_in(self, user_name):
        raise AssertionError(f"nobody asked {user_name} to sign in")


def run(directory, *, status=200, body=None, content_type="application/scim+json", **step):
    """Replay one step against an answer."""
    conversation = Conversation("x.json", "X", {"Accept": "y"}, [{"name": "Look", **step}])
    with responses.RequestsMock(assert_all_requests_are_fired=False) as http:
        http.get(f"{BASE}/Users/1", status=status, json=body, content_type=content_type)
        replay(conversation, BASE, "secret", directory)
        return [call.request for call in http.calls]


def test_a_step_that_goes_well():
    expect = {"status": 200, "body": {"id": "1"}}
    store = {"users": {"ada": {"active": True}}, "groups": {"A": ["b", "a"]}, "signed_in": ["ada"]}
    directory = FakeDirectory(["ada"], {"A": ["a", "b"]}, ["ada"])
    (sent,) = run(directory, body={"id": "1"}, request=LOOK, expect=expect, store=store)
    assert sent.headers["Authorization"] == "Bearer secret"
    assert sent.headers["Accept"] == "y"


@pytest.mark.parametrize(
    ("directory", "store", "line"),
    [
        (FakeDirectory(["ada"]), {}, 'store: the users: expected [], found ["ada"]'),
        (FakeDirectory(), {"users": {"ada": {}}}, "store.users.ada: expected {}, found null"),
        (
            FakeDirectory(["ada"]),
            {"users": {"ada": {"active": False}}},
            "store.users.ada.active: expected false, found true",
        ),
        (FakeDirectory(groups={"A": []}), {}, 'store: the groups: expected [], found ["A"]'),
        (
            FakeDirectory(groups={"A": ["a", "b"]}),
            {"groups": {"A": ["a"]}},
            'store.groups.A: expected ["a"], found ["a", "b"]',
        ),
        (
            FakeDirectory(signed_in=["ada"]),
            {},
            'store: those signed in: expected [], found ["ada"]',
        ),
    ],
)
def test_a_store_that_differs(directory, store, line):
    with pytest.raises(AssertionError) as failure:
        run(directory, store=store)
    assert "x.json, step 1: Look" in str(failure.value)
    assert line in str(failure.value)


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ({"status": 404, "body": {}}, "answer.status: expected 200, found 404"),
        ({"body": {}, "content_type": "text/html"}, "the Content-Type is 'text/html'"),
        (
            {"status": 201, "body": {"meta": {"location": "/Users/1"}}},
            "the Location is not that of the body",
        ),
    ],
)
def test_an_answer_that_differs(answer, line):
    with pytest.raises(AssertionError, match=line):
        run(FakeDirectory(), request=LOOK, expect={"status": 200}, **answer)


def test_a_conversation_with_parts_nobody_would_look_at(tmp_path):
    path = tmp_path / "x.json"
    step = {"name": "Look", "expects": {"status": 200}}
    path.write_text(json.dumps({"client": "X", "headers": {}, "steps": [step]}))
    with pytest.raises(ValueError, match="expects"):
        load(path)
