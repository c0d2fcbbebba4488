"""Files as spreadsheets write them, and what is no table of people."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.directory.errors import Invalid
from app.directory.imports import files, table
from app.directory.imports.persons import COLUMNS, column_named, read
from app.directory.imports.refusals import Refused
from app.directory.imports.start import look_through
from app.directory.imports.table import rows_from, survey
from app.store.models import OperationPiece
from tests.imports import begin, imported
from tests.inspection import rows

BOM = "\ufeff"


def looked(content: bytes, size: int = 7):
    """The survey of a file that comes in small chunks."""
    return survey(content[start : start + size] for start in range(0, len(content), size))


def read_all(content: bytes) -> list[list[str]]:
    form = looked(content).form
    return [row.cells for row in rows_from([content[form.begins :]], form, form.begins, form.line)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", BOM])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_any_delimiter_and_line_end(delimiter, end, bom, size):
    lines = ["User Name,E-Mail,Groups", '"ada","ada@example.com","A|B"', "bob,,", "", "cyd,,C"]
    text = bom + end.join(line.replace(",", delimiter) for line in lines)
    found = looked(text.encode(), size)
    assert found.form.columns == ("userName", "email", "groups")
    assert (found.form.delimiter, found.rows) == (delimiter, 3)
    assert list(found.groups.values()) == ["A", "B", "C"]
    read = read_all(text.encode())
    assert read == [["ada", "ada@example.com", "A|B"], ["bob", "", ""], ["cyd", "", "C"]]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("userName", "userName"),
        ("USER NAME", "userName"),
        (" user_name ", "userName"),
        ("User-Principal-Name", "userName"),
        ("e-mail", "email"),
        ("E-Mail Address", "email"),
        ("First name", "givenName"),
        ("Surname", "familyName"),
        ("Full Name", "displayName"),
        ("Job Title", "title"),
        ("External ID", "externalId"),
        ("Enabled?", "active"),
        ("Member of", "groups"),
        ("Dept.", "department"),
        ("Employee ID", "employeeNumber"),
        ("Role", None),
        ("password", None),
        ("", None),
    ],
)
def test_names_of_columns_are_forgiven(name, column):
    assert column_named(name) == column


def test_every_column_goes_by_its_own_name():
    assert [column_named(name) for name in COLUMNS] == list(COLUMNS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty."),
        (b"\n\n  \n", "The file is empty."),
        (b"userName\n\n,\n", "Below its first line the file is empty."),
        (b"name,title\nada,x\n", "names no column userName or email"),
        (b"\xd0\xcf\x11\xe0 a spreadsheet\n", "Line 1 is not UTF-8"),
        (b"userName\nada\nJ\xf6rg\n", "Line 3 is not UTF-8"),
        ("userName\nada\n".encode("utf-16"), "Line 1 is not UTF-8"),
        (b"email,E-Mail\na,b\n", "Several columns are email: email, E-Mail."),
        (b"userName" + b",x" * 100 + b"\nada\n", "more than 100 columns"),
        (b"userName\n" + b"x" * 131_073, "Line 2 is longer than 131072 bytes"),
        (b"userName\n" + b"x" * 400_000 + b"\nada", "Line 2 is longer than 131072 bytes"),
    ],
)
def test_what_is_no_table_of_people_is_refused(content, message):
    with pytest.raises(Invalid, match=message) as refused:
        look_through("x.csv", io.BytesIO(content))
    assert refused.value.field == "file"


def test_a_file_that_is_too_large_is_refused(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(table, "ROWS_LIMIT", 3)
        with pytest.raises(Invalid, match="more than 3 rows"):
            looked(b"userName\n" + b"ada\n" * 4)
    monkeypatch.setattr(table, "GROUPS_LIMIT", 3)
    with pytest.raises(Invalid, match="more than 3 groups"):
        looked(b"userName,groups\nada,A;B\nbob,B;C;D\n")
    monkeypatch.setattr(files, "SIZE_LIMIT", 1024 * 1024)
    with pytest.raises(Invalid, match="larger than 1 MB"):
        look_through("x.csv", io.BytesIO(b"userName\n" + b"ada\n" * 300_000))


@given(st.lists(st.lists(st.text(max_size=8), min_size=3, max_size=3), max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_every_row_can_be_gone_on_from(cells, data):
    """Whatever quotes and line ends the cells have, reading on from a row gives the rest."""
    lines = io.StringIO(newline="")

    csv.writer(lines).writerows([["userName", "email", "title"], *cells])
    try:
        content = lines.getvalue().encode()
    except UnicodeEncodeError:
        return
    try:
        form = looked(content, 5).form
    except Invalid:
        return
    rows_ = list(rows_from([content[form.begins :]], form, form.begins, form.line))
    if not rows_ or any(row.problem for row in rows_):
        return
    at = data.draw(st.sampled_from(rows_))
    rest = list(rows_from([content[at.end :]], form, at.end, at.lines))
    assert rest == rows_[rows_.index(at) + 1 :]
    expected = [row for row in cells if any(row)]
    assert [row.cells for row in rows_] == expected


def test_a_quote_that_is_never_closed_is_one_row(account):
    text = 'userName,title\nada,x\nbob,"y\n' + "cyd,z\n" * 30_000
    found = imported(account, text)
    assert found.state == "done" and found.counts["created"] >= 2
    assert found.counts["refused"] >= 1


@pytest.mark.parametrize("word", ["TRUE", "yes", "1", "Active", "on"])
def test_words_for_active(word):
    assert read(2, ["ada", word], ["userName", "active"]).active is True
    assert read(2, ["ada", ""], ["userName", "active"]).active is None


@pytest.mark.parametrize("word", ["False", "NO", "0", "disabled"])
def test_words_for_inactive(word):
    assert read(2, ["ada", word], ["userName", "active"]).active is False
    with pytest.raises(Refused):
        read(2, ["ada", "perhaps"], ["userName", "active"])


def test_groups_are_read_once_each_whatever_the_sign_between():
    person = read(2, ["ada", " A ; B|a;;| C c "], ["userName", "groups"])
    assert sorted(person.groups) == ["a", "b", "c c"]


def test_a_large_file_is_kept_in_pieces(account):
    text = "userName,title\n" + "".join(f"p{n},{'x' * 900}\n" for n in range(900))
    operation_id = begin(account, text)
    pieces = rows(OperationPiece, operation_id=operation_id)
    assert [each.number for each in pieces] == [0, 1, 2, 3]
    assert b"".join(each.content for each in pieces) == text.encode()
    for begin_ in (0, 1, files.PIECE - 1, files.PIECE, files.PIECE + 1, len(text)):
        read = b"".join(files.chunks_from(account, operation_id, begin_))
        assert read == text.encode()[begin_:]
