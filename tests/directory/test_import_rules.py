"""Nobody does by a file what they may not do by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.directory import groups, memberships, users
from app.directory.errors import Forbidden, Invalid
from app.directory.imports import joining
from app.directory.imports import run as running
from app.directory.users import Profile
from app.directory.work import Actor
from app.store.models import Grant, Group, Membership, Operation, User
from app.store.types import now
from tests.conftest import write
from tests.factories import (
    a_custom_role,
    a_folder,
    a_grant,
    a_group,
    a_mapping,
    a_master_admin,
    a_user,
)
from tests.imports import begin, counts, imported, problems
from tests.inspection import row, rows, statements

HEAD = "userName,displayName,active,groups\n"
MORE = "may do what you may not: billing.manage, billing.view."


def person(user_id: str) -> Actor:
    return Actor(type="user", id=user_id, name="ada", surface="console")


@pytest.fixture
def admin(account) -> Actor:
    """An ``admin``: all but billing. Another one is the master admin."""
    a_master_admin(account, "boss")
    user_id = a_user(account, "ada")
    a_grant(account, user_id, "admin")
    return person(user_id)


@pytest.mark.parametrize("held", ["now", "later", "through a group", "asleep"])
def test_nobody_changes_who_may_do_more(account, admin, held):
    more = a_user(account, "more", active=held != "asleep")
    begins = now() + timedelta(days=1) if held == "later" else None
    outer = a_group(account, members=[a_group(account, members=[more])])
    a_grant(account, outer if held == "through a group" else more, "billing", not_before=begins)
    done = imported(account, f"{HEAD}more,Mine,,\nless,Less,,\nada,Ada,,\n", admin)
    assert problems(done) == [(2, None, f"This user {MORE}")]
    assert counts(done) == {"created": 1, "updated": 1, "refused": 1}
    assert row(User, id=more).display_name is None
    with pytest.raises(Forbidden, match="This user"), write(account, admin) as work:
        users.replace(work, more, Profile("more", display_name="Mine"))


def test_what_one_held_and_who_is_not_changed_does_not_count(account, admin):
    former, more = a_user(account, "former"), a_user(account, "more")
    a_grant(account, former, "billing", expires_at=now() - timedelta(days=1))
    a_grant(account, more, "billing")
    done = imported(account, f"{HEAD}former,F,,\nmore,,,Harmless\n", admin)
    assert counts(done) == {"updated": 1, "unchanged": 1, "groups": 1, "joined": 1}


@pytest.mark.parametrize("nested", [False, True])
def test_nobody_is_put_into_a_group_that_holds_more(account, admin, nested):
    inner = a_group(account, "Inner")
    a_grant(account, a_group(account, "Outer", members=[inner]) if nested else inner, "billing")
    text = f"{HEAD}bob,,,Inner;Other\ncyd,,,Other\n"
    done = imported(account, text, admin)
    assert problems(done) == [(2, "groups", f"Inner: This group {MORE}")]
    assert counts(done) == {"created": 1, "refused": 1, "groups": 1, "joined": 1}
    assert rows(User, user_name="bob") == []
    with pytest.raises(Forbidden), write(account, admin) as work:
        memberships.add(work, inner, [row(User, user_name="cyd").id])


def test_nobody_makes_a_group_that_a_mapping_gives_more(account, admin):
    a_mapping(account, "bosses", "master_admin")
    a_mapping(account, "readers", "reports")
    done = imported(account, f"{HEAD}bob,,,Bosses\ncyd,,,Readers\n", admin)
    assert [each[:2] for each in problems(done)] == [(2, "groups")]
    assert [each.display_name for each in rows(Group)] == ["Readers"]
    assert [each.role_id for each in rows(Grant, origin="mapping")] == ["reports"]


def test_a_group_with_folders_needs_its_roles_there(account):
    """Who manages people and groups, and one folder."""
    brand, press = a_folder(account), a_folder(account)
    ada = a_user(account, "ada")
    a_grant(account, ada, a_custom_role(account, "account", ["user.manage", "group.manage"]))
    a_grant(account, ada, "manager", brand)
    for name, folder in (("Brand", brand), ("Press", press)):
        a_grant(account, a_group(account, name), "editor", folder)
    done = imported(account, f"{HEAD}bob,,,Brand\ncyd,,,Press\n", person(ada))
    assert [each[:2] for each in problems(done)] == [(3, "groups")]
    assert counts(done) == {"created": 1, "refused": 1, "joined": 1}


def test_folders_of_many_groups_are_asked_about_together(account):
    ada = a_user(account, "ada")
    a_grant(account, ada, a_custom_role(account, "account", ["user.manage", "group.manage"]))
    costs = []
    for count in (2, 12):
        names = [f"{count}-{number}" for number in range(count)]
        for name in names:
            a_grant(account, a_group(account, name), "viewer", a_folder(account))
        with statements() as seen:
            done = imported(account, f"{HEAD}p{count},,,{';'.join(names)}\n", person(ada))
        assert counts(done) == {"refused": 1}
        costs.append(len(seen))
    assert costs[0] == costs[1]


def test_nobody_is_taken_out_of_a_group_that_holds_more(account, admin):
    bob = a_user(account, "bob")
    bosses = a_group(account, "Bosses", members=[bob])
    text = f"{HEAD}bob,,,Other\ncyd,,,\n"
    a_grant(account, bosses, "billing")
    done = imported(account, text + "dan,,,bosses\n", admin, groups="exactly")
    assert [each[:2] for each in problems(done)] == [(2, "groups"), (4, "groups")]
    assert [each.user_id for each in rows(Membership, group_id=bosses)] == [bob]


def test_what_a_group_gives_meanwhile_counts(account, admin, monkeypatch):
    """Rights are looked at when people are put in, not when the file begins."""
    group = a_group(account, "Group")
    find = running.Run.find_groups

    def then_given(run: running.Run) -> None:
        find(run)
        a_grant(account, group, "billing")

    monkeypatch.setattr(running.Run, "find_groups", then_given)
    done = imported(account, f"{HEAD}bob,,,Group;Other\n", admin)
    assert problems(done) == [(2, "groups", f"This group {MORE}")]
    assert counts(done) == {"created": 1, "partly": 1, "groups": 1, "joined": 1}


def test_a_group_that_goes_meanwhile_is_said(account, monkeypatch):
    gone = a_group(account, "Gone")
    find = running.Run.find_groups

    def then_deleted(run: running.Run) -> None:
        find(run)
        with write(account) as work:
            groups.delete(work, gone)

    monkeypatch.setattr(running.Run, "find_groups", then_deleted)
    done = imported(account, f"{HEAD}bob,,,Gone;Kept\n")
    assert problems(done) == [(2, "groups", "A group that it names is gone meanwhile.")]
    assert counts(done) == {"created": 1, "partly": 1, "groups": 1, "joined": 1}


def test_who_comes_into_a_group_meanwhile_is_in_it_once(account, monkeypatch):
    """And who is deleted meanwhile is in none."""
    group, bob, cyd = a_group(account, "Group"), a_user(account, "bob"), a_user(account, "cyd")
    batches = joining.Window.batches

    def then_written(window: joining.Window):
        if rows(Membership) == []:
            with write(account) as work:
                memberships.add(work, group, [bob])
                users.delete(work, cyd)
        return batches(window)

    monkeypatch.setattr(joining.Window, "batches", then_written)
    done = imported(account, f"{HEAD}bob,,,Group\ncyd,,,Group\ndan,,,Group\n")
    assert (done.state, counts(done)["joined"]) == ("done", 1)
    members = {each.user_id for each in rows(Membership, group_id=group)}
    assert members == {bob, row(User, user_name="dan").id}


@pytest.mark.parametrize("lacking", ["user.manage", "group.manage"])
def test_who_may_not_begins_nothing(account, lacking):
    ada = a_user(account)
    may = {"user.manage", "group.manage", "user.view"} - {lacking}
    a_grant(account, ada, a_custom_role(account, "account", may))
    with pytest.raises(Forbidden, match=lacking):
        begin(account, f"{HEAD}bob,,,A\n", person(ada))
    assert rows(Operation) == []
    if lacking == "group.manage":
        assert counts(imported(account, f"{HEAD}bob,,,A\n", person(ada), groups="ignore"))
        assert counts(imported(account, "userName\ncyd\n", person(ada)))


def test_nobody_imported_gets_a_role(account):
    """Not even where the file has a column for it."""
    a_mapping(account, "boss", "master_admin", match_by="role")
    text = "userName,role,roles,entitlements,accountRole\nbob,boss,boss,boss,master_admin\n"
    done = imported(account, text)
    assert done.options["form"]["ignored"] == ["role", "roles", "entitlements", "accountRole"]
    assert rows(Grant) == [] and row(User).attributes == {}


def test_one_who_is_made_admin_by_hand_stays_what_they_are(account):
    bob = a_user(account, "bob", values={"roles": [{"value": "boss"}]})
    a_mapping(account, "boss", "reports", match_by="role")
    imported(account, f"{HEAD}bob,Bob,,\n")
    assert [each.user_id for each in rows(Grant)] == [bob]


def test_unknown_options_are_refused(account):
    with pytest.raises(Invalid, match="groups must be add or exactly or ignore"):
        begin(account, HEAD + "bob,,,\n", groups="all")
