"""``gatehouse report``: who can reach what, now and in the past."""

from datetime import timedelta

import pytest

from app.directory import folders, grants, groups, memberships, users
from app.directory.groups import GroupProfile
from app.directory.users import Profile
from app.store.types import now
from tests.conftest import write


@pytest.fixture
def acme(gatehouse):
    """An account in which ada is an editor of /Brand, because Designers are in Creative."""
    with gatehouse.app.app_context():
        account = gatehouse("account", "create", "Acme", "--json")["id"]
        with write(account) as work:
            ada, eve = users.create(work, Profile("ada")), users.create(work, Profile("eve"))
            inner = groups.create(work, GroupProfile("Designers"))
            outer = groups.create(work, GroupProfile("Creative"))
            memberships.add(work, inner, [ada])
            memberships.add(work, outer, [inner])
            brand = folders.create(work, folders.root_of(account), "Brand")
            to = grants.principal_with_id(account, outer)
            grants.give(work, to, "editor", brand, reason="the new brand")
            grants.give(work, grants.principal_with_id(account, eve), "reports")
    return account


@pytest.fixture
def moment(acme) -> str:
    """A time after all that, before anything else."""
    at = now()
    while now() - at < timedelta(milliseconds=1):
        pass
    return at.isoformat()


def test_who_can_reach_a_folder_and_why(gatehouse, acme):
    said = gatehouse("report", "who-can", "Acme", "/brand").stdout
    assert said.startswith("Who can do folder.view on /Brand:\n")
    for cell in ("ada", "editor", "Designers in Creative", "tests (manual)", "the new brand"):
        assert cell in said
    shown = gatehouse("report", "who-can", "Acme", "/Brand", "--json")
    (ada,) = shown["people"]
    assert (ada["user_name"], shown["folder"]["path"], shown["truncated"]) == (
        "ada",
        "/Brand",
        False,
    )
    assert ada["because"][0]["through"] == ["Designers", "Creative"]
    by_id = gatehouse("report", "who-can", "Acme", shown["folder"]["id"], "--json")
    assert by_id == shown
    nobody = gatehouse("report", "who-can", "Acme", "/Brand", "--action", "folder.share").stdout
    assert nobody == "Who can do folder.share on /Brand:\nNobody.\n"


def test_what_a_user_can_reach(gatehouse, acme):
    said = gatehouse("report", "what-can", "Acme", "ADA").stdout
    assert said.startswith("What ada can reach:\n")
    assert "/Brand" in said and "editor" in said
    shown = gatehouse("report", "what-can", "Acme", "eve", "--json")
    assert [each["role"]["name"] for each in shown["account_roles"]] == ["reports"]
    assert (shown["active"], shown["folders"], shown["truncated"]) == (True, [], False)
    assert "reports" in gatehouse("report", "what-can", "Acme", "eve").stdout
    gatehouse("user", "deactivate", "Acme", "ada")
    assert (
        "Nothing: the user is not active." in gatehouse("report", "what-can", "Acme", "ada").stdout
    )


def test_what_was_is_told_of_what_is_gone(gatehouse, acme, moment):
    then = {"who": gatehouse("report", "who-can", "Acme", "/Brand", "--json")}
    then["what"] = gatehouse("report", "what-can", "Acme", "ada", "--json")
    with gatehouse.app.app_context(), write(acme) as work:
        users.delete(work, then["what"]["user"]["id"])
        folders.delete(work, then["who"]["folder"]["id"])
    on = ("--on", moment)
    assert _without_times(gatehouse("report", "who-could", "Acme", "/Brand", *on, "--json")) == (
        _without_times(then["who"])
    )
    assert gatehouse("report", "what-could", "Acme", "ada", *on, "--json") == then["what"]
    said = gatehouse("report", "who-could", "Acme", "/Brand", *on).stdout
    assert said.startswith(f"Who could do folder.view on /Brand at {moment}:\n")
    assert "Designers in Creative" in said
    said = gatehouse("report", "what-could", "Acme", "ada", *on).stdout
    assert said.startswith(f"What ada could reach at {moment}:\n")
    assert "/Brand" in said


def _without_times(shown):
    """Without when grants were given: of those that are gone it is the time of their ids."""
    for person in shown["people"]:
        for way in person["because"]:
            del way["granted_at"]
    return shown


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("who-could", "Acme", "/Brand", "--on", "2999-01-01"), "That time lies ahead"),
        (("who-could", "Acme", "/Brand", "--on", "2001-01-01T12:00+02:00"), "not there yet"),
        (("who-could", "Acme", "/Brand", "--on", "yesterday"), "is no day such as 2030-12-31"),
        (("who-could", "Acme", "/Nowhere", "--on"), "There was no folder '/Nowhere' then."),
        (("what-could", "Acme", "nobody", "--on"), "There was no user 'nobody' then."),
        (("who-can", "Acme", "/Nowhere"), "There is no folder '/Nowhere'."),
        (("who-can", "Acme", "no-such-id"), "There is no folder 'no-such-id'."),
        (("what-can", "Acme", "nobody"), "There is no user 'nobody'."),
        (("who-can", "Acme", "/Brand", "--action", "paint"), "Unknown action 'paint'"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(gatehouse, acme, moment, args, said):
    at = (moment,) if args[-1] == "--on" else ()
    result = gatehouse("report", *args, *at, exit_code=2)
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_limit_is_told(gatehouse, acme):
    with gatehouse.app.app_context(), write(acme) as work:
        people = [users.create(work, Profile(f"u{each}")) for each in range(3)]
        for each in people:
            to = grants.principal_with_id(acme, each)
            grants.give(work, to, "viewer", folders.find_by_path(acme, "/Brand"))
    said = gatehouse("report", "who-can", "Acme", "/Brand", "--limit", "2").stdout
    assert said.endswith("There is more: raise --limit.\n")
