"""The closure is compared with the parents of the folders, and made anew where it is wrong."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, insert, update

from app.directory import tree_check
from app.directory.folders import listed
from app.store.database import db, table, write_transaction
from app.store.models import FolderClosure
from tests.conftest import write
from tests.factories import a_folder
from tests.inspection import audit, epoch, rows

CLOSURE = table(FolderClosure).c


@pytest.fixture
def folders(account) -> dict[str, str]:
    """/Brand/2026/Spring and /Press, by name."""
    found = {"Brand": a_folder(account, "Brand"), "Press": a_folder(account, "Press")}
    found["2026"] = a_folder(account, "2026", parent=found["Brand"])
    found["Spring"] = a_folder(account, "Spring", parent=found["2026"])
    return found


def below(folder: str, *above: str):
    return CLOSURE.descendant_id == folder, CLOSURE.ancestor_id.in_(above)


def cut(account, folders):
    return delete(FolderClosure).where(*below(folders["Spring"], folders["Brand"]))


def lose(account, folders):
    return delete(FolderClosure).where(CLOSURE.descendant_id == folders["Spring"])


def add(account, folders):
    row = {"descendant_id": folders["Spring"], "ancestor_id": folders["Press"], "depth": 1}
    return insert(FolderClosure).values(account_id=account, **row)


def misplace(account, folders):
    where = below(folders["Spring"], folders["Brand"])
    return update(FolderClosure).where(*where).values(depth=7)


@pytest.mark.parametrize(
    ("spoil", "missing", "extra"),
    [(cut, 1, 0), (lose, 4, 0), (add, 0, 1), (misplace, 1, 1)],
)
def test_what_is_wrong_is_found_and_made_right(account, folders, spoil, missing, extra):
    before = rows(FolderClosure)
    assert tree_check.check(account) == tree_check.Report(5)
    with write_transaction():
        db.session.execute(spoil(account, folders))
    found = tree_check.check(account)
    assert (found.missing, found.extra, found.example) == (missing, extra, folders["Spring"])
    grown = epoch(account)
    with write(account) as work:
        assert tree_check.repair(work) == found
    assert rows(FolderClosure) == before
    assert tree_check.check(account).is_right
    assert epoch(account) > grown
    (event,) = audit(account, "folder.tree_repaired")
    assert event.before == {"missing": missing, "extra": extra}


def test_what_was_not_listed_is_listed_again(account, folders):
    with write_transaction():
        db.session.execute(cut(account, folders))
    found = {each.id for each in listed(account, folders["Brand"])}
    assert found == {folders["Brand"], folders["2026"]}
    with write(account) as work:
        tree_check.repair(work)
    assert folders["Spring"] in {each.id for each in listed(account, folders["Brand"])}


def test_where_all_is_right_nothing_is_written(account, folders):
    before = rows(FolderClosure), epoch(account)
    with write(account) as work:
        tree_check.repair(work)
    assert (rows(FolderClosure), epoch(account)) == before
    assert audit(account, "folder.tree_repaired") == []
