"""Folders renamed, moved, restricted, deleted: who sees what then, and what is refused."""

from __future__ import annotations

import pytest

from app.access.decisions import permissions_on
from app.access.folders import paths_of
from app.access.permissions import FOLDER_ACTIONS
from app.directory import folders, grants, tree
from app.directory.errors import (
    DirectoryError,
    Forbidden,
    Invalid,
    NotEmpty,
    NotFound,
    Taken,
    VersionMismatch,
)
from app.directory.work import Actor
from app.store.models import Folder, Grant, Mapping
from tests.conftest import CLI_ACTOR, write
from tests.directory.moving import change, closure, closure_of_parents, delete, seen_by
from tests.factories import a_folder, a_grant, a_group, a_mapping, a_principal, a_user, an_account
from tests.inspection import audit, epoch, fingerprint, outgoing, row, rows, statements


def path(account_id: str, folder_id: str) -> str:
    return paths_of(account_id, [folder_id])[folder_id]


# -- One change at a time -----------------------------------------------------


def test_a_folder_is_renamed(account):
    brand = a_folder(account, "Brand")
    year = a_folder(account, "2026", parent=brand)
    before = epoch(account)
    assert change(account, brand, name=" Marke ", external_id="b1")
    assert path(account, year) == "/Marke/2026"
    assert folders.find_by_path(account, "/MARKE") == brand
    stored = row(Folder, id=brand)
    assert (stored.name_key, stored.external_id, stored.version) == ("marke", "b1", 2)
    assert stored.updated_at > stored.created_at
    (event,) = audit(account, "folder.updated")
    place = {"parent": folders.root_of(account), "restricted": False}
    assert (event.target_id, event.target_name) == (brand, "Marke")
    assert event.before == {"name": "Brand"} | place
    assert event.after == {"name": "Marke", "external_id": "b1"} | place
    assert outgoing(account)[-1] == "folder.updated"
    assert epoch(account) == before, "a name gives nobody anything"


def test_a_change_of_case_alone_is_one(account):
    brand = a_folder(account, "Brand")
    assert change(account, brand, name="BRAND")
    assert row(Folder, id=brand).name == "BRAND"


def test_what_changes_nothing_writes_nothing(account):
    brand, root = a_folder(account, "Brand"), folders.root_of(account)
    before = fingerprint()
    assert not change(account, brand)
    assert not change(account, brand, name=" Brand ")
    assert not change(account, root)
    assert fingerprint() == before


def test_a_move_changes_who_sees_what(account):
    brand, press = a_folder(account, "Brand"), a_folder(account, "Press")
    year = a_folder(account, "2026", parent=brand)
    logos = a_folder(account, "Logos", parent=year)
    ada, eve = a_user(account), a_user(account)
    a_grant(account, a_group(account, members=[ada]), "viewer", brand)
    a_grant(account, eve, "editor", press)
    before = epoch(account)
    assert change(account, year, parent_id=press)
    assert seen_by(account, ada) == ["/Brand"]
    assert seen_by(account, eve) == ["/Press", "/Press/2026", "/Press/2026/Logos"]
    assert permissions_on(account, ada, logos) == frozenset()
    assert epoch(account) == before + 1
    assert closure(account) == closure_of_parents(account)
    (event,) = audit(account, "folder.updated")
    assert (event.before["parent"], event.after["parent"]) == (brand, press)


def test_moved_up_and_renamed_at_once(account):
    brand = a_folder(account, "Brand")
    inner = a_folder(account, "Brand", parent=brand)
    root = folders.root_of(account)
    with pytest.raises(Taken):
        change(account, inner, parent_id=root)
    assert change(account, inner, parent_id=root, name="Brand 2", restricted=True)
    assert path(account, inner) == "/Brand 2"
    assert closure(account) == closure_of_parents(account)


def test_restricted_it_is_cut_off_from_above_and_opened_it_is_not(account):
    brand = a_folder(account, "Brand")
    secret = a_folder(account, "Secret", parent=brand)
    inner = a_folder(account, "Inner", parent=secret)
    ada, eve, admin = a_user(account), a_user(account), a_user(account)
    a_grant(account, ada, "viewer", brand)
    a_grant(account, eve, "viewer", secret)
    a_grant(account, admin, "media_library_admin")
    before = epoch(account)
    assert change(account, secret, restricted=True)
    assert epoch(account) == before + 1
    assert seen_by(account, ada) == ["/Brand"]
    assert seen_by(account, eve) == ["/Brand/Secret", "/Brand/Secret/Inner"]
    assert permissions_on(account, admin, inner) == FOLDER_ACTIONS
    assert change(account, secret, restricted=False)
    assert epoch(account) == before + 2
    assert seen_by(account, ada) == ["/Brand", "/Brand/Secret", "/Brand/Secret/Inner"]


def test_a_folder_is_deleted_with_the_grants_and_mappings_on_it(account):
    brand = a_folder(account, "Brand")
    ada = a_user(account)
    a_grant(account, ada, "viewer", brand)
    a_grant(account, ada, "reports")
    a_mapping(account, "Designers", "editor", brand)
    before = epoch(account)
    delete(account, brand)
    assert [each.parent_id for each in rows(Folder)] == [None]
    assert (row(Grant).role_id, rows(Mapping)) == ("reports", [])
    assert closure(account) == closure_of_parents(account)
    assert epoch(account) == before + 1
    (event,) = audit(account, "folder.deleted")
    assert event.after is None
    assert event.before == {
        "name": "Brand",
        "parent": folders.root_of(account),
        "restricted": False,
        "grants": 1,
        "mappings": 1,
    }
    assert outgoing(account)[-1] == "folder.deleted"
    a_folder(account, "Brand")


@pytest.mark.parametrize("origin", ["manual", "mapping", "saml"])
def test_a_provider_deletes_no_folder_with_what_others_gave(account, origin):
    scim, saml = (Actor(type="token", name="t", surface=each) for each in ("scim", "saml"))
    brand, ada = a_folder(account, "Brand"), a_user(account)
    giver = {"manual": CLI_ACTOR, "saml": saml}.get(origin, scim)
    with write(account, giver) as work:
        grants.give(work, a_principal(account, ada), "viewer", brand)
    if origin == "mapping":
        a_mapping(account, "nobody yet", "viewer", brand)
    refused(account, Forbidden, delete, brand, actor=scim)
    delete(account, brand)


def test_a_provider_deletes_a_folder_with_what_it_gave_itself(account):
    scim = Actor(type="token", name="t", surface="scim")
    brand, ada = a_folder(account, "Brand"), a_user(account)
    with write(account, scim) as work:
        grants.give(work, a_principal(account, ada), "viewer", brand)
    delete(account, brand, actor=scim)
    assert rows(Grant) == []


# -- What is refused ----------------------------------------------------------


def refused(account_id: str, error: type[DirectoryError], call, *args, **options) -> DirectoryError:
    """See that a call is refused and writes nothing."""
    before, stored = fingerprint(), closure(account_id)
    with pytest.raises(error) as raised:
        call(account_id, *args, **options)
    assert fingerprint() == before
    assert closure(account_id) == stored
    return raised.value


def test_a_folder_cannot_come_to_lie_in_itself(account):
    brand = a_folder(account, "Brand")
    year = a_folder(account, "2026", parent=brand)
    logos = a_folder(account, "Logos", parent=year)
    for parent in (brand, year, logos):
        assert refused(account, Invalid, change, brand, parent_id=parent).field == "parent"


def test_a_folder_with_folders_in_it_is_not_deleted(account):
    brand = a_folder(account, "Brand")
    year = a_folder(account, "2026", parent=brand)
    assert "'Brand'" in str(refused(account, NotEmpty, delete, brand))
    change(account, year, parent_id=folders.root_of(account))
    delete(account, brand)


def test_the_root_stays_as_it_is(account):
    root, brand = folders.root_of(account), a_folder(account)
    for changes in ({"name": "Top"}, {"restricted": True}, {"parent_id": brand}):
        refused(account, Forbidden, change, root, **changes)
    refused(account, Forbidden, delete, root)
    assert change(account, root, external_id="r1")
    assert row(Folder, id=root).external_id == "r1"
    for external_id in ("x" * 257, "\0", "\ud800"):
        refused(account, Invalid, change, root, external_id=external_id)


def test_there_is_no_second_root(account):
    brand = a_folder(account)
    assert refused(account, Invalid, change, brand, parent_id=None).field == "parent"


@pytest.mark.parametrize(
    "changes",
    [{"name": name} for name in ("", " ", "a/b", "..", "x" * 257, "\0")]
    + [{"external_id": text} for text in ("x" * 257, "\0", "\ud800")],
)
def test_what_is_out_of_bounds_is_invalid(account, changes):
    refused(account, Invalid, change, a_folder(account), **changes)


@pytest.mark.parametrize(("mine", "theirs"), [("Press", "PRESS"), ("Café", "CAFE\u0301")])
def test_a_name_that_is_taken(account, mine, theirs):
    brand = a_folder(account, "Brand")
    a_folder(account, mine)
    inner = a_folder(account, theirs, parent=brand)
    refused(account, Taken, change, brand, name=theirs)
    refused(account, Taken, change, inner, parent_id=folders.root_of(account))


def test_an_older_version_is_not_written(account):
    brand = a_folder(account, "Brand")
    assert change(account, brand, version=1, name="Marke")
    refused(account, VersionMismatch, change, brand, version=1, name="Brand")
    refused(account, VersionMismatch, change, brand, version=1)
    refused(account, VersionMismatch, delete, brand, version=1)
    delete(account, brand, version=2)


def test_what_the_account_has_not_is_not_found(account):
    other = an_account()
    theirs, mine = a_folder(other), a_folder(account)
    for stranger in (theirs, folders.root_of(other), "no such id", "\0", "\ud800", ""):
        refused(account, NotFound, delete, stranger)
        refused(account, NotFound, change, mine, parent_id=stranger)
        with pytest.raises(NotFound), write(account) as work:
            folders.replace(work, stranger, folders.profile_of(other, theirs))


def a_chain(account_id: str, length: int) -> list[str]:
    """Folders each in the one before, the first under the root."""
    chain = [folders.root_of(account_id)]
    with write(account_id) as work:
        for number in range(length):
            chain.append(folders.create(work, chain[-1], f"c{length}-{number}"))
    return chain[1:]


def test_a_move_keeps_to_the_depth_allowed(account):
    long, short = a_chain(account, tree.MAX_DEPTH - 2), a_chain(account, 3)
    refused(account, Invalid, change, short[0], parent_id=long[-1])
    assert change(account, short[1], parent_id=long[-1])
    assert path(account, short[2]).count("/") == tree.MAX_DEPTH
    refused(account, Invalid, change, long[0], parent_id=short[0])
    assert closure(account) == closure_of_parents(account)


def test_a_move_costs_the_same_however_much_moves(account):
    press, costs = a_folder(account, "Press"), []
    for size in (1, 30):
        parent = a_folder(account)
        for _ in range(size):
            a_folder(account, parent=parent)
        with statements() as seen:
            change(account, parent, parent_id=press)
        costs.append(len(seen))
    assert costs[0] == costs[1]


def test_folders_are_listed_each_after_the_one_it_lies_in(account):
    brand = a_folder(account, "Brand")
    for name, parent in (("Brand 2", None), ("2026", brand), ("Secret", brand)):
        a_folder(account, name, parent=parent, restricted=name == "Secret")
    a_folder(an_account(), "Theirs")
    found = folders.listed(account, folders.root_of(account))
    assert [each.path for each in found] == [
        "/",
        "/Brand",
        "/Brand/2026",
        "/Brand/Secret",
        "/Brand 2",
    ]
    assert [each.path for each in found if each.restricted] == ["/Brand/Secret"]
    assert [each.path for each in folders.listed(account, brand)][1:] == [
        "/Brand/2026",
        "/Brand/Secret",
    ]
