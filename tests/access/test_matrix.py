"""The matrix of groups and folders: each cell is what somebody may who is in that group alone."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select

from app.access import matrix
from app.access.decisions import check, permissions_on
from app.access.permissions import EDITOR, FOLDER_ACTIONS, FOLDER_ROLES, VIEWER
from app.directory import folders
from app.store.database import db
from app.store.models import Group
from tests.access.oracle import World, build, worlds
from tests.factories import a_custom_role, a_folder, a_grant, a_group, an_account
from tests.inspection import plans, statements

GROUPS = range(4)
random_worlds = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def with_one_in_each_group(world: World) -> dict[int, int]:
    """Add somebody who is in one group alone, for each group; return who, by the group."""
    probes = {}
    for group in GROUPS:
        probes[group] = len(world.active)
        world.active.append(True)
        world.memberships.add((probes[group], group))
    return probes


@random_worlds
@given(world=worlds())
def test_each_cell_is_what_somebody_may_who_is_in_that_group_alone(app, world: World):
    probes = with_one_in_each_group(world)
    account = build(world)
    groups, places = world.ids["groups"], world.ids["folders"]
    found = matrix.cells(account, groups, places)
    assert len(found) == len(groups) * len(places)
    for group, probe in probes.items():
        user_id = world.ids["users"][probe]
        for folder in world.folders:
            cell = found[groups[group], places[folder]]
            assert cell.permissions == permissions_on(account, user_id, places[folder])
            assert cell.permissions == world.permissions(probe, folder) & FOLDER_ACTIONS
            for action in ("folder.view", "asset.upload", "folder.share"):
                decided = check(account, user_id, action, places[folder]).allowed
                assert (action in cell.permissions) is decided
            why = matrix.reasons(account, groups[group], places[folder])
            assert why.permissions == cell.permissions
            its = {role for role in world.roles_on(probe, folder) if gives(world, role)}
            assert {each.grant.role_name for each in why.because} == its
            assert cell.here is (bool(its) and is_here(world, probe, folder))
            assert cell.cut_off is bool(beyond(world, probe, folder) - cell.permissions)
            assert bool(why.cut_off) is bool(beyond(world, probe, folder))
            assert cell.below is any(
                folder in above(world, grant.folder) and grant.folder != folder
                for grant in world.grants_of(probe)
                if grant.folder is not None and gives(world, grant.role)
            )


@random_worlds
@given(world=worlds())
def test_who_has_something_on_a_folder_or_below_is_found(app, world: World):
    probes = with_one_in_each_group(world)
    account = build(world)
    for few in (matrix.FEW, -1):  # folder by folder, and group by group
        for folder, folder_id in enumerate(world.ids["folders"]):
            expected = {
                world.ids["groups"][group]
                for group, probe in probes.items()
                if any(
                    world.permissions(probe, each) & FOLDER_ACTIONS
                    for each in world.folders
                    if folder in above(world, each)
                )
            }
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(matrix, "FEW", few)
                condition = matrix.holding(account, folder_id)
            query = select(Group.id).where(Group.account_id == account, condition)
            assert set(db.session.scalars(query)) == expected


def gives(world: World, role: str) -> bool:
    return bool(world.roles[role] & FOLDER_ACTIONS)


def above(world: World, folder: int) -> set[int]:
    """The folder and all above it, restricted or not."""
    found = {folder}
    while folder:
        folder = world.parents[folder - 1]
        found.add(folder)
    return found


def of_roles(world: World, roles: set[str]) -> frozenset[str]:
    return frozenset().union(*(world.roles[role] for role in roles)) & FOLDER_ACTIONS


def is_here(world: World, user: int, folder: int) -> bool:
    right_here = {each.role for each in world.grants_of(user) if each.folder == folder}
    return of_roles(world, right_here) == world.permissions(user, folder) & FOLDER_ACTIONS


def beyond(world: World, user: int, folder: int) -> frozenset[str]:
    """What was given above and does not reach the folder."""
    far = above(world, folder) - world.reaching(folder)
    return of_roles(world, {each.role for each in world.grants_of(user) if each.folder in far})


@pytest.fixture
def brand(account) -> str:
    return a_folder(account, "Brand")


def test_a_cell_names_the_strongest_role_that_fits(account, brand):
    group = a_group(account)
    cell = matrix.cells(account, [group], [brand])[group, brand]
    assert (cell.role, cell.is_more, cell.here) == (None, False, False)
    for name in FOLDER_ROLES:
        a_grant(account, group, name, brand)
        cell = matrix.cells(account, [group], [brand])[group, brand]
        assert (cell.role, cell.is_more, cell.here) == (name, False, True)


@pytest.mark.parametrize(
    ("permissions", "role", "is_more"),
    [
        ({"asset.upload"}, None, True),
        (VIEWER | {"asset.delete"}, "viewer", True),
        (EDITOR, "editor", False),
    ],
)
def test_a_role_of_its_own_is_told_by_what_it_permits(account, brand, permissions, role, is_more):
    group = a_group(account)
    a_grant(account, group, a_custom_role(account, "folder", permissions), brand)
    cell = matrix.cells(account, [group], [brand])[group, brand]
    assert (cell.role, cell.is_more) == (role, is_more)


def test_the_reasons_say_through_which_groups(account, brand):
    inner = a_group(account, "Designers")
    middle = a_group(account, "Creative", members=[inner])
    a_grant(account, a_group(account, "Everyone", members=[middle]), "viewer", brand)
    a_grant(account, inner, "editor", brand)
    inside = a_folder(account, "2026", parent=brand)
    why = matrix.reasons(account, inner, inside)
    told = {(each.grant.role_name, each.folder_path, each.chain) for each in why.because}
    chain = ("Designers", "Creative", "Everyone")
    assert told == {("editor", "/Brand", ()), ("viewer", "/Brand", chain)}
    assert why.permissions == EDITOR
    locked = a_folder(account, "Secret", parent=inside, restricted=True)
    why = matrix.reasons(account, inner, locked)
    assert (why.permissions, why.because, len(why.cut_off)) == (frozenset(), (), 2)


def test_what_is_not_the_accounts_has_no_cell(account, brand):
    other = an_account()
    group, folder = a_group(other), a_folder(other)
    a_grant(other, group, "viewer", folder)
    assert matrix.cells(account, [group], [folder]) == {}
    assert not matrix.cells(account, [group], [brand])[group, brand].permissions
    assert matrix.reasons(account, group, folder) == matrix.Reasons(frozenset(), (), ())
    assert matrix.reasons(account, group, brand) == matrix.Reasons(frozenset(), (), ())


def test_how_many_statements_does_not_depend_on_the_size(account):
    counts = []
    for size in (2, 20):
        groups = [a_group(account) for _ in range(size)]
        places = [a_folder(account) for _ in range(size)]
        for group in groups:
            a_grant(account, group, "viewer", places[0])
            a_grant(account, group, "editor", folders.root_of(account))
        with statements() as seen:
            assert len(matrix.cells(account, groups, places)) == size * size
        counts.append(len(seen))
    assert counts == [5, 5]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_it_goes_from_the_groups_not_through_all_folders_and_grants(account, brand):
    group = a_group(account, members=[a_group(account)])
    a_grant(account, group, "viewer", a_folder(account, parent=brand))
    with plans() as steps:
        assert matrix.cells(account, [group], [brand])[group, brand].below
        assert not matrix.reasons(account, group, brand).because
    assert not [each for each in steps if each.startswith(("SCAN grants", "SCAN folder"))]
    of_grants = [each for each in steps if each.startswith("SEARCH grants")]
    assert of_grants
    assert all("account_id_group_id_folder_id (account_id=? AND group_id=?" in e for e in of_grants)
    of_closure = [each for each in steps if each.startswith("SEARCH folder_closure")]
    assert all("(account_id=? AND descendant_id=?" in each for each in of_closure)


@pytest.mark.parametrize("few", [matrix.FEW, -1])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_has_something_is_found_by_folder_or_by_group(account, brand, monkeypatch, few):
    """Not by role: most grants have one that gives something."""
    monkeypatch.setattr(matrix, "FEW", few)
    with plans() as steps:
        query = select(Group.id).where(matrix.holding(account, brand))
        assert db.session.scalars(query.where(Group.account_id == account)).all() == []
    of_grants = [each for each in steps if "grants" in each and "SEARCH" in each]
    by = "account_id_folder_id" if few > 0 else "account_id_group_id_folder_id"
    assert of_grants
    assert all(by in each for each in of_grants), of_grants
