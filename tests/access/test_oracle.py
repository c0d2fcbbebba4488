"""Every decision agrees with a second, slow and plain one, in random accounts."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from app.access.decisions import account_roles, check, is_allowed, permissions_on
from app.access.folders import folders_visible_to
from app.access.permissions import FOLDER_ACTIONS
from tests.access.oracle import World, build, worlds


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=worlds())
def test_every_answer_is_the_oracles(app, world: World):
    account_id = build(world)
    for user, user_id in enumerate(world.ids["users"]):
        account_answers_agree(account_id, user_id, world, user)
        for folder, folder_id in enumerate(world.ids["folders"]):
            folder_answers_agree(account_id, user_id, folder_id, world, user, folder)
        lists_agree(account_id, user_id, world, user)


def account_answers_agree(account_id: str, user_id: str, world: World, user: int) -> None:
    held = {grant.role_name for grant in account_roles(account_id, user_id)}
    assert held == world.roles_on(user, None)
    for action in ("user.manage", "audit.view", "billing.view"):
        allowed = action in world.permissions(user, None)
        assert check(account_id, user_id, action, None).allowed is allowed
        assert is_allowed(account_id, user_id, action, None) is allowed


def folder_answers_agree(
    account_id: str, user_id: str, folder_id: str, world: World, user: int, folder: int
) -> None:
    expected = world.permissions(user, folder)
    assert permissions_on(account_id, user_id, folder_id) == expected & FOLDER_ACTIONS
    for action in ("folder.view", "folder.share"):
        decision = check(account_id, user_id, action, folder_id)
        assert decision.allowed is (action in expected)
        assert is_allowed(account_id, user_id, action, folder_id) is decision.allowed
        deciding = {grant.role_name for grant in decision.because}
        assert deciding == roles_with(world, action, user, folder)


def lists_agree(account_id: str, user_id: str, world: World, user: int) -> None:
    viewing = {
        folder: tuple(sorted(roles_with(world, "folder.view", user, folder)))
        for folder in world.folders
    }
    expected = [
        (world.path(folder), world.ids["folders"][folder], roles)
        for folder, roles in viewing.items()
        if roles
    ]
    found = folders_visible_to(account_id, user_id)
    assert [(each.path, each.id, each.roles) for each in found] == sorted(expected)


def roles_with(world: World, action: str, user: int, folder: int) -> set[str]:
    return {role for role in world.roles_on(user, folder) if action in world.roles[role]}
