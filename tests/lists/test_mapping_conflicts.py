"""Which mappings say the same twice, or more than is needed."""

from __future__ import annotations

import pytest

from app.lists.mapping_conflicts import conflicts_of
from tests.factories import a_connection, a_folder, a_mapping
from tests.inspection import statements


def kinds(account: str, *mappings: str) -> dict[str, list[str]]:
    found = conflicts_of(account, mappings)
    return {key: [each.kind for each in found.get(key, ())] for key in mappings}


@pytest.fixture
def brand(account) -> str:
    return a_folder(account, "Brand")


def test_alone_there_is_none(account, brand):
    mapping = a_mapping(account, "Designers", "editor", brand)
    a_mapping(account, "Editors", "editor", brand)
    assert conflicts_of(account, [mapping]) == {}


def test_the_very_same_is_told_of_both(account, brand):
    first = a_mapping(account, "Designers", "editor", brand)
    okta = a_connection(account)
    second = a_mapping(account, "designers", "editor", brand, connection_id=okta)
    assert kinds(account, first, second) == {first: ["same"], second: ["same"]}


def test_the_weaker_is_covered_by_the_stronger(account, brand):
    weaker = a_mapping(account, "Designers", "viewer", brand)
    stronger = a_mapping(account, "Designers", "manager", brand)
    assert kinds(account, weaker, stronger) == {weaker: ["covers"], stronger: ["beside"]}


def test_what_is_given_above_covers_what_is_given_below_unless_it_is_restricted(account, brand):
    above = a_mapping(account, "Designers", "editor", brand)
    below = a_mapping(account, "Designers", "viewer", a_folder(account, "2026", parent=brand))
    cut_off = a_folder(account, "Secret", parent=brand, restricted=True)
    apart = a_mapping(account, "Designers", "viewer", cut_off)
    assert kinds(account, above, below, apart) == {above: [], below: ["covers"], apart: []}


def test_a_role_on_the_account_reaches_every_folder(account, brand):
    mapping = a_mapping(account, "Designers", "manager", brand)
    a_mapping(account, "Designers", "media_library_admin")
    assert kinds(account, mapping) == {mapping: ["covers"]}


def test_other_connections_do_not_meet(account, brand):
    first, second = (
        a_mapping(account, "Designers", "editor", brand, connection_id=a_connection(account))
        for _ in range(2)
    )
    assert kinds(account, first, second) == {first: [], second: []}
    anywhere = a_mapping(account, "Designers", "editor", brand)
    assert kinds(account, first, anywhere) == {first: ["same"], anywhere: ["same", "same"]}


def test_however_many_are_asked_it_takes_three_statements(account, brand):
    mappings = [a_mapping(account, f"Group {number}", "editor", brand) for number in range(20)]
    with statements() as seen:
        conflicts_of(account, mappings)
    assert len(seen) <= 3
