"""Exports that are made to fill the memory or the disk are refused, and nothing of them stays."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.directory.drift import lines, scim
from app.directory.drift.lines import lines_of, read
from app.directory.drift.reading import look_through
from app.directory.errors import Invalid
from app.directory.imports.persons import Person
from app.store.temporary import NoRoom
from tests.drift import fill_the_disk

MOST_MEMORY = 150 * 1024 * 1024
MEGABYTE = 1024 * 1024
READS_IT = """
import sys
from pathlib import Path
from app.directory.drift.reading import look_through
from app.directory.errors import Invalid
def peak():
    said = Path("/proc/self/status").read_text()
    return 1024 * int(said.split("VmHWM:")[1].split()[0])
before = peak()
try:
    with open(sys.argv[1], "rb") as stream:
        look_through("export", stream).lines.close()
except Invalid as error:
    print(error, file=sys.stderr)
print(peak() - before)
"""
"""Says by how much reading it lets the peak of its memory grow, in bytes. Not ``ru_maxrss``: that
begins with the peak of who started the process."""


def a_user(name: str, **more) -> dict:
    return {"userName": name, "id": name, **more}


def a_group(name: str, *members: str) -> dict:
    return {"displayName": name, "members": [{"value": each} for each in members]}


def people_of(*resources: dict) -> dict[str, list[str] | None]:
    """Everybody of an export, with the names of their groups; None: it could not be read."""
    with look_through("export", io.BytesIO(json.dumps(resources).encode())).lines as kept:
        kept.seek(0)
        people = list(map(read, lines_of([kept.read()])))
    return {
        each.login if isinstance(each, Person) else each.name: list((each.groups or {}).values())
        if isinstance(each, Person)
        else None
        for each in people
    }


def refusal_of(*resources: dict) -> str:
    with pytest.raises(Invalid) as error:
        people_of(*resources)
    return str(error.value)


# -- Memory ----------------------------------------------------------------------


def large_names(file: io.BufferedWriter) -> None:
    """A long name of a group that one person is in over and over."""
    group = a_group("x" * 120_000, *["a"] * 7_000)
    file.write(json.dumps([group, a_user("a")]).encode())


def dense(file: io.BufferedWriter) -> None:
    """One resource of very many small things."""
    file.write(b'[{"userName":"a","x":[' + b"[]," * (5 * MEGABYTE) + b"[]]}]")


def dense_by_parts(file: io.BufferedWriter) -> None:
    """The same beside the resources of a list, in parts that are small enough each."""
    for number in range(20):
        part = b"[]," * 250_000 + b"[]]"
        file.write(b'%s"%d":[' % (b"," if number else b"{", number) + part)
    file.write(b',"Resources":[{"userName":"a"}]}')


def several_at_once(file: io.BufferedWriter) -> None:
    """Resources of which each is just small enough."""
    resource = b'{"userName":"a","x":[' + b"[]," * 300_000 + b"[]]}"
    file.write(b"[" + b",".join([resource] * 8) + b"]")


@pytest.mark.parametrize("fill", [large_names, dense, dense_by_parts, several_at_once])
def test_memory_does_not_grow_with_a_file(fill, tmp_path: Path):
    path = tmp_path / "export.json"
    with path.open("wb") as file:
        fill(file)
    done = subprocess.run(
        [sys.executable, "-c", READS_IT, str(path)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < MOST_MEMORY, done.stderr


def test_what_one_resource_may_take_is_said():
    said = "one resource of it is too large: at most 16 MB and 750000 values"
    assert said in refusal_of(a_user("a", x="x" * 17 * MEGABYTE))
    assert said in refusal_of(a_user("a", x=[1] * 750_002))
    assert people_of(a_user("a", x=[1] * 740_000)) == {"a": []}


# -- Groups ----------------------------------------------------------------------


def test_a_group_counts_once_however_often_it_is_said():
    found = people_of(
        a_group("Press", "ada", "ada"),
        a_group("PRESS", "ada"),
        a_group(" ", "ada"),
        a_user("ada", groups=[{"display": "Press"}, {"display": "Design"}]),
        {"userName": "bob", "groups": [{"display": "Design"}]},
    )
    assert found == {"ada": ["Press", "Design"], "bob": ["Design"]}


def test_nobody_is_in_more_groups_than_a_row_may_name():
    groups = [a_group(f"G{number}", "ada", "bob") for number in range(100)]
    one_more = [{"display": "One more"}]
    assert people_of(*groups, a_user("ada"), a_user("bob", groups=one_more)) == {
        "ada": [f"G{number}" for number in range(100)],
        "bob": None,
    }
    twice = [a_group(each["displayName"].lower(), "ada") for each in groups]
    assert len(people_of(*groups, *twice, a_user("ada"))["ada"]) == 100
    assert people_of(*groups, a_group("H", "ada"), a_user("ada")) == {"ada": None}


def test_what_no_directory_keeps_is_refused_with_the_number_of_the_resource():
    ada, long = a_user("ada"), "x" * 513
    said = "Resource 2: displayName must not be longer than 512 characters."
    assert refusal_of(ada, a_group(long)) == said
    said = "Resource 2: id must not be longer than 1024 characters."
    assert refusal_of(ada, a_group("Press", "x" * 1025)) == said
    assert refusal_of(ada, {"userName": "bob", "id": "x" * 1025}) == said
    assert people_of(ada, a_user("bob", groups=[{"display": long}])) == {"ada": [], "bob": None}


def test_addresses_are_as_many_and_as_long_as_the_directory_keeps():
    many = [{"value": f"a{number}@example.com"} for number in range(501)]
    long = [{"value": "a@example.com"}, {"value": "x" * 1025}]
    found = people_of(a_user("a", emails=many[:500]), a_user("b", emails=many))
    assert found == {"a": [], "b": None}
    assert people_of(a_user("c", emails=long)) == {"c": None}


def test_nobody_takes_more_than_what_hundreds_of_whom_fit_in_memory():
    wide = [a_group(f"{number} {'x' * 500}", "ada", "bob") for number in range(14)]
    more = [a_group(f"{each}{'y' * 500}", "bob") for each in range(3)]
    found = people_of(*wide, *more, a_user("ada"), a_user("bob"))
    assert (len(found["ada"]), found["bob"]) == (14, None)


# -- The disk --------------------------------------------------------------------


def test_people_are_counted_as_they_are_read(monkeypatch):
    monkeypatch.setattr(lines, "ROWS_LIMIT", 2)
    monkeypatch.setattr(scim.Found, "people", None)
    assert "more than 2 people" in refusal_of(*[a_user(f"a{number}") for number in range(3)])


def test_what_people_take_with_their_groups_is_bounded(monkeypatch):
    monkeypatch.setattr(lines, "LIMIT", 2 * MEGABYTE)
    groups = [a_group(f"{number} {'x' * 250}", "a") for number in range(90)]
    many = [{"userName": f"a{number}", "id": "a"} for number in range(60)]
    assert len(people_of(*groups, *many[:30])) == 30
    assert "take more than 2 MB with the names of their groups" in refusal_of(*groups, *many)
    # Those who take too much count with all of it, though they are not kept.
    wide = [a_group(f"{number} {'x' * 500}", "a") for number in range(90)]
    assert "take more than 2 MB" in refusal_of(*wide, *many[:50])


def test_groups_are_counted_as_they_are_read_with_those_nobody_is_in(monkeypatch):
    monkeypatch.setattr(lines, "GROUPS_LIMIT", 2)
    some = [a_user("ada"), a_group("Press"), a_group("PRESS"), a_group("Design"), a_group(" ")]
    assert people_of(*some) == {"ada": []}
    monkeypatch.setattr(scim.Found, "people", None)
    assert refusal_of(*some, a_group("Sales")) == "The file names more than 2 groups."


def test_more_than_a_temporary_database_may_hold_is_no_lack_of_room(monkeypatch):
    monkeypatch.setattr(scim, "STORE_LIMIT", 2 * MEGABYTE)
    some, many = ([f"{number:500}" for number in range(most)] for most in (1_000, 10_000))
    people = [a_user(each, title="x" * 1_000) for each in some]
    said = "The people of the file and the members of its groups take more than 2 MB."
    assert people_of(a_group("Press", *some), a_user("ada")) == {"ada": []}
    assert len(people_of(*people[:500])) == 500
    assert refusal_of(a_group("Press", *many)) == refusal_of(a_group("P", *some), *people) == said


def open_files() -> set[str]:
    return {str(each.resolve()) for each in Path("/proc/self/fd").iterdir()}


TABLE = b"userName\n" + b"ada\n" * 10_000
RESOURCES = json.dumps([a_user(f"a{number}") for number in range(10_000)]).encode()


@pytest.mark.parametrize("content", [TABLE, RESOURCES], ids=["table", "resources"])
def test_where_there_is_no_room_it_is_said_and_nothing_stays_open(content, monkeypatch):
    before = open_files()
    with monkeypatch.context() as patch:
        fill_the_disk(patch)
        with pytest.raises(NoRoom, match="There is no room left for temporary") as error:
            look_through("export", io.BytesIO(content))
        assert open_files() == before
    assert "Errno" not in str(error.value)
    look_through("export", io.BytesIO(content)).lines.close()


@pytest.mark.parametrize("last", [b",1]", b',{"userName": "a"'], ids=["no object", "cut off"])
def test_nothing_stays_open_of_what_is_refused(last, monkeypatch):
    before = open_files()
    with pytest.raises(Invalid) as error:
        look_through("export", io.BytesIO(RESOURCES[:-1] + last))
    monkeypatch.setattr(lines, "ROWS_LIMIT", 9_000)
    with pytest.raises(Invalid) as many:
        look_through("export", io.BytesIO(TABLE))
    assert open_files() == before and error.value is not many.value


def test_another_fault_of_the_temporary_database_is_not_taken_for_one_of_the_database(monkeypatch):
    monkeypatch.setattr(scim, "_TABLES", "no SQL")
    with pytest.raises(OSError, match="syntax error") as error:
        look_through("export", io.BytesIO(RESOURCES))
    assert not isinstance(error.value, NoRoom)
