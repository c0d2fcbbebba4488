"""Imports of people: the same rows and events as one person at a time, whatever is there before."""

from __future__ import annotations

from typing import Any

import pytest

from app.directory import groups, memberships, users
from app.directory.groups import GroupProfile
from app.directory.users import Profile
from app.store.models import Grant, Group, Membership, Operation, OutgoingEvent, Session, User
from tests.conftest import write
from tests.directory.importing import content, told
from tests.factories import a_group, a_mapping, a_session, a_user, an_account
from tests.imports import HEAD, counts, imported, problems
from tests.inspection import audit, epoch, fingerprint, row, rows

FILE = (
    "userName,displayName,givenName,familyName,email,externalId,active,title,department,groups\n"
    "ada@example.com,Ada L.,Ada,Lovelace,ada@example.com,E1,,Countess,Engines,Designers;Press\n"
    "bob@example.com,,Bob,,bob@work.example,,no,,,Press\n"
    "Ünï@example.com,,,,,,,,,\n"
)


def kinds(account_id: str) -> set[str]:
    """The kinds of audit events, but for those of the account's beginning and of imports."""
    found = {each.action for each in audit(account_id)}
    return {each for each in found if each.split(".")[0] in ("user", "group", "grant", "session")}


def by_hand(account_id: str, profiles: dict[str, tuple[Profile, list[str]]]) -> None:
    """Write what a file says as faces do: one thing after the other."""
    found = {each.user_name: each.id for each in rows(User, account_id=account_id)}
    made = {each.display_name: each.id for each in rows(Group, account_id=account_id)}
    for name, (profile, names) in profiles.items():
        for each in names:
            if each not in made:
                with write(account_id) as work:
                    made[each] = groups.create(work, GroupProfile(each))
        with write(account_id) as work:
            if name in found:
                users.replace(work, found[name], profile)
            else:
                found[name] = users.create(work, profile)
        for each in names:
            with write(account_id) as work:
                memberships.add(work, made[each], [found[name]])


def people_of_the_file() -> dict[str, tuple[Profile, list[str]]]:
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

    def email(value: str) -> dict[str, Any]:
        return {"emails": [{"value": value, "type": "work", "primary": True}]}

    ada = Profile(
        "ada@example.com",
        external_id="E1",
        display_name="Ada L.",
        attributes={
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "title": "Countess",
            enterprise: {"department": "Engines"},
        },
        values=email("ada@example.com"),
    )
    bob = Profile(
        "bob@example.com",
        display_name="Bob",
        active=False,
        attributes={"name": {"givenName": "Bob"}},
        values=email("bob@work.example"),
    )
    return {
        ada.user_name: (ada, ["Designers", "Press"]),
        bob.user_name: (bob, ["Press"]),
        "Ünï@example.com": (Profile("Ünï@example.com"), []),
    }


@pytest.fixture
def other(app) -> str:
    return an_account("By hand")


def test_an_import_ends_in_the_rows_and_events_of_one_by_one(account, other):
    for each in (account, other):
        a_mapping(each, "press", "reports")
    done = imported(account, FILE)
    by_hand(other, people_of_the_file())
    assert (done.state, counts(done)) == ("done", {"created": 3, "groups": 2, "joined": 3})
    assert content(account) == content(other)
    assert told(account) == told(other)
    assert kinds(account) == kinds(other)
    types = {each.type for each in rows(OutgoingEvent, account_id=account)}
    assert types >= {each.type for each in rows(OutgoingEvent, account_id=other)}
    assert [each.origin for each in rows(Grant, account_id=account)] == ["mapping"]


def test_a_change_writes_the_difference_as_one_by_one_does(account, other):
    """Whoever is deactivated is signed out, and nothing else of them changes."""
    for each in (account, other):
        emails = [{"value": "old@example.com", "type": "home", "primary": True}]
        emails += [{"value": "b@example.com", "type": "other"}]
        ada = a_user(
            each, "ada@example.com", attributes={"nickName": "A"}, values={"emails": emails}
        )
        a_session(each, a_user(each, "bob@example.com", external_id="B", display_name="Bob"))
        a_group(each, "Designers", members=[ada])
    before = epoch(account)
    done = imported(account, FILE)
    profiles = people_of_the_file()
    ada_new = profiles["ada@example.com"][0]
    ada_new.attributes = {"nickName": "A"} | ada_new.attributes
    ada_new.values["emails"].append({"value": "b@example.com", "type": "other"})
    profiles["bob@example.com"][0].external_id = "B"
    by_hand(other, profiles)
    expected = {"created": 1, "updated": 2, "groups": 1, "joined": 2}
    assert counts(done) == expected
    assert content(account) == content(other)
    assert told(account) == told(other)
    assert {each.revoked_at is None for each in rows(Session, account_id=account)} == {False}
    assert epoch(account) == before + 2, "once for the people, once for the memberships"


def test_what_is_there_already_is_left_alone(account):
    imported(account, FILE)
    before = {name: count for name, count in fingerprint().items() if name != "operations"}
    again = imported(account, FILE, groups="exactly")
    assert counts(again) == {"unchanged": 3}
    after = {name: count for name, count in fingerprint().items() if name != "operations"}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"audit_events", "outgoing_events"}
    assert {each.action for each in audit(account)[-2:]} == {"import.requested", "import.done"}


def test_people_are_found_by_external_id_then_by_user_name_in_any_case(account):
    renamed = a_user(account, "old@example.com", external_id="E1")
    same = a_user(account, "BOB@example.com")
    done = imported(account, "userName,externalId\nnew@example.com,E1\nbob@EXAMPLE.com,E2\n")
    assert counts(done) == {"updated": 2}
    assert row(User, id=renamed).user_name == "new@example.com"
    assert (row(User, id=same).user_name, row(User, id=same).external_id) == (
        "BOB@example.com",
        "E2",
    )


def test_without_a_user_name_the_address_is_it_and_renames_nobody(account):
    ada = a_user(account, "ada", external_id="E1")
    done = imported(account, "E-Mail Address;External ID\nada@example.com;E1\neve@example.com;\n")
    assert counts(done) == {"created": 1, "updated": 1}
    assert row(User, id=ada).user_name == "ada"
    assert row(User, user_name="eve@example.com").display_name is None


def test_an_empty_cell_says_nothing(account):
    a_user(account, "ada", display_name="Ada", active=False, attributes={"title": "Countess"})
    assert counts(imported(account, f"{HEAD}\nada,,,,,,\n")) == {"unchanged": 1}


def test_the_same_person_twice_is_written_one_after_the_other(account):
    text = "userName,externalId,title,groups\n"
    text += "ada,E1,First,A\nADA,,Second,B\nlovelace,E1,Third,\nada,,Another,\n"
    done = imported(account, text)
    assert counts(done) == {"created": 2, "updated": 2, "groups": 2, "joined": 2}
    titles = {each.user_name: each.attributes["title"] for each in rows(User)}
    assert titles == {"lovelace": "Third", "ada": "Another"}


def test_names_change_hands_in_the_order_of_the_file(account):
    a_user(account, "ada", external_id="1")
    bob = a_user(account, "bob", external_id="2")
    done = imported(account, "userName,externalId\nbob,1\ncyd,2\nbob,1\n")
    assert problems(done) == [(2, "userName", "Another user has the userName 'bob' already.")]
    assert {each.external_id: each.user_name for each in rows(User)} == {"1": "bob", "2": "cyd"}
    assert row(User, id=bob).user_name == "cyd"


def test_rows_are_refused_one_by_one_with_line_and_column(account):
    a_user(account, "twin1", external_id="T")
    a_user(account, "twin2", external_id="T")
    a_group(account, "Twice")
    a_group(account, "twice")
    text = (
        'userName,displayName,externalId,active,groups\n\n"ada",Ada,,,A\n'
        f",,,,\n,Nobody,,,\n{'x' * 257},,,,\ney,{'y' * 1100},,,\nbob,Bob,,maybe,\n"
        "cyd,C\0yd,,,\ndan,,T,,\neve,,,,Twice\nfay,,,,\n"
        "gus,,,,,,\nhal,,,,"
        + ";".join(map(str, range(101)))
        + f'\nida,,,,{"z" * 513}\n"jo\nann",Jo,,,\n'
    )
    done = imported(account, text)
    found = problems(done)
    assert [each[:2] for each in found] == [
        (5, "userName"),
        (6, "userName"),
        (7, "displayName"),
        (8, "active"),
        (9, "displayName"),
        (10, "externalId"),
        (11, "groups"),
        (13, None),
        (14, "groups"),
        (15, "groups"),
    ]
    assert found[6][2] == "Twice: Several groups have this name."
    assert counts(done)["refused"] == len(found)
    assert counts(done)["created"] == 3
    assert {each.user_name for each in rows(User)} >= {"ada", "fay", "jo\nann"}


def test_groups_are_made_only_where_that_is_wanted(account):
    a_group(account, "Press")
    done = imported(account, FILE, create_groups=False)
    assert problems(done) == [(2, "groups", "Designers: There is no such group.")]
    assert counts(done) == {"created": 2, "refused": 1, "joined": 1}
    assert rows(User, user_name="ada@example.com") == []


def test_groups_are_left_alone_where_that_is_wanted(account):
    done = imported(account, FILE, groups="ignore", create_groups=False)
    assert counts(done) == {"created": 3}
    assert rows(Group) == [] and done.total == done.done == 3


def test_exactly_takes_people_out_of_those_that_the_file_names(account):
    """Not out of others, and nobody whom the file does not name."""
    ada, bob, cyd = (a_user(account, name) for name in ("ada", "bob", "cyd"))
    press = a_group(account, "Press", members=[ada, bob, cyd])
    board = a_group(account, "Board", members=[ada, bob])
    text = "userName,groups\nada,Designers\nbob,press\nnew,press\n"
    done = imported(account, text, groups="exactly")
    assert counts(done) == {
        "created": 1,
        "updated": 1,
        "unchanged": 1,
        "groups": 1,
        "joined": 2,
        "left": 1,
    }
    in_press = {each.user_id for each in rows(Membership, group_id=press)}
    assert in_press == {bob, cyd, row(User, user_name="new").id}
    assert len(rows(Membership, group_id=board)) == 2
    (went,) = audit(account, "group.members_removed")
    assert (went.target_name, went.after) == ("Press", {"count": 1, "members": [ada]})


def test_a_trial_says_the_same_and_keeps_nothing(account):
    ada = a_user(account, "ada@example.com", display_name="Ada L.", external_id="E1")
    a_group(account, "Press", members=[ada])
    text = (
        FILE
        + "ada@example.com,,,,,,maybe,,,\neve@example.com,,,,,,,,,New\nEVE@example.com,,,,,,,,,\n"
    )
    before = fingerprint()
    tried = imported(account, text, groups="exactly", trial=True)
    after = fingerprint()
    assert {name for name in before if before[name] != after[name]} == {
        *("operations", "operation_problems", "audit_events", "outgoing_events")
    }
    assert (tried.state, tried.done) == ("done", tried.total)
    assert tried.examples["created"][:2] == ["bob@example.com", "Ünï@example.com"]
    assert tried.examples["updated"][0][0] == "ada@example.com"
    said, refused = counts(tried), problems(tried)
    assert said.pop("updated") == 2, "and one who would have been added before"
    real = imported(account, text, groups="exactly")
    done = counts(real)
    assert done.pop("updated", 0) + done.pop("unchanged", 0) == 2
    assert (said, refused) == (done, problems(real))


def test_another_account_is_untouched(account, other):
    a_user(other, "ada@example.com", external_id="E1")
    a_group(other, "Designers")
    before = content(other)
    imported(account, FILE, groups="exactly")
    assert content(other) == before
    assert rows(Operation, account_id=other) == []
