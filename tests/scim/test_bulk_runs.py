"""Operations that are written together come to the same as one by one: rows, events, answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.directory import accounts, schemas
from app.store.models import (
    AuditEvent,
    Group,
    Membership,
    NestedGroup,
    OutgoingEvent,
    ProvisioningEntry,
    User,
    UserValue,
)
from scim import bulk, plain, runs
from scim.service import service_for
from tests.conftest import CLI_ACTOR, write
from tests.inspection import rows
from tests.scim.conftest import GROUP, USER, ScimClient, new_client, patch_body
from tests.scim.test_bulk import BULK

NOT_COMPARED = frozenset(
    {"id", "account_id", "at", "created_at", "updated_at", "actor_id", "connection_id"}
    | {"request_id", "duration_us"}
)
"""Columns that differ from one time to the next."""
SET_UP = ("account.", "connection.", "folder.", "token.")
"""Events of making the account."""
NOBODY = "0190a000-0000-7000-8000-000000000000"
NUMBERS = count()

NAMES = st.sampled_from(["ada", "ADA", "bob", "eve", "eve ", " ", "x" * 300, "a\0b"])
BODIES = st.one_of(
    st.builds(lambda name: {"schemas": [USER], "userName": name}, NAMES),
    st.builds(
        lambda name, key: {
            "schemas": [USER],
            "userName": name,
            "externalId": key,
            "title": "Dr",
            "name": {"givenName": name},
            "emails": [{"value": f"{name}@example.com", "type": "work", "primary": True}],
        },
        NAMES,
        st.sampled_from(["1", "2", "\x01"]),
    ),
    st.sampled_from(
        [
            {"schemas": [USER]},
            {"schemas": [USER], "userName": "ada", "active": "perhaps"},
            {"schemas": [USER], "userName": "rita", "roles": ["editor"]},
            {"schemas": [USER], "userName": "tim", "favouriteColour": "blue"},
            {"schemas": [GROUP], "displayName": "G"},
        ]
    ),
)
BULK_IDS = st.sampled_from(["a", "b", "c", "d", "e", "f"])
MEMBERS = st.sampled_from(
    ["$user0", "$user1", "$user2", "$group0", "$group1", NOBODY, "bulkId:a", "bulkId:b", "x"]
)


def change(op: str, group: str, members: list[str]) -> dict[str, Any]:
    value = [{"value": each} for each in members]
    body = patch_body({"op": op, "path": "members", "value": value})
    return {"method": "PATCH", "path": f"/Groups/{group}", "data": body}


OPERATIONS = st.one_of(
    st.builds(
        lambda bulk_id, data: {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data},
        BULK_IDS,
        BODIES,
    ),
    st.builds(
        lambda bulk_id, name, more: {
            "method": "POST",
            "path": "/Groups",
            "bulkId": bulk_id,
            "data": {"schemas": [GROUP], "displayName": name} | more,
        },
        BULK_IDS,
        st.sampled_from(["Designers", "Writers", "", "y" * 600]),
        st.sampled_from([{}, {}, {"externalId": "7"}, {"members": [{"value": "bulkId:a"}]}]),
    ),
    st.builds(
        change,
        st.sampled_from(["add", "add", "add", "Add", "remove", "replace"]),
        st.sampled_from(["$group0", "$group1", NOBODY, "bulkId:c"]),
        st.lists(MEMBERS, max_size=3),
    ),
    st.sampled_from(
        [
            {"method": "DELETE", "path": "/Users/$user0"},
            {"method": "DELETE", "path": "/Groups/$group1"},
            {"method": "POST", "path": "/Nothing", "bulkId": "z", "data": {}},
            {"method": "TRACE", "path": "/Users"},
            {},
        ]
    ),
)


@dataclass
class Side:
    """An account with three users and two groups, and who provisions it."""

    scim: ScimClient
    ids: dict[str, str]

    def load(self, operations: list[Any], more: dict[str, Any]) -> Any:
        """Send a bulk request; return the answer, with names in place of ids."""
        text = json.dumps({"schemas": [BULK], "Operations": operations} | more)
        for name, id_ in self.ids.items():
            text = text.replace(name, id_)
        answer = self.scim.call("POST", "/Bulk", json.loads(text))
        return self.named(answer.status_code, answer.get_json())

    def state(self) -> dict[str, list[str]]:
        """Return every row there is, with names in place of ids, in an order of its own."""
        tables = (User, UserValue, Group, Membership, NestedGroup, AuditEvent, OutgoingEvent)
        return {
            table.__tablename__: sorted(
                self.named(
                    {k: v for k, v in each._asdict().items() if k not in NOT_COMPARED},
                    getattr(each, "id", None) if table in (User, Group) else None,
                )
                for each in rows(table, account_id=self.scim.account_id)
                if not str(getattr(each, "action", getattr(each, "type", ""))).startswith(SET_UP)
            )
            for table in (*tables, ProvisioningEntry)
        }

    def named(self, *told: Any) -> str:
        text = json.dumps(told, sort_keys=True, default=str)
        for event in rows(AuditEvent, account_id=self.scim.account_id):
            if event.action in ("user.created", "group.created"):
                text = text.replace(event.target_id, f"<{event.target_name}>")
        return text


def a_side(app) -> Side:
    account_id = accounts.create(CLI_ACTOR, f"Acme {next(NUMBERS)}")
    scim = new_client(app, account_id)
    ids = {
        f"$user{number}": scim.create("/Users", userName=f"user{number}")["id"]
        for number in range(3)
    }
    for number in range(2):
        group = scim.create("/Groups", displayName=f"G{number}")
        ids[f"$group{number}"] = group["id"]
    scim.patch(
        f"/Groups/{ids['$group0']}",
        {"op": "add", "path": "members", "value": [{"value": ids["$user0"]}]},
    )
    return Side(scim, ids)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(OPERATIONS, min_size=1, max_size=14), st.sampled_from([{}, {"failOnErrors": 2}]))
def test_a_run_comes_to_the_same_as_one_by_one(app, operations, more):
    together, alone = a_side(app), a_side(app)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(runs, "AT_ONCE", 4)
        answer = together.load(operations, more)
        patched.setattr(plain, "read", lambda sent: None)
        assert answer == alone.load(operations, more)
    assert together.state() == alone.state()


def post(number: int, **more: Any) -> dict[str, Any]:
    data = {"schemas": [USER], "userName": f"person{number}"} | more
    return {"method": "POST", "path": "/Users", "bulkId": str(number), "data": data}


def test_many_are_written_in_few_transactions(app, account, monkeypatch):
    """And none of them the usual way, even where one is refused."""
    side, together = a_side(app), []
    usual = bulk.BulkHandler.run_bulk_step
    monkeypatch.setattr(bulk.BulkHandler, "run_bulk_step", lambda *_: pytest.fail("one by one"))
    written = runs.write
    monkeypatch.setattr(runs, "write", lambda *given: together.append(given) or written(*given))
    operations = [*map(post, range(runs.AT_ONCE)), post(0) | {"bulkId": "again"}]
    answer = json.loads(side.load(operations, {}))[1]
    assert [each["status"] for each in answer["Operations"]] == ["201"] * runs.AT_ONCE + ["409"]
    joins = [change("add", "$group1", ["$user0", "$user1"]), change("add", "$group0", ["$user2"])]
    answer = json.loads(side.load(joins, {}))[1]
    assert [each["status"] for each in answer["Operations"]] == ["200"] * 2
    assert len(together) == 3
    monkeypatch.setattr(bulk.BulkHandler, "run_bulk_step", usual)
    answer = json.loads(side.load(joins, {}))[1]  # Who is in it already is found the usual way.
    assert [each["status"] for each in answer["Operations"]] == ["200"] * 2


def test_where_there_are_no_errors_to_accept_it_ends_at_the_first(app):
    side = a_side(app)
    again = [post(number) | {"bulkId": f"b{number}"} for number in range(3)]
    for accepted in (0, 1):
        answer = json.loads(side.load([*map(post, range(2)), *again], {"failOnErrors": accepted}))
        statuses = [each["status"] for each in answer[1]["Operations"]]
        assert statuses == (["201", "201", "409"] if not accepted else ["409"])


def test_an_account_with_schemas_of_its_own_is_read_by_them(app, monkeypatch):
    side = a_side(app)
    with write(side.scim.account_id) as work:
        schemas.declare(work, USER, "User", "User", [{"name": "shoe", "type": "integer"}])
    monkeypatch.setattr(plain, "read", lambda sent: pytest.fail("told from its JSON alone"))
    answer = json.loads(side.load([post(1), post(2, shoe=38), post(3, shoe="x")], {}))[1]
    assert [each["status"] for each in answer["Operations"]] == ["201", "201", "400"]


def test_the_answer_is_what_scim2_models_writes(app, account):
    service = service_for("x" * 32)
    side = a_side(app)
    seen = []
    document = bulk.document

    def compared(outcomes):
        plan = runs.Plan([], None)
        plan.results = dict(enumerate(outcomes))
        with service.provider:
            seen.append(service.bulk_response(plan).body)
        return document(outcomes)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bulk, "document", compared)
        operations = [post(1), post(1), post(2, active="perhaps"), {"method": "TRACE"}]
        operations += [change("add", "$group0", ["$user1"]), {"method": "DELETE", "path": "/x/y"}]
        answer = side.scim.call("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    assert answer.get_json() == json.loads(json.dumps(seen[0], default=str))
