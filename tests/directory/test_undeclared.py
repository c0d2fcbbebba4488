"""Attributes no schema declares, kept for users and groups."""

from __future__ import annotations

from typing import Any

import pytest

from app.directory import undeclared
from app.directory.errors import Invalid, NotFound
from app.directory.work import Target
from app.store.models import Group, User
from tests.conftest import write
from tests.factories import a_group, a_user, an_account
from tests.inspection import audit, epoch, fingerprint, outgoing, row

TABLES = {"user": User, "group": Group}


@pytest.fixture(params=["user", "group"])
def target(request, account) -> Target:
    make = {"user": a_user, "group": a_group}[request.param]
    return Target(request.param, make(account, "ada"), "ada")


def keep(account_id: str, target: Target, values: dict[str, Any], *, replace: bool = False) -> bool:
    with write(account_id) as work:
        return undeclared.keep(work, target, values, replace=replace)


def kept(target: Target) -> Any:
    return row(TABLES[target.type], id=target.id).undeclared


def refused(error, *args, **options):
    before = fingerprint()
    with pytest.raises(error) as raised:
        keep(*args, **options)
    assert fingerprint() == before
    return raised.value


VALUE = {"hex": "#f00", "shades": [1, 2.5, True, None, {"deep": ["é", ""]}], "none": {}}


def test_what_is_kept_is_stored_and_audited(account, target):
    first, before = row(TABLES[target.type], id=target.id), epoch(account)
    assert kept(target) is None
    assert keep(account, target, {"colour": VALUE, "urn:x:y": False})
    stored = row(TABLES[target.type], id=target.id)
    assert stored.undeclared == {"colour": VALUE, "urn:x:y": False}
    assert stored.version == first.version + 1
    assert stored.updated_at > first.updated_at
    (event,) = audit(account, f"{target.type}.updated")
    assert (event.target_id, event.target_name) == (target.id, "ada")
    assert event.before == {"undeclared": {}}
    assert event.after == {"undeclared": stored.undeclared}
    assert outgoing(account)[-1] == f"{target.type}.updated"
    assert epoch(account) == before


def test_what_is_not_named_stays_unless_all_is_replaced(account, target):
    keep(account, target, {"colour": "red", "size": 3})
    assert keep(account, target, {"size": 4, "shape": "round"})
    assert kept(target) == {"colour": "red", "size": 4, "shape": "round"}
    assert keep(account, target, {"size": 5}, replace=True)
    assert kept(target) == {"size": 5}


def test_none_takes_one_out(account, target):
    keep(account, target, {"colour": "red", "size": 3})
    assert keep(account, target, {"colour": None, "never": None})
    assert kept(target) == {"size": 3}
    assert keep(account, target, {"size": None}, replace=True)
    assert kept(target) is None


def test_the_last_one_gone_leaves_nothing(account, target):
    keep(account, target, {"colour": "red"})
    assert keep(account, target, {}, replace=True)
    assert kept(target) is None


def test_names_are_the_same_in_any_case(account, target):
    keep(account, target, {"Colour": "red", "size": 3})
    assert keep(account, target, {"COLOUR": "blue"})
    assert kept(target) == {"COLOUR": "blue", "size": 3}
    assert keep(account, target, {"coLour": None})
    assert kept(target) == {"size": 3}


@pytest.mark.parametrize("replace", [False, True])
def test_of_one_name_in_two_cases_the_last_counts(account, target, replace):
    keep(account, target, {"colour": "red", "Colour": "blue"}, replace=replace)
    assert kept(target) == {"Colour": "blue"}
    keep(account, target, {"COLOUR": "green", "colour": None}, replace=replace)
    assert kept(target) is None


def test_the_same_values_write_nothing(account, target):
    keep(account, target, {"colour": VALUE})
    before = fingerprint()
    assert not keep(account, target, {"colour": VALUE})
    assert not keep(account, target, {"colour": VALUE}, replace=True)
    assert not keep(account, target, {})
    assert not keep(account, target, {"other": None})
    assert fingerprint() == before


@pytest.mark.parametrize(
    "values",
    [
        {"": 1},
        {" ": 1},
        {"x" * 257: 1},
        {"\0": 1},
        {"\ud800": 1},
        {"x": "\0"},
        {"x": [{"y": "\ud800"}]},
        {"x": {"\0": 1}},
        {"x": 2**70},
        {"x": "y" * 131_072},
        {f"x{number}": 1 for number in range(undeclared.NAMES_LIMIT + 1)},
    ],
    ids=lambda values: ascii(values)[:20],
)
def test_what_is_out_of_bounds_is_invalid(account, target, values):
    refused(Invalid, account, target, values)
    refused(Invalid, account, target, values, replace=True)


def test_the_limits_are_on_the_sum(account, target):
    many = {f"x{number}": 1 for number in range(undeclared.NAMES_LIMIT)}
    assert keep(account, target, many)
    assert "100" in str(refused(Invalid, account, target, {"one more": 1}))
    assert keep(account, target, {"X0": 2})
    assert keep(account, target, {"big": "y" * 100_000}, replace=True)
    refused(Invalid, account, target, {"too big": "y" * 100_000})


def test_what_the_account_has_not_is_not_found(account, target):
    other = an_account()
    theirs = {"user": a_user, "group": a_group}[target.type](other)
    for id_ in (theirs, "no such id", "\0", "\ud800", None):
        refused(NotFound, account, Target(target.type, id_), {"colour": "red"})
    swapped = {"user": "group", "group": "user"}[target.type]
    refused(NotFound, account, Target(swapped, target.id), {"colour": "red"})
