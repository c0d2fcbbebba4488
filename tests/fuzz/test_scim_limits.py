"""Each limit of docs/limits.md over SCIM: what it allows goes through, one more is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

from app.directory import profiles
from app.directory.memberships import MEMBERS_LIMIT
from app.store.models import User
from scim import bounds, filters, members
from scim.serving import PREFIX
from tests.conftest import make_app
from tests.fuzz.measures import small, within
from tests.inspection import rows
from tests.scim.conftest import USER, ScimClient, patch_body
from tests.scim.test_bulk import BULK

EMAIL = 'emails[value eq "{}@example.com"]'


def nested(depth: int) -> Any:
    """JSON that is nested so deep."""
    return json.loads('{"a":' * depth + "1" + "}" * depth)


def user(name: str = "ada", **more: Any) -> dict[str, Any]:
    return {"schemas": [USER], "userName": name} | more


def emails(count: int) -> list[dict[str, str]]:
    return [{"value": f"{number}@example.com"} for number in range(count)]


def or_of(count: int, term: str = 'title eq "x"') -> str:
    return " or ".join([term] * count)


def found_by(scim_filter: str) -> tuple[str, str, Any, dict[str, str]]:
    return "GET", "/Users", None, {"filter": scim_filter}


def posted(**more: Any) -> tuple[str, str, Any, None]:
    return "POST", "/Users", user(**more), None


def patched(*operations: Any) -> tuple[str, str, Any, None]:
    return "PATCH", "/Users/$ada", patch_body(*operations), None


def in_bulk(*operations: Any) -> tuple[str, str, Any, None]:
    return "POST", "/Bulk", {"schemas": [BULK], "Operations": list(operations)}, None


def bulk_patch(*operations: Any) -> dict[str, Any]:
    return {"method": "PATCH", "path": "/Users/$ada", "data": patch_body(*operations)}


def padded(length: int, begin: str, end: str) -> str:
    return begin + "x" * (length - len(begin + end)) + end


def paths(length: int) -> list[dict[str, str]]:
    """Operations whose paths are so long in sum."""
    longest = bounds.PATH_LENGTH
    begins = [f'emails[value eq "{number}' for number in range(-(-length // longest))]
    lengths = [longest] * (len(begins) - 1) + [length - longest * (len(begins) - 1)]
    return [
        {"op": "remove", "path": padded(each, begin, '"]')}
        for each, begin in zip(lengths, begins, strict=True)
    ]


TITLE = {"op": "replace", "path": "title", "value": "x"}
LIMITS = {
    "depth": (bounds.DEPTH, lambda n: posted(other=nested(n - 1)), "400"),
    "depth of a search": (
        bounds.DEPTH,
        lambda n: ("POST", "/Users/.search", {"other": nested(n - 1)}, None),
        "400",
    ),
    "values": (bounds.VALUES, lambda n: posted(**{f"k{i}": 1 for i in range(n - 3)}), "413"),
    "values of a bulk": (
        bounds.BULK * bounds.VALUES,
        lambda n: in_bulk({"method": "POST", "data": {f"k{i}": 1 for i in range(n - 6)}}),
        "413",
    ),
    "values of a user": (profiles.VALUES_LIMIT, lambda n: posted(emails=emails(n)), "400"),
    "name": (256, lambda n: posted(name="x" * n), "400"),
    "filter": (
        bounds.FILTER_LENGTH,
        lambda n: found_by(padded(n, 'title eq "', '"')),
        "400",
    ),
    "filter terms": (filters.MAX_NODES, lambda n: found_by(or_of(n)), "400"),
    "filter nesting": (
        32,
        lambda n: found_by("not (" * n + "title pr" + ")" * n),
        "400",
    ),
    "attributes": (
        bounds.PATHS,
        lambda n: ("GET", "/Users", None, {"attributes": ",".join(["title"] * n)}),
        "400",
    ),
    "operations": (bounds.OPERATIONS, lambda n: patched(*[TITLE] * n), "400"),
    "path": (
        bounds.PATH_LENGTH,
        lambda n: patched({"op": "remove", "path": padded(n, 'emails[value eq "', '"]')}),
        "400",
    ),
    "paths": (bounds.PATHS_OF_PATCH_LENGTH, lambda n: patched(*paths(n)), "400"),
    "paths of a bulk": (
        bounds.BULK_PATHS_LENGTH,
        lambda n: in_bulk(*(bulk_patch(each) for each in paths(n))),
        "400",
    ),
    "bulk operations": (1000, lambda n: in_bulk(*[{"method": "GET"}] * n), "413"),
}


@pytest.fixture
def ada(scim) -> str:
    return scim.create("/Users", userName="ada.there")["id"]


def ready(scim, ada, method, path, body, query):
    """Return what sends a request, which is written by then."""
    sent = None if body is None else json.dumps(body).replace("$ada", ada).encode()
    environ = EnvironBuilder(
        PREFIX + path.replace("$ada", ada),
        method=method,
        data=sent,
        query_string=query,
        headers={"Authorization": f"Bearer {scim.token}"},
        content_type="application/scim+json",
    ).get_environ()
    return lambda: scim.app.test_client().open(environ)


@pytest.mark.parametrize("name", LIMITS)
def test_at_the_limit_and_beyond(scim, ada, name):
    limit, request, refused = LIMITS[name]
    send = ready(scim, ada, *request(limit))
    with within(3 if "bulk" in name else 1):
        allowed = send()
    assert allowed.status_code in (200, 201), allowed.get_data(as_text=True)
    before, send = rows(User), ready(scim, ada, *request(limit + 1))
    with within():
        answer = send()
    assert (str(answer.status_code), answer.json["status"]) == (refused, refused), answer.json
    assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert rows(User) == before


def test_a_body_in_bytes(app, scim, database_url):
    small_app = ScimClient(make_app(database_url, max_body_bytes=1000), scim.token)
    size = len(json.dumps(user(title="")))
    for path in ("/Users", "/Bulk"):
        assert small_app.refused("POST", path, user(title="x" * (1001 - size)))["status"] == "413"
    answer = small_app.call("POST", "/Users", user(title="x" * (1000 - size)))
    assert answer.status_code == 201


def test_members(scim):
    """Of members there may be many more than of other values."""
    for count, says in ((MEMBERS_LIMIT, "is no user"), (MEMBERS_LIMIT + 1, "200000 members")):
        body = {"displayName": "G", "members": [{"value": str(each)} for each in range(count)]}
        with within(3):
            error = scim.refused("POST", "/Groups", body)
        assert error["status"] == "400" and (says in error["detail"] or count == MEMBERS_LIMIT)


def test_a_path_to_members(scim, ada):
    group = scim.create("/Groups", displayName="G", members=[{"value": ada}])["id"]
    known = f'value eq "{ada}" or '
    for length, status in ((bounds.MEMBER_PATH_LENGTH, 200), (bounds.MEMBER_PATH_LENGTH + 1, 400)):
        listed = f"members[{known}" + 'value eq "1" or ' * 4000 + 'value eq "2"'
        body = patch_body({"op": "remove", "path": listed.ljust(length - 1) + "]"})
        with within():
            answer = scim.call("PATCH", f"/Groups/{group}", body)
        assert answer.status_code == status, answer.json["detail"]
    assert "members" not in scim.get(f"/Groups/{group}")
    for length, status in ((bounds.PATH_LENGTH, 200), (bounds.PATH_LENGTH + 1, 400)):
        body = patch_body({"op": "remove", "path": padded(length, 'members[display eq "', '"]')})
        assert scim.call("PATCH", f"/Groups/{group}", body).status_code == status


def test_how_often_values_are_looked_at(scim):
    """Operations times values: 2n - 1 looks of n operations, at k values and the n they may add."""
    there, operations = 480, 10
    looks = (2 * operations - 1) * (there + operations)
    assert looks < bounds.COMPARISONS < (2 * operations + 1) * (there + operations + 1)
    ada = scim.create("/Users", userName="a", emails=emails(there))["id"]
    change = [
        {"op": "replace", "path": EMAIL.format(each) + ".type", "value": "home"}
        for each in range(operations + 1)
    ]
    with within(2):
        assert scim.call("PATCH", f"/Users/{ada}", patch_body(*change[:-1])).status_code == 200
    with within():
        error = scim.refused("PATCH", f"/Users/{ada}", patch_body(*change))
    assert error["scimType"] == "tooMany"


def test_a_bulk_looks_at_values_ten_times_as_often(scim, monkeypatch):
    monkeypatch.setattr(bounds, "COMPARISONS", 40)
    ada = scim.create("/Users", userName="a", emails=emails(9))["id"]
    operation = {"op": "replace", "path": EMAIL.format(0) + ".type", "value": "home"}
    sent = [{"method": "PATCH", "path": f"/Users/{ada}", "data": patch_body(operation)}] * 41
    answer = scim.call("POST", "/Bulk", {"schemas": [BULK], "Operations": sent}).json
    assert [each["status"] for each in answer["Operations"]] == ["200"] * 40 + ["400"]


def test_a_filter_on_members_looks_at_each(scim, ada, monkeypatch):
    group = scim.create("/Groups", displayName="G", members=[{"value": ada}])["id"]
    body = patch_body({"op": "remove", "path": 'members[display eq "x" or display eq "y"]'})
    monkeypatch.setattr("scim.handler.Handler.comparisons_left", 1)
    assert scim.refused("PATCH", f"/Groups/{group}", body)["scimType"] == "tooMany"
    monkeypatch.setattr("scim.handler.Handler.comparisons_left", 2)
    assert scim.call("PATCH", f"/Groups/{group}", body).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        'members[value eq "a"]',
        'MEMBERS[ VALUE  Eq "a"\tor\nvalue eq "b ] or" OR value eq ""]',
        'members[value eq"a"]',
        'members[value eq "a"or value eq "b"]',
        'members[(value eq "a") or value eq "b"]',
        'members[value eq "\\u0061"]',
    ],
)
def test_ids_listed_in_a_path_are_those_scim2_models_reads(path, monkeypatch):
    operation = {"op": "remove", "path": path}
    short = members.split([operation])
    monkeypatch.setattr(members, "_LISTED", members.re.compile("(?!)"))
    assert members.split([operation]) == short
    assert short[0][0].ids is not None


def test_what_nobody_needs_is_not_stored_and_never_breaks_a_list(app, account, scim):
    """Deeper than an answer can be written: it was kept, and from then on no list was answered."""
    from app.directory import accounts
    from tests.conftest import write

    with write(account) as work:
        accounts.set_keeps_unknown(work, True)
    scim.create("/Users", userName="ada", other=nested(bounds.DEPTH - 1))
    for depth in (bounds.DEPTH, 252, 253):
        scim.refused("POST", "/Users", user("bo", other=nested(depth)))
    assert scim.get("/Users", filter='userName co "a"')["totalResults"] == 1


HEAVY = {
    "keys": lambda: posted(**{f"k{each}": each for each in range(300_000)}),
    "keys of a name": lambda: posted(name={f"k{each}": each for each in range(300_000)}),
    "values": lambda: posted(emails=emails(200_000)),
    "schemas": lambda: ("POST", "/Users", user() | {"schemas": ["urn:x"] * 300_000}, None),
    "keys of a value": lambda: patched(
        {"op": "add", "value": dict.fromkeys(map(str, range(300_000)))}
    ),
    "paths": lambda: patched(*paths(bounds.PATHS_OF_PATCH_LENGTH)),
    "one by one": lambda: patched(
        *({"op": "add", "path": "emails", "value": [each]} for each in emails(500))
    ),
    "filters that find nothing": lambda: patched(
        *(
            {"op": "replace", "path": EMAIL.format(each) + ".type", "value": "home"}
            for each in range(500)
        )
    ),
    "terms": lambda: found_by(or_of(900, "id pr")),
    "parentheses": lambda: found_by("(" * 4000 + "id pr" + ")" * 4000),
    "a number": lambda: ("GET", "/Users", None, {"startIndex": "9" * 5000}),
    "parameters": lambda: ("GET", "/Users", None, {f"k{each}": "1" for each in range(40_000)}),
}


@pytest.mark.parametrize("name", HEAVY)
def test_what_is_small_to_send_is_never_long_to_answer(scim, ada, name):
    send = ready(scim, ada, *HEAVY[name]())
    with within():
        assert send().status_code in (200, 400, 413)


def test_nor_does_it_take_much_memory(scim, ada):
    send = ready(scim, ada, *HEAVY["keys of a name"]())
    with small(150):  # the body itself, once as bytes and once as JSON
        assert send().status_code == 413


LONG = {
    "X-Forwarded-For": "192.0.2.1," * 40_000,
    "Authorization": "Bearer " + "x" * 400_000,
    "If-Match": 'W/"1",' * 50_000,
    "If-None-Match": '"' * 100_000,
    "Prefer": 'dry-run;a="' * 30_000,
    "Content-Type": 'application/json;a="' * 20_000,
    "Cookie": 'a="\\' * 50_000,
    "Accept-Language": "de;q=0.1," * 40_000,
    "User-Agent": "x" * 400_000,
}


@pytest.mark.parametrize("name", LONG)
def test_long_headers(scim, ada, name):
    """Granian takes no more than 400 KB of them (tests/fuzz/test_server.py)."""
    for method, path in (("GET", f"/Users/{ada}"), ("PATCH", f"/Users/{ada}"), ("GET", "/Me")):
        body = patch_body(TITLE) if method == "PATCH" else None
        with within():
            answer = scim.call(method, path, body, **{name: LONG[name]})
        assert answer.status_code < 500
