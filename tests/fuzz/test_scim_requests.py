"""Recorded requests, altered at random: no failure, no long wait, and each no is a SCIM Error."""

from __future__ import annotations

import json
import re
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scim2_models import ScimFilter, User
from scim2_models.exceptions import SCIMException

from app.directory import accounts
from scim import quick
from scim.resources.groups import GroupKind
from scim.resources.users import UserKind
from scim.serving import PREFIX
from tests.conftest import CLI_ACTOR, write
from tests.e2e.test_conversations import CONVERSATIONS
from tests.fuzz.measures import within
from tests.scim.conftest import ENTERPRISE, GROUP, USER, ScimClient, new_client

ERROR = ["urn:ietf:params:scim:api:messages:2.0:Error"]
SCIM_TYPES = {
    *("invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath"),
    *("noTarget", "invalidValue", "invalidVers", "sensitive"),
    *("invalidCursor", "expiredCursor", "invalidCount"),
}
NUMBERS = count()
EXAMPLES = {"sqlite": 400, "postgresql": 80}


def recorded() -> list[tuple[str, str, Any]]:
    """Each different request of the conversations: method, path, body."""
    found = {}
    for file in CONVERSATIONS:
        for step in json.loads(file.read_text(encoding="utf-8"))["steps"]:
            request = step.get("request")
            if request is None:
                continue
            text = json.dumps([request["method"], request["path"], request.get("body")])
            method, path, body = json.loads(re.sub(r"\{\{[\w.]*\}\}", "$id", text))
            found[method, path.partition("?")[0], json.dumps(body)] = (method, path, body)
    return list(found.values())


RECORDED = recorded()
ODD_TEXTS = [
    *("", " ", "ada", "$id", "\0", "\ud800", "é" * 300, "x" * 2000, "true", "{", '{"value":1}'),
    *("bulkId:a", "2026-01-01T00:00:00Z", "members", "emails[", 'emails[type eq "work"].value'),
    *(USER, GROUP, ENTERPRISE, f"{ENTERPRISE}:manager", "urn:x:y", "schemas", "$ref"),
]
TEXTS = st.one_of(st.sampled_from(ODD_TEXTS), st.text(max_size=8))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value within one."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    return [path, *(each for key, item in inner for each in places(item, (*path, key)))]


def altered(data: st.DataObject, body: Any) -> Any:
    """Put another value in some place, or take out, repeat or rename what is there."""
    body = json.loads(json.dumps(body))
    place = data.draw(st.sampled_from(places(body)))
    if not place:
        return data.draw(VALUES)
    *way, key = place
    parent = body
    for each in way:
        parent = parent[each]
    what = data.draw(st.sampled_from(["value", "value", "remove", "rename", "repeat", "copy"]))
    if what == "value":
        parent[key] = data.draw(VALUES)
    elif what == "remove":
        del parent[key]
    elif what == "copy":
        other: Any = body
        for each in data.draw(st.sampled_from(places(body))):
            other = other[each]
        parent[key] = json.loads(json.dumps(other))
    elif isinstance(parent, list):
        parent += [parent[key]] * data.draw(st.integers(1, 3))
    elif what == "rename":
        parent[data.draw(st.one_of(TEXTS, st.just(key.upper())))] = parent.pop(key)
    return body


KNOWN_NAMES = [
    *("userName", "USERNAME", "id", "externalId", "displayName", "emails", "emails.value", "name"),
    *("name.givenName", "members", "members.value", "groups.value", "active", "meta.created"),
    *("schemas", "password", f"{ENTERPRISE}:manager", f"{ENTERPRISE}:department", "manager", "x"),
    *("roles.primary", "emails.x", "urn:x:y", "seenFolders", "addresses", "x509Certificates.value"),
]
NAMES = st.sampled_from(KNOWN_NAMES)
LITERALS = st.one_of(
    st.sampled_from(["true", "null", "1", "-1e9", "1e400", '"$id"', '"2026-01-01T00:00:00Z"']),
    st.text(max_size=6).map(json.dumps),
)
TERMS = st.one_of(
    st.builds(
        "{} {} {}".format,
        NAMES,
        st.sampled_from(["eq", "EQ", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "xx"]),
        LITERALS,
    ),
    st.builds("{} pr".format, NAMES),
)
FILTERS = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.builds("{} and {}".format, inner, inner),
        st.builds("{} or {}".format, inner, inner),
        st.builds("not ({})".format, inner),
        st.builds("({})".format, inner),
        st.builds("{}[{}]".format, NAMES, inner),
        st.builds("{}[{}].{}".format, NAMES, inner, NAMES),
    ),
    max_leaves=6,
)


def broken(data: st.DataObject, text: str) -> str:
    """Cut something out of a text, and put something else in its place."""
    begin = data.draw(st.integers(0, len(text)))
    piece = data.draw(st.one_of(st.just(""), st.sampled_from('"()[]. \\\x1c\xa0'), TEXTS))
    return text[:begin] + piece + text[begin + data.draw(st.integers(0, 3)) :]


def check(answer: Any) -> None:
    """Hold an answer to what RFC 7644 §3.12 says of errors."""
    assert answer.status_code < 500 or answer.status_code == 501, answer.get_data(as_text=True)
    if answer.status_code < 400:
        return
    error = answer.get_json()
    assert answer.content_type == "application/scim+json"
    assert error["schemas"] == ERROR
    assert error["status"] == str(answer.status_code)
    assert error.get("scimType") in {None, *SCIM_TYPES}
    assert error.keys() <= {"schemas", "status", "scimType", "detail"}


class Side:
    """An account with Ada and her group in it; what is sent to it may name her as ``$id``."""

    def __init__(self, app, *, keeps_unknown: bool = False) -> None:
        account_id = accounts.create(CLI_ACTOR, f"Acme {next(NUMBERS)}")
        with write(account_id) as work:
            accounts.set_keeps_unknown(work, keeps_unknown)
        self.scim: ScimClient = new_client(app, account_id)
        emails = [{"value": "ada@example.com", "type": "work"}]
        self.ada = self.scim.create("/Users", userName="ada", emails=emails)["id"]
        members = [{"value": self.ada}]
        self.group = self.scim.create("/Groups", displayName="Team", members=members)["id"]

    def send(self, method: str, path: str, body: Any = None, query: Any = None) -> Any:
        path = path.replace("$id", self.group if path.startswith("/Groups") else self.ada)
        text = None if body is None else json.dumps(body).replace("$id", self.ada)
        address, _, rest = path.partition("?")
        with within(1):
            return self.scim.app.test_client().open(
                PREFIX + address,
                method=method,
                data=text,
                query_string=rest if query is None else query,
                headers={"Authorization": f"Bearer {self.scim.token}"},
                content_type="application/scim+json",
            )

    def told(self, answer: Any) -> Any:
        """Return an answer without what differs from one account or moment to the next."""
        text = answer.get_data(as_text=True)
        for pattern in (r"[0-9a-f]{8}-[0-9a-f-]{27}", r"\d{4}-\d\d-\d\dT[\d:.]+Z"):
            text = re.sub(pattern, "…", text)
        return answer.status_code, answer.headers.get("ETag"), json.loads(text or "null")


def examples(database_url: str, share: int = 1) -> Any:
    number = EXAMPLES[re.match(r"[a-z]+", database_url)[0]] // share
    return settings(
        max_examples=number,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )


BODIES = [each for each in RECORDED if each[2] is not None]


@pytest.mark.parametrize("keeps_unknown", [False, True])
def test_bodies(app, database_url, keeps_unknown):
    """One account for all: what was stored by one request must not break those after it."""
    side = Side(app, keeps_unknown=keeps_unknown)

    @examples(database_url)
    @given(st.sampled_from(BODIES), st.integers(1, 3), st.data())
    def run(request, times, data):
        method, path, body = request
        for _ in range(times):
            body = altered(data, body)
        check(side.send(method, path, body))
        for kind in ("Users", "Groups"):
            assert side.send("GET", f"/{kind}").status_code == 200

    run()


def test_bodies_in_bulk(app, database_url):
    side = Side(app)

    @examples(database_url, share=4)
    @given(st.lists(st.sampled_from(BODIES), min_size=1, max_size=5), st.integers(0, 3), st.data())
    def run(requests, times, data):
        operations = [
            {"method": method, "path": path.partition("?")[0], "bulkId": f"b{n}", "data": body}
            for n, (method, path, body) in enumerate(requests)
        ]
        bulk = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
        body = {"schemas": [bulk], "Operations": operations}
        for _ in range(times):
            body = altered(data, body)
        answer = side.send("POST", "/Bulk", body)
        check(answer)
        for each in answer.json.get("Operations", []) if answer.status_code == 200 else []:
            assert int(each["status"]) < 500, each
        assert side.send("GET", "/Users").status_code == 200

    run()


def test_filters(app, database_url, monkeypatch):
    """And the short way answers as the usual one, whatever is asked."""
    side, usual = Side(app), quick.answer

    @examples(database_url)
    @given(FILTERS, st.booleans(), st.sampled_from(["Users", "Groups", ""]), st.data())
    def run(text, breaks, kind, data):
        text = broken(data, text) if breaks else text
        query = {"filter": text.replace("$id", side.ada).encode("utf-8", "replace").decode()}
        monkeypatch.setattr(quick, "answer", usual)
        short = side.send("GET", f"/{kind}", query=query)
        check(short)
        monkeypatch.setattr(quick, "answer", lambda *_: None)
        assert side.told(side.send("GET", f"/{kind}", query=query)) == side.told(short)

    run()


def test_paths(app, database_url):
    side = Side(app)
    ops = st.sampled_from(["add", "replace", "remove"])

    @examples(database_url)
    @given(ops, FILTERS, VALUES, st.booleans(), st.sampled_from(["Users", "Groups"]), st.data())
    def run(op, path, value, breaks, kind, data):
        path = broken(data, path) if breaks else path
        operation = {"op": op, "path": path, "value": value}
        check(side.send("PATCH", f"/{kind}/$id", {"Operations": [operation]}))
        assert side.send("GET", f"/{kind}/$id").status_code == 200

    run()


def test_what_the_short_ways_add_is_what_the_usual_ways_add(app, database_url):
    """The same requests to two accounts, of which one knows no short way."""
    short, usual = Side(app), Side(app)
    posts = [each for each in BODIES if each[0] in ("POST", "PATCH")]

    @examples(database_url, share=2)
    @given(st.sampled_from(posts), st.integers(0, 2), st.data())
    def run(request, times, data):
        method, path, body = request
        for _ in range(times):
            body = altered(data, body)
        answer = short.told(short.send(method, path, body))
        with pytest.MonkeyPatch.context() as patched:
            for kind in (UserKind, GroupKind):
                patched.setattr(kind, "plain", lambda *_: None)
                patched.setattr(kind, "apply", lambda *_: False)
            patched.setattr(quick, "answer", lambda *_: None)
            assert usual.told(usual.send(method, path, body)) == answer
            listed = usual.told(usual.send("GET", "/Users"))
        assert short.told(short.send("GET", "/Users")) == listed

    run()


def test_the_grammar_makes_filters_that_can_be_read():
    """Else the tests above would hold the parser alone."""
    read = 0

    @settings(max_examples=200, derandomize=True, database=None)
    @given(FILTERS)
    def run(text):
        nonlocal read
        try:
            ScimFilter[User](text)
            read += 1
        except SCIMException:
            pass

    run()
    assert read > 40
