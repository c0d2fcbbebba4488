"""Imports of people: the same rows and events as one person at a time, whatever is there before."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from app.directory import groups, memberships, users
from app.directory.errors import Invalid
from app.directory.groups import GroupProfile
from app.directory.imports import refusals
from app.directory.imports.persons import column_named
from app.directory.imports.table import rows_from, survey
from app.directory.users import Profile
from app.store.models import (
    Grant,
    Group,
    Membership,
    Operation,
    OperationPiece,
    OutgoingEvent,
    Session,
    User,
    UserValue,
)
from tests.conftest import write
from tests.factories import a_group, a_mapping, a_master_admin, a_session, a_user, an_account
from tests.imports import HEAD, a_file, begin, counts, imported, problems, run
from tests.inspection import audit, epoch, fingerprint, row, rows, statements

NOT_COMPARED = {"account_id", "id", "user_id", "created_at", "updated_at", "last_sign_in_at"}
FILE = (
    "userName,displayName,givenName,familyName,email,externalId,active,title,department,groups\n"
    "ada@example.com,Ada L.,Ada,Lovelace,ada@example.com,E1,,Countess,Engines,Designers;Press\n"
    "bob@example.com,,Bob,,bob@work.example,,no,,,Press\n"
    "Ünï@example.com,,,,,,,,,\n"
)


def kept(each: Any) -> str:
    said = {name: value for name, value in each._mapping.items() if name not in NOT_COMPARED}
    return json.dumps(said, sort_keys=True)


def content(account_id: str) -> dict[str, Any]:
    """All an account holds of people, by names where there are ids."""
    names = {each.id: each.user_name for each in rows(User, account_id=account_id)}
    titles = {each.id: each.display_name for each in rows(Group, account_id=account_id)}
    values = rows(UserValue, account_id=account_id)
    return {
        "users": sorted(map(kept, rows(User, account_id=account_id))),
        "values": sorted((names[each.user_id], kept(each)) for each in values),
        "groups": sorted(
            (each.display_name, each.origin, each.attributes == {})
            for each in rows(Group, account_id=account_id)
        ),
        "memberships": sorted(
            (titles[each.group_id], names[each.user_id])
            for each in rows(Membership, account_id=account_id)
        ),
        "grants": sorted(
            (titles.get(each.group_id, ""), each.role_id, each.origin)
            for each in rows(Grant, account_id=account_id)
        ),
    }


def told(account_id: str) -> dict[str, Any]:
    """What the audit log says of people and groups, by names where there are ids."""
    names = {each.id: each.user_name for each in rows(User, account_id=account_id)}
    found: dict[str, Any] = {"events": Counter(), "members": Counter()}
    for each in audit(account_id):
        if each.target_type not in ("user", "group"):
            continue
        if each.action.startswith("group.members_"):
            for member in each.after["members"]:
                found["members"][each.action, each.target_name, names[member]] += 1
        elif each.action not in ("grant.given", "session.opened"):
            said = json.dumps([each.before, each.after], sort_keys=True)
            found["events"][each.action, each.target_name, said] += 1
    return found


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


def test_another_account_is_untouched(account, other):
    a_user(other, "ada@example.com", external_id="E1")
    a_group(other, "Designers")
    before = content(other)
    imported(account, FILE, groups="exactly")
    assert content(other) == before
    assert rows(Operation, account_id=other) == []


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


def test_names_of_columns_do_not_fill_the_memory():
    for number in range(30):
        head = ",".join(f"{number}.{each}" for each in range(90))
        _rows_of(f"userName,{head}\nada\n")
    assert column_named.cache_info().currsize <= 1_000


def _rows_of(text):
    data = [text.encode()]
    form = survey(data).form
    return list(rows_from([text.encode()[form.begins :]], form, form.begins, form.line))
