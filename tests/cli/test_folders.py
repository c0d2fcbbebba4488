"""``gatehouse folder``: what it changes, what it says, what it refuses."""

import pytest


@pytest.fixture
def acme(gatehouse):
    """An account with the folders /Brand/2026 and /Press, and a master admin."""
    gatehouse("account", "create", "Acme")
    gatehouse("admin", "create", "root@example.com")
    gatehouse("folder", "create", "Acme", "/Brand/2026")
    gatehouse("folder", "create", "Acme", "/Press")


def paths(gatehouse, *args):
    return [each["path"] for each in gatehouse("folder", "list", *args, "--json")["folders"]]


def test_folders_are_listed(gatehouse, acme):
    assert paths(gatehouse, "Acme") == ["/", "/Brand", "/Brand/2026", "/Press"]
    assert paths(gatehouse, "Acme", "--in", "/brand") == ["/Brand", "/Brand/2026"]
    gatehouse("folder", "restrict", "Acme", "/Brand/2026")
    listed = gatehouse("folder", "list", "Acme", "--in", "/Brand").stdout
    assert listed == "/Brand\n/Brand/2026  (restricted)\n"


def test_a_folder_is_renamed_with_all_in_it(gatehouse, acme):
    said = gatehouse("folder", "rename", "Acme", "/Brand", "Marke").stdout
    assert said == "Folder /Marke is changed. Grants above reach it.\n"
    assert paths(gatehouse, "Acme") == ["/", "/Marke", "/Marke/2026", "/Press"]
    again = gatehouse("folder", "rename", "Acme", "/Marke", "Marke", "--json")
    assert (again["path"], again["changed"]) == ("/Marke", False)


def test_a_folder_is_moved_with_all_in_it(gatehouse, acme):
    moved = gatehouse("folder", "move", "Acme", "/Brand", "/Press", "--json")
    assert (moved["path"], moved["changed"]) == ("/Press/Brand", True)
    assert paths(gatehouse, "Acme") == ["/", "/Press", "/Press/Brand", "/Press/Brand/2026"]
    assert gatehouse("folder", "move", "Acme", "/Press/Brand", "/", "--json")["id"] == moved["id"]


def test_a_restricted_folder_is_opened_again(gatehouse, acme):
    closed = gatehouse("folder", "restrict", "Acme", "/Brand/2026", "--json")
    assert (closed["restricted"], closed["changed"]) == (True, True)
    said = gatehouse("folder", "restrict", "Acme", "/Brand/2026").stdout
    assert said == "Folder /Brand/2026 is as it was. Grants above do not reach it.\n"
    assert gatehouse("folder", "open", "Acme", "/Brand/2026", "--json")["restricted"] is False


def test_restricting_a_folder_decides(gatehouse, acme):
    to = ("--to", "user:root@example.com", "--role", "editor", "--folder", "/Brand")
    gatehouse("grant", "Acme", *to)
    edit = ("check", "Acme", "root@example.com", "asset.edit", "/Brand/2026")
    assert "editor" in gatehouse(*edit).stdout
    gatehouse("folder", "restrict", "Acme", "/Brand/2026")
    assert "editor" not in gatehouse(*edit).stdout


def test_a_folder_is_deleted(gatehouse, acme):
    inside = gatehouse("folder", "delete", "Acme", "/Brand/2026", "--json")
    assert list(inside) == ["deleted"]
    said = gatehouse("folder", "delete", "Acme", "/Brand").stdout
    assert said == "Folder /Brand is gone, with the grants on it.\n"
    assert paths(gatehouse, "Acme") == ["/", "/Press"]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["rename", "Acme", "/no", "x"], "no folder '/no'"),
        (["rename", "Acme", "/Brand", "PRESS"], "a folder 'PRESS' here already"),
        (["rename", "Acme", "/Brand", "a/b"], "must not hold a slash"),
        (["rename", "Acme", "/Brand", " "], "empty"),
        (["rename", "Acme", "/", "x"], "root folder stays"),
        (["move", "Acme", "/Brand", "/no"], "no folder '/no'"),
        (["move", "Acme", "/Brand", "/Brand/2026"], "cannot lie in itself"),
        (["move", "Acme", "/Brand", "/Brand"], "cannot lie in itself"),
        (["move", "Acme", "/", "/Brand"], "root folder stays"),
        (["restrict", "Acme", "/"], "root folder stays"),
        (["delete", "Acme", "/"], "root folder stays"),
        (["delete", "Acme", "/Brand"], "There are folders in 'Brand'"),
        (["delete", "Nope", "/Brand"], "no account 'Nope'"),
        (["list", "Acme", "--in", "/no"], "no folder '/no'"),
    ],
)
def test_what_cannot_be_ends_in_one_clear_line(gatehouse, acme, args, says):
    result = gatehouse("folder", *args, exit_code=2)
    assert says in result.stderr
    assert result.stdout == "" and result.stderr.count("\n") == 1
    assert paths(gatehouse, "Acme") == ["/", "/Brand", "/Brand/2026", "/Press"]
