"""What mappings say, as people and providers read it."""

from __future__ import annotations

import pytest

from app.directory import mappings
from app.directory.errors import Invalid
from app.lists import mappings as lists
from app.store.models import Mapping
from tests.factories import a_connection, a_custom_role, a_folder, a_mapping, an_account
from tests.inspection import fingerprint, row, statements


def test_each_value_is_offered_once_with_all_it_gives(account):
    brand, press = a_folder(account, "Brand"), a_folder(account, "Press")
    okta = a_connection(account, name="Okta")
    first = a_mapping(account, "Editor", "editor", brand, match_by="role")
    a_mapping(account, "Boss", "admin", match_by="role")
    last = a_mapping(account, "EDITOR", "viewer", press, match_by="role")
    a_mapping(account, "editor", "editor", brand, match_by="entitlement", connection_id=okta)
    a_mapping(account, "Editors", "editor", brand)
    a_mapping(an_account(), "Theirs", "admin", match_by="role")
    boss, editor = mappings.offers(account, "role")
    assert (boss.value, boss.description) == ("Boss", "admin on the account")
    assert (editor.value, editor.description) == ("Editor", "editor on /Brand; viewer on /Press")
    assert editor.created_at == row(Mapping, id=first).created_at
    assert editor.updated_at == row(Mapping, id=last).created_at
    assert [offer.value for offer in mappings.offers(account, "entitlement")] == ["editor"]
    assert mappings.offers(an_account(), "role") == []


def test_the_same_thing_is_said_once_and_not_without_end(account):
    brand = a_folder(account, "Brand")
    a_mapping(account, "all", "viewer", brand, match_by="role")
    a_mapping(account, "all", "viewer", brand, match_by="role", connection_id=a_connection(account))
    (offer,) = mappings.offers(account, "role")
    assert offer.description == "viewer on /Brand"
    for number in range(mappings.DESCRIBED + 1):
        a_mapping(account, "all", "viewer", a_folder(account, f"F{number}"), match_by="role")
    (offer,) = mappings.offers(account, "role")
    assert offer.description.startswith("viewer on /Brand; viewer on /F0; ")
    assert offer.description.endswith("viewer on /F18; and 2 more")


def test_a_custom_role_goes_by_its_name(account):
    role = a_custom_role(account, "folder", ["folder.view"], name="Proofreader")
    folder = a_folder(account, "Deep", parent=a_folder(account, "Brand"))
    a_mapping(account, "proof", role, folder, match_by="role")
    (offer,) = mappings.offers(account, "role")
    assert offer.description == "Proofreader on /Brand/Deep"


def test_offers_take_the_same_statements_however_many(account):
    costs = []
    for count in (1, 30):
        for number in range(count):
            folder = a_folder(account)
            a_mapping(account, f"v{count}-{number}", "viewer", folder, match_by="role")
        with statements() as seen:
            mappings.offers(account, "role")
        costs.append(len(seen))
    assert costs == [2, 2]


def test_all_are_listed_by_what_they_match(account, monkeypatch):
    brand = a_folder(account, "Brand")
    okta = a_connection(account, name="Okta")
    a_mapping(account, "Editor", "admin", match_by="role")
    a_mapping(account, "Designers", "editor", brand, connection_id=okta)
    a_mapping(account, "42", "editor", brand, match_by="external_id")
    monkeypatch.setattr(lists, "LONGEST_PAGE", 2)
    found = list(lists.every(account))
    assert [(each["match_by"], each["match_value"]) for each in found] == [
        ("external_id", "42"),
        ("display_name", "Designers"),
        ("role", "Editor"),
    ]
    assert [each["connection"] and each["connection"]["name"] for each in found] == [
        *(None, "Okta", None),
    ]
    assert [(each["role"]["name"], each["folder"]) for each in found] == [
        ("editor", {"id": brand, "path": "/Brand"}),
        ("editor", {"id": brand, "path": "/Brand"}),
        ("admin", None),
    ]


def test_there_are_only_so_many_mappings(account, monkeypatch):
    monkeypatch.setattr(mappings, "MAPPINGS_LIMIT", 2)
    for number in range(2):
        a_mapping(account, f"v{number}", "reports", match_by="role")
    a_mapping(an_account(), "theirs", "reports", match_by="role")
    before = fingerprint()
    with pytest.raises(Invalid, match="2 mappings at the most"):
        a_mapping(account, "v2", "reports")
    assert fingerprint() == before
