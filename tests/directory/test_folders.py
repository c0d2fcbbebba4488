"""The folder tree and its closure."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.access.folders import paths_of
from app.directory import folders, tree
from app.directory.errors import Invalid, NotFound, Taken
from app.store.models import Folder, FolderClosure
from tests.conftest import write
from tests.factories import a_folder, an_account
from tests.inspection import audit, epoch, fingerprint, outgoing, row, rows


def create_path(account_id: str, path: str, **options) -> str:
    with write(account_id) as work:
        return folders.create_path(work, path, **options)


def test_an_account_is_born_with_one_root(account):
    root = row(Folder, account_id=account)
    assert (root.id, root.parent_id, root.name) == (folders.root_of(account), None, "/")
    assert folders.find_by_path(account, "/") == folders.find_by_path(account, "") == root.id


def test_a_new_folder_is_stored_and_audited(account):
    before = epoch(account)
    folder = a_folder(account, " Brand ", restricted=True)
    stored = row(Folder, id=folder)
    assert (stored.name, stored.name_key, stored.restricted) == ("Brand", "brand", True)
    event = audit(account, "folder.created")[-1]
    assert (event.target_id, event.target_name) == (folder, "Brand")
    assert event.after == {"name": "Brand", "parent": folders.root_of(account), "restricted": True}
    assert outgoing(account)[-1] == "folder.created"
    assert epoch(account) == before + 1


@pytest.mark.parametrize(
    ("first", "second"),
    [("Brand", "BRAND"), ("Straße", "STRAẞE"), ("Cafe\u0301", "CAFÉ"), ("İ", "i\u0307")],
)
def test_a_name_is_unique_in_its_folder_in_any_case(account, first, second):
    parent = a_folder(account)
    a_folder(account, first, parent=parent)
    before = fingerprint()
    with pytest.raises(Taken):
        a_folder(account, second, parent=parent)
    assert fingerprint() == before
    a_folder(account, second)


def test_a_bad_name_is_invalid(account):
    before = fingerprint()
    for name in ("", " ", "a/b", "/", ".", "..", "x" * 257, "\0", "\ud800", "\ufb2c" * 256):
        with pytest.raises(Invalid), write(account) as work:
            folders.create(work, folders.root_of(account), name)
    assert fingerprint() == before


def test_paths(account):
    logos = create_path(account, "/Brand/2026/Logos")
    assert folders.find_by_path(account, "brand//2026/ LOGOS /") == logos
    year = folders.find_by_path(account, "/Brand/2026")
    assert row(Folder, id=logos).parent_id == year
    assert create_path(account, "/Brand/2026/Fonts") != logos
    assert paths_of(account, [logos, year, folders.root_of(account)]) == {
        logos: "/Brand/2026/Logos",
        year: "/Brand/2026",
        folders.root_of(account): "/",
    }
    for taken in ("/", "/BRAND/2026"):
        with pytest.raises(Taken):
            create_path(account, taken)
    for missing in ("/Nope", "/Brand/2025", "/Brand/\0", "/\ud800", "/.."):
        with pytest.raises(NotFound):
            folders.find_by_path(account, missing)


def test_only_the_last_folder_of_a_path_becomes_restricted(account):
    secret = create_path(account, "/Brand/Secret", restricted=True)
    assert row(Folder, id=secret).restricted
    assert not row(Folder, id=folders.find_by_path(account, "/Brand")).restricted


def test_folders_lie_so_deep_at_the_most(account):
    deepest = create_path(account, "/x" * tree.MAX_DEPTH)
    before = fingerprint()
    with pytest.raises(Invalid):
        a_folder(account, parent=deepest)
    with pytest.raises(Invalid):
        create_path(account, "/y" * (tree.MAX_DEPTH + 1))
    assert fingerprint() == before
    assert paths_of(account, [deepest]) == {deepest: "/x" * tree.MAX_DEPTH}


def test_folders_of_another_account_are_not_found(account):
    other = an_account()
    stranger = a_folder(other, "Brand")
    for parent in (stranger, "no such id", "\0", "\ud800"):
        with pytest.raises(NotFound):
            a_folder(account, parent=parent)
    with pytest.raises(NotFound):
        folders.find_by_path(account, "/Brand")
    with pytest.raises(NotFound):
        folders.root_of("no such account")
    assert paths_of(account, [stranger]) == {}


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(parents=st.lists(st.integers(0, 100), min_size=1, max_size=15))
def test_the_closure_is_that_of_the_tree(app, parents):
    """Folder n goes under one of those before it; the closure is then every path upwards."""
    account_id = an_account()
    ids = [folders.root_of(account_id)]
    parent_of = {}
    for choice in parents:
        parent = ids[choice % len(ids)]
        ids.append(a_folder(account_id, parent=parent))
        parent_of[ids[-1]] = parent
    expected = set()
    for folder in ids:
        ancestor, depth = folder, 0
        while ancestor is not None:
            expected.add((ancestor, folder, depth))
            ancestor, depth = parent_of.get(ancestor), depth + 1
    stored = rows(FolderClosure, account_id=account_id)
    assert {(each.ancestor_id, each.descendant_id, each.depth) for each in stored} == expected
    assert len(stored) == len(expected)
