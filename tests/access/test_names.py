"""From names to ids."""

from __future__ import annotations

import pytest

from app.access import names
from app.access.names import ids_of
from app.directory import folders
from tests.factories import a_folder, a_user, an_account
from tests.inspection import plans, statements


def test_users_by_id_and_by_name_in_any_case(account):
    ada = a_user(account, "Ada@Example.com")
    a_user(an_account(), "eve@example.com")
    asked = [ada, "ada@example.COM", "eve@example.com", "", "\0", "\ud800", "x" * 100_000]
    assert ids_of(account, asked, []).users == {ada: ada, "ada@example.COM": ada}


def test_an_id_goes_before_a_name_that_is_the_same(account):
    ada = a_user(account, "ada")
    a_user(account, ada)
    assert ids_of(account, [ada], []).users == {ada: ada}


def test_folders_by_their_paths(account):
    brand = a_folder(account, "Brand")
    straße = a_folder(account, "Straße", parent=brand)
    root = folders.root_of(account)
    theirs = an_account()
    a_folder(theirs, "Press")
    found = ids_of(
        account,
        [],
        ["/", "", "/Brand", "//bRAND/", "/ Brand /STRAßE", "/Brand/None", "/Press", "/None/Brand"],
    ).folders
    assert found == {
        "/": root,
        "": root,
        "/Brand": brand,
        "//bRAND/": brand,
        "/ Brand /STRAßE": straße,
    }
    assert ids_of(account, [], ["/a\0", "/\ud800", "/a" * 65, '/"', "/'", "/\\"]).folders == {}


def test_folders_of_the_same_name_are_told_apart(account):
    paths = {}
    for above in ("A", "B", "C"):
        parent = a_folder(account, above)
        paths[f"/{above}/2026"] = a_folder(account, "2026", parent=parent)
    assert ids_of(account, [], paths).folders == paths


def test_the_account_by_id_and_by_name_in_any_case(app):
    own, other = an_account("Acme"), an_account("Other")
    found = ids_of(own, [], [], [own, "aCME", other, "Other", "", "\0"]).accounts
    assert found == {own: own, "aCME": own}
    assert ids_of("no such id", [], ["/"], ["Acme"]) == names.Ids()


def test_it_is_one_statement_for_all_and_some_more_for_very_many(account, monkeypatch):
    ada, brand = a_user(account, "ada"), a_folder(account, "Brand")
    with statements() as seen:
        found = ids_of(account, ["ada"], ["/Brand", "/Press/2026"])
    assert (found.users, found.folders) == ({"ada": ada}, {"/Brand": brand})
    assert len(seen) == 1
    with statements() as seen:
        assert ids_of(account, [], []) == names.Ids()
    assert seen == []
    monkeypatch.setattr(names, "NODES_LIMIT", 3)
    with statements() as seen:
        assert ids_of(account, [], ["/Brand", "/a/b", "/c/d/e/f"]).folders == {"/Brand": brand}
    assert len(seen) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_table_is_read_from_end_to_end(account):
    a_folder(account, "Brand")
    with plans() as steps:
        ids_of(account, ["ada"], ["/Brand"])
    own = ("SCAN names", "SCAN walk", "SCAN anon_")
    assert [each for each in steps if each.startswith("SCAN") and not each.startswith(own)] == []
