"""What an import costs, and files that ask too much of it."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from app.directory.errors import Invalid
from app.directory.imports import persons, refusals
from app.directory.imports.table import rows_from, survey
from app.store.models import OperationPiece, User
from tests.factories import a_master_admin, an_account
from tests.imports import a_file, begin, counts, imported, problems, run
from tests.inspection import audit, row, rows, statements


def test_a_chunk_costs_the_same_however_many_rows_it_has(account):
    """But for what is sent in parts of five hundred."""
    costs = []
    for people in (30, 400):
        here = an_account()
        operation = begin(here, a_file(people, groups=25, each=5))
        with statements() as seen:
            run(here, operation)
        costs.append(len(seen))
    assert costs[0] == costs[1] < 60


def test_events_of_many_are_told_together(account):
    imported(account, a_file(60, groups=3, each=1))
    came = audit(account, "group.members_added")
    assert [each.after["count"] for each in came] == [20, 20, 20]
    (done,) = audit(account, "import.done")
    assert done.after["created"] == 60
    assert {each.request_id for each in audit(account) if each.target_type == "user"} == {
        done.target_id
    }


def test_the_file_is_gone_when_it_is_done(account):
    operation = begin(account, a_file(3))
    assert [each.operation_id for each in rows(OperationPiece)] == [operation]
    assert run(account, operation).state == "done"
    assert rows(OperationPiece) == []


def test_a_file_with_too_many_faults_is_given_up(account, monkeypatch):
    monkeypatch.setattr(refusals, "LIMIT", 3)
    failed = imported(account, "userName,active\nada,\n" + "bob,what\n" * 5)
    assert failed.state == "failed"
    assert failed.error == "More than 3 rows are refused. Mend the file and begin again."
    assert rows(User) == [] and rows(OperationPiece) == []
    assert [each.action for each in audit(account)][-1] == "import.failed"


def test_the_last_master_admin_stays_and_the_rest_is_done(account):
    boss = a_master_admin(account, "boss")
    text = "userName,active,groups\n" + "".join(f"p{n},,\n" for n in range(9))
    done = imported(account, text + "boss,no,\nq,,\n")
    assert counts(done) == {"created": 10, "refused": 1}
    assert problems(done)[0][0] == 11 and "last active master admin" in problems(done)[0][2]
    assert row(User, id=boss).active
    assert [each.target_name for each in audit(account, "directory.refused")] == ["boss"]


def test_a_row_that_ends_before_all_that_is_read_is_refused_alone(account):
    for text in ("id,userName\n17\n18,ada\n", "groups,userName\nStaff\nStaff,eve\n"):
        ended = imported(account, text)
        assert (ended.state, counts(ended)["created"], counts(ended)["refused"]) == ("done", 1, 1)
        assert problems(ended) == [(2, "userName", "It is empty.")]


def test_a_head_with_a_character_no_database_keeps_is_refused(account):
    for character in ("\0", "\ufffe"):
        with pytest.raises(Invalid, match="not allowed"):
            begin(account, f"userName,a{character}b\nada,x\n")


def test_a_row_of_many_cells_is_not_kept_in_memory():
    (row_,) = _rows_of("userName\n" + ",".join(["ab"] * 10_000) + "\n")
    assert row_.cells == ["ab"]
    assert row_.problem == "It has 10000 cells, and the first line 1."


def test_a_row_over_many_lines_has_an_end():
    with pytest.raises(Invalid, match="Line 2 is longer"):
        _rows_of("userName\n" + '"ab\n",' * 300_000)


def test_names_in_files_do_not_stay_in_memory():
    """Of columns, and of groups."""
    _rows_of("userName,groups\nada,Staff\n")
    tracemalloc.start()
    try:
        for number in range(40):
            head = f"{number}".ljust(50_000, "x")
            names = ";".join(f"{number}.{each}".ljust(500, "x") for each in range(100))
            (row_,) = _rows_of(f"userName,groups,{head}\nada,{names}\n")
            assert (
                len(persons.read(row_.line, row_.cells, ("userName", "groups", None)).groups) == 100
            )
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 500_000  # of 4 MB


def _rows_of(text):
    data = [text.encode()]
    form = survey(data).form
    return list(rows_from([text.encode()[form.begins :]], form, form.begins, form.line))
