"""The time machine says of every moment what the account said at that moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.access import past
from app.access.decisions import UnknownAction
from app.access.difference import Access
from app.access.history import NotInHistory, WhoCould, what_could, who_could
from app.directory import folders, grants, groups, roles, users
from app.directory.errors import LastMasterAdmin
from app.directory.folders import FolderProfile
from app.directory.members import NAMED_IN_EVENT
from app.directory.work import Target, record_refusal
from app.store.database import db
from app.store.models import Account, Grant, User
from app.store.types import now
from tests.access.past_world import ACTIONS, OFTEN, OPERATIONS, World
from tests.conftest import CLI_ACTOR, write
from tests.factories import (
    a_folder,
    a_grant,
    a_group,
    a_large_group,
    a_master_admin,
    a_principal,
    a_user,
    an_account,
)
from tests.inspection import rows, statements

EXAMPLES = {"sqlite": 24, "postgresql": 8}
number = st.integers(0, 11)
operations = st.tuples(st.sampled_from(OPERATIONS + OFTEN), number, number, number, number)


def a_moment() -> datetime:
    """A time between the writes before it and those after it."""
    at = now()
    while now() == at:
        pass
    return at


def names(found: WhoCould) -> list[str]:
    return [each.user_name for each in found.people]


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


@pytest.fixture
def brand(account) -> str:
    return a_folder(account, "Brand")


# -- Whatever is done -----------------------------------------------------------


def test_every_moment_is_as_it_was_whatever_is_done_later(app, database_url):
    @settings(
        max_examples=EXAMPLES[database_url.partition(":")[0].partition("+")[0]],
        deadline=None,
        phases=[Phase.reuse, Phase.generate],  # Shrinking would take minutes.
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(operations, min_size=4, max_size=24))
    def run(steps) -> None:
        world = World()
        moments = [world.moment()]
        for step in steps:
            world.do(*step)
            moments.append(world.moment())
        for number, moment in enumerate(moments):
            check_who(world, moment, number)
            check_what(world, moment, number)

    run()


def check_who(world, moment, number) -> None:
    """Who could do one of the actions, on each folder: all of them would take minutes."""
    asked = ACTIONS[number % len(ACTIONS)]
    for (action, folder), expected in moment.who.items():
        if action != asked:
            continue
        found = who_could(world.account, action, folder, moment.at)
        assert not found.truncated
        assert {
            each.user_id: (each.user_name, frozenset(way.grant.id for way in each.because))
            for each in found.people
        } == expected


def check_what(world, moment, number) -> None:
    for user_id, expected in moment.what.items():
        found = what_could(world.account, expected.user_name if number % 2 else user_id, moment.at)
        assert found.user_id == user_id
        assert found.active or not (expected.account_roles or expected.folders)
        held = frozenset(each.grant.role_name for each in found.account_roles)
        folders_ = {each.id: each for each in found.folders}
        assert Access(found.user_name, held, folders_) == expected
    for user in rows(User, account_id=world.account):
        if user.id not in moment.what:
            with pytest.raises(NotInHistory):
                what_could(world.account, user.id, moment.at)


# -- What has been deleted since ------------------------------------------------


def test_people_groups_and_folders_that_are_gone_are_named_with_the_way_they_had(
    account, ada, brand
):
    designers = a_group(account, "Designers", members=[ada])
    creative = a_group(account, "Creative", members=[designers])
    with write(account) as work:
        to = a_principal(account, creative)
        grants.give(work, to, "editor", brand, reason="the new brand")
    given = db.session.scalars(select(Grant.id).where(Grant.folder_id == brand)).one()
    at = a_moment()
    with write(account) as work:
        users.delete(work, ada)
        groups.delete(work, creative)
        groups.delete(work, designers)
        folders.delete(work, brand)
    found = who_could(account, "asset.edit", "/brand", at)
    assert (found.folder_id, found.folder_path) == (brand, "/Brand")
    (holder,) = found.people
    (way,) = holder.because
    assert (holder.user_id, holder.user_name) == (ada, "ada")
    assert way.chain == ("Designers", "Creative")
    assert (way.folder_path, way.grant.depth) == ("/Brand", 0)
    assert (way.grant.id, way.grant.role_name, way.grant.reason) == (
        given,
        "editor",
        "the new brand",
    )
    assert (way.grant.granted_by, way.grant.origin) == ("tests", "manual")
    assert way.grant.group_name == "Creative"
    assert abs(way.grant.created_at - at) < timedelta(minutes=1)
    assert [each.path for each in what_could(account, "ADA", at).folders] == ["/Brand"]
    with pytest.raises(NotInHistory, match="There was no folder '/brand' then"):
        who_could(account, "asset.edit", "/brand", a_moment())
    with pytest.raises(NotInHistory, match="There was no user 'ada' then"):
        what_could(account, "ada", a_moment())


def test_members_of_a_large_group_that_is_gone_are_all_named(account, brand):
    group = a_large_group(account, NAMED_IN_EVENT + 5)
    a_grant(account, group, "viewer", brand)
    at = a_moment()
    with write(account) as work:
        groups.delete(work, group)
    pages, after = [], ""
    while page := who_could(account, "folder.view", brand, at, after=after, limit=300):
        pages += [each.user_id for each in page.people]
        after = pages[-1]
        if not page.truncated:
            break
    assert len(pages) == len(set(pages)) == NAMED_IN_EVENT + 5
    assert pages == sorted(pages)


# -- Names and paths as they were -----------------------------------------------


def test_a_folder_is_found_by_the_path_it_had_then_and_else_by_the_one_it_has(account, ada, brand):
    inner = a_folder(account, "2026", parent=brand)
    a_grant(account, ada, "viewer", inner)
    before = a_moment()
    press = a_folder(account, "Press")
    with write(account) as work:
        folders.replace(work, brand, FolderProfile("Marke", press))
        folders.create(work, folders.root_of(account), "Brand")
    assert who_could(account, "folder.view", "/Brand/2026", before).folder_id == inner
    assert who_could(account, "folder.view", "/press/marke/2026", before).folder_path == (
        "/Brand/2026"
    )
    assert [each.path for each in what_could(account, ada, before).folders] == ["/Brand/2026"]
    with pytest.raises(NotInHistory):
        who_could(account, "folder.view", press, before)
    later = a_moment()
    assert [each.path for each in what_could(account, ada, later).folders] == ["/Press/Marke/2026"]
    with pytest.raises(NotInHistory):
        who_could(account, "folder.view", "/Brand/2026", later)


def test_a_user_is_found_by_the_name_they_had_then_and_else_by_the_one_they_have(account, ada):
    before = a_moment()
    with write(account) as work:
        users.replace(work, ada, users.Profile("lovelace"))
    other = a_user(account, "ada")
    assert what_could(account, "Ada", before).user_id == ada
    assert what_could(account, "lovelace", before).user_name == "ada"
    assert what_could(account, "ada", a_moment()).user_id == other
    for name in ("", "nobody", "\0", other):
        with pytest.raises(NotInHistory):
            what_could(account, name, before)


def test_a_custom_role_permits_what_it_permitted(account, ada, brand):
    with write(account) as work:
        role = roles.create(work, "folder", "painter", ["folder.view", "asset.edit"])
    a_grant(account, ada, role, brand)
    before = a_moment()
    with write(account) as work:
        roles.replace(work, role, "looker", ["folder.view"])
    assert names(who_could(account, "asset.edit", brand, before)) == ["ada"]
    assert names(who_could(account, "asset.edit", brand, a_moment())) == []
    with write(account) as work:
        users.delete(work, ada)
        roles.delete(work, role)
    (holder,) = who_could(account, "asset.edit", brand, before).people
    assert holder.because[0].grant.role_name == "painter"
    assert what_could(account, ada, before).folders[0].roles == ("painter",)


# -- Grants for a time ----------------------------------------------------------


def test_a_grant_counts_from_when_it_began_until_it_ended(account, ada, brand):
    begins, ends = now() + timedelta(milliseconds=150), now() + timedelta(milliseconds=300)
    a_grant(account, ada, "viewer", brand, not_before=begins, expires_at=ends)
    before = a_moment()
    while now() <= ends:
        pass
    asked = (before, begins, ends - timedelta(microseconds=1), ends)
    answers = [bool(who_could(account, "folder.view", brand, at).people) for at in asked]
    assert answers == [False, True, True, False]
    with write(account) as work:
        users.delete(work, ada)
    assert answers == [bool(what_could(account, ada, at).folders) for at in asked]


# -- What does not count, what is refused ---------------------------------------


def test_what_was_refused_does_not_count(account, ada, brand):
    boss = a_master_admin(account, "boss")
    a_grant(account, ada, "viewer", brand)
    at = a_moment()
    with pytest.raises(LastMasterAdmin), write(account) as work:
        users.delete(work, boss)
    for target in (Target("user", ada), Target("folder", brand)):
        record_refusal(account, CLI_ACTOR, f"{target.type}.created", "no", target)
    assert sorted(names(who_could(account, "folder.view", brand, at))) == ["ada", "boss"]


def test_a_time_that_is_none_is_refused_with_what_is_wrong(account, ada, brand):
    made = db.session.scalars(select(Account.created_at).where(Account.id == account)).one()
    early, late = made - timedelta(microseconds=1), now() + timedelta(hours=1)
    for at, said in (
        (early, "The account was not there yet: it was made at 2"),
        (late, "That time lies ahead"),
        (datetime(2026, 1, 1), "A time needs its zone"),
    ):
        with pytest.raises(NotInHistory, match=said):
            who_could(account, "folder.view", brand, at)
        with pytest.raises(NotInHistory, match=said):
            what_could(account, ada, at)


def test_an_action_must_exist_and_an_account_is_one_of_its_own(account, ada, brand):
    a_grant(account, ada, "admin")
    at, other = a_moment(), an_account()
    with pytest.raises(UnknownAction):
        who_could(account, "folder.paint", brand, at)
    for place in (brand, "/Brand"):
        with pytest.raises(NotInHistory):
            who_could(other, "folder.view", place, a_moment())
    with pytest.raises(NotInHistory):
        what_could(other, ada, a_moment())
    with pytest.raises(NotInHistory, match="no such account"):
        what_could("no such id", ada, at)
    assert names(who_could(account, "user.manage", None, at)) == ["ada"]
    assert names(who_could(account, "folder.view", None, at)) == []


# -- What it costs, and what happens meanwhile -----------------------------------


def test_of_many_folders_those_further_up_are_shown(account, ada, brand):
    a_grant(account, ada, "viewer", brand)
    inside = [a_folder(account, f"f{each}", parent=brand) for each in range(3)]
    a_folder(account, "deep", parent=inside[0])
    a_folder(account, "a", parent=brand, restricted=True)
    found = what_could(account, ada, a_moment(), limit=4)
    assert found.truncated
    assert [each.path for each in found.folders] == [
        "/Brand",
        "/Brand/f0",
        "/Brand/f1",
        "/Brand/f2",
    ]
    assert not what_could(account, ada, a_moment(), limit=5).truncated


def test_the_account_does_not_count_but_what_has_changed(account, ada, brand):
    group = a_group(account, members=[ada])
    a_grant(account, group, "viewer", brand)
    counts = []
    for _ in range(2):
        at = a_moment()
        with statements() as seen:
            who_could(account, "folder.view", brand, at)
            what_could(account, ada, at)
        counts.append(len(seen))
        for each in range(20):
            a_grant(account, a_user(account), "viewer", a_folder(account, f"more{each}{_}"))
    assert counts[0] == counts[1] <= 30


def test_what_is_written_meanwhile_is_not_seen(app, account, ada, brand, monkeypatch):
    a_grant(account, ada, "viewer", brand)
    at, read = a_moment(), past.changes_since

    def delete_ada() -> None:
        with app.app_context():
            with write(account) as work:
                users.delete(work, ada)
            db.session.remove()

    def read_while_others_write(*asked):
        found = read(*asked)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(delete_ada).result()
        return found

    monkeypatch.setattr(past, "changes_since", read_while_others_write)
    assert names(who_could(account, "folder.view", brand, at)) == ["ada"]
