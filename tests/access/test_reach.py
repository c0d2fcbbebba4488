"""The tree of what a person reaches: each branch is the oracle's, with reasons, and costs alike."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from app.access.folders import VISIBLE
from app.access.permissions import FOLDER_ACTIONS
from app.access.reach import Branch, ReachedFolder, branch_of
from app.directory import folders, users
from app.store.types import now
from tests.access.oracle import World, build, worlds
from tests.conftest import write
from tests.factories import a_custom_role, a_folder, a_grant, a_group, a_user, an_account
from tests.inspection import statements


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=worlds())
def test_every_branch_is_the_oracles(app, world: World):
    account_id = build(world)
    ids = world.ids["folders"]
    for user, user_id in enumerate(world.ids["users"]):
        seen = {each for each in world.folders if VISIBLE in world.permissions(user, each)}
        named = {above for each in seen for above in ways_up(world, each)} - seen
        for folder in world.folders:
            branch = branch_of(account_id, user_id, ids[folder])
            if folder and folder not in seen | named:
                assert branch is None
                continue
            assert branch is not None
            agrees(branch.folder, world, user, folder)
            inside = [each for each in world.folders if each and world.parents[each - 1] == folder]
            shown = sorted(f"f{each}" for each in inside if each in seen | named)
            assert [each.name for each in branch.folders] == shown
            for each in branch.folders:
                agrees(each, world, user, int(each.name[1:]))
                below = branch_of(account_id, user_id, each.id)
                assert each.opens is bool(below and below.folders)
            everything = branch_of(account_id, user_id, ids[folder], with_cut_off=True)
            assert everything is not None
            more = [each.name for each in everything.folders if each.is_seen or each.opens]
            assert more == shown
            for each in everything.folders:
                assert each.name in shown or (each.restricted and each.cut_off)


def ways_up(world: World, folder: int) -> set[int]:
    found = {0}
    while folder:
        folder = world.parents[folder - 1]
        found.add(folder)
    return found


def agrees(found: ReachedFolder, world: World, user: int, folder: int) -> None:
    assert found.is_seen is (VISIBLE in world.permissions(user, folder))
    here = world.roles_on(user, folder)
    everywhere = world.roles_on(user, None)
    with_folders = {role for role in everywhere if world.roles[role] & FOLDER_ACTIONS}
    assert set(found.roles) == (here - everywhere) | with_folders
    assert found.path == world.path(folder)
    above = world.reaching(world.parents[folder - 1]) if folder else set()
    cut = {grant.role for grant in world.grants_of(user) if grant.folder in above}
    is_restricted = bool(folder) and world.restricted[folder - 1]
    assert {each.grant.role_name for each in found.cut_off} == (cut if is_restricted else set())


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


@pytest.fixture
def brand(account) -> str:
    return a_folder(account, "Brand")


def reached(account: str, user: str, folder: str | None = None, **options) -> Branch:
    branch = branch_of(account, user, folder or folders.root_of(account), **options)
    assert branch is not None
    return branch


def reasons(folder: ReachedFolder) -> list[tuple]:
    return [(each.grant.role_name, each.folder_path, each.chain) for each in folder.given]


def test_each_folder_says_where_it_comes_from_the_nearest_first(account, ada, brand):
    year = a_folder(account, "2026", parent=brand)
    inner = a_group(account, "Designers", members=[ada])
    a_grant(account, a_group(account, "Creative", members=[inner]), "editor", brand)
    a_grant(account, ada, "viewer", year)
    a_grant(account, ada, "media_library_admin")
    a_grant(account, ada, "billing")
    (folder,) = reached(account, ada, brand).folders
    assert reasons(folder) == [
        ("viewer", "/Brand/2026", ()),
        ("editor", "/Brand", ("Designers", "Creative")),
        ("media_library_admin", None, ()),
    ]
    assert folder.roles == ["viewer", "editor", "media_library_admin"]
    held = {each.grant.role_name for each in reached(account, ada).on_account}
    assert held == {"billing", "media_library_admin"}


def test_folders_above_show_by_their_names_alone(account, ada, brand):
    a_folder(account, "Unknown")
    a_folder(account, "Secret", parent=brand)
    a_grant(account, ada, "viewer", a_folder(account, "2026", parent=brand))
    top = reached(account, ada)
    assert [(each.name, each.is_seen, each.opens) for each in top.folders] == [
        ("Brand", False, True)
    ]
    below = reached(account, ada, brand)
    assert [(each.name, each.is_seen) for each in below.folders] == [("2026", True)]
    assert (below.folder.is_seen, below.folder.path) == (False, "/Brand")
    assert [name for _, name in reached(account, ada, below.folders[0].id).above] == ["/", "Brand"]


def test_a_restricted_folder_tells_what_it_cuts_off_to_others_alone(account, ada, brand):
    secret = a_folder(account, "Secret", parent=brand, restricted=True)
    a_folder(account, "Below", parent=secret)
    a_grant(account, ada, "editor", brand)
    assert reached(account, ada, brand).folders == ()
    assert branch_of(account, ada, secret) is None
    (folder,) = reached(account, ada, brand, with_cut_off=True).folders
    assert (folder.name, folder.given, folder.opens) == ("Secret", (), False)
    assert [(each.grant.role_name, each.folder_path) for each in folder.cut_off] == [
        ("editor", "/Brand")
    ]
    assert branch_of(account, ada, secret, with_cut_off=True) is None
    a_grant(account, ada, "viewer", secret)
    (folder,) = reached(account, ada, brand).folders
    assert reasons(folder) == [("viewer", "/Brand/Secret", ())]
    assert [each.grant.role_name for each in folder.cut_off] == ["editor"]


def test_what_shows_nothing_opens_nothing(account, ada, brand):
    a_folder(account, "2026", parent=brand)
    uploader = a_custom_role(account, "folder", {"asset.upload"})
    a_grant(account, ada, uploader, brand)
    a_grant(account, ada, "viewer", brand, expires_at=now() + timedelta(seconds=-1))
    a_grant(account, ada, "editor", brand, not_before=now() + timedelta(hours=1))
    assert reached(account, ada).folders == ()
    a_grant(account, ada, "manager", brand)
    (folder,) = reached(account, ada, brand).folders
    assert len(folder.roles) == 2


def test_who_is_not_active_reaches_nothing(account, ada, brand):
    a_grant(account, ada, "viewer", brand)
    with write(account) as work:
        users.set_active(work, ada, False)
    branch = reached(account, ada)
    assert (branch.folders, branch.folder.given, branch.on_account) == ((), (), ())
    assert branch_of(account, ada, brand) is None


def test_another_account_does_not_exist(account, ada, brand):
    a_grant(account, ada, "master_admin")
    other = an_account()
    theirs = a_folder(other, "Theirs")
    for folder in (theirs, folders.root_of(other), "no such id", "\0", ""):
        assert branch_of(account, ada, folder) is None
    assert reached(other, ada).folders == ()


def test_a_branch_comes_page_by_page_at_the_same_cost(account, ada, brand):
    group = a_group(account, "Designers", members=[ada])
    a_grant(account, group, "viewer", brand)
    for number in range(25):
        a_folder(account, f"{number:02d}", parent=brand)
    a_folder(account, "zz", parent=brand, restricted=True)
    costs, found, after = set(), [], None
    while True:
        with statements() as seen:
            branch = reached(account, ada, brand, after=after, limit=10)
        costs.add(len(seen))
        found += [each.name for each in branch.folders]
        after = branch.next
        if after is None:
            break
    assert found == [f"{number:02d}" for number in range(25)]
    for number in range(30):
        a_grant(account, ada, "viewer", a_folder(account, f"Top {number}"))
    with statements() as seen:
        reached(account, ada)
    assert costs == {5} and len(seen) <= 6  # with the root that is looked for
