"""At most what you hold: nobody gives, takes back or takes over what they may not do themselves.

It binds people and tokens of the API. A provider is bound by the scopes of its token; the command
line and mappings, which an administrator made, are not bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.access.grants import grants_near, grants_reaching
from app.access.permissions import ACCOUNT_ACTIONS, FOLDER_ACTIONS, permissions_of
from app.directory.errors import Forbidden
from app.directory.work import Work
from app.store.database import db
from app.store.models import Grant, NestedGroup, Role
from app.words import Said, all_of, say

FOLDERS_LIMIT = 100
"""On how many folders of a group the rights of somebody without them everywhere are looked up."""


def held(work: Work, folder_id: str | None = None) -> frozenset[str] | None:
    """Return what the actor may do on a folder, or on the account and every folder.

    It is what they could when the transaction began to ask: what they give themselves in it does
    not count. None: they are not bound.
    """
    actor = work.actor
    if actor.type == "token" and actor.surface == "api":
        return actor.scopes or frozenset()
    if actor.type != "user" or actor.id is None:
        return None
    if folder_id not in work.held:
        grants = grants_reaching(work.account_id, actor.id, folder_id, work.at)
        work.held[folder_id] = frozenset().union(*(grant.permissions for grant in grants))
    return work.held[folder_id]


def check_gift(work: Work, role: Any, folder_id: str | None) -> None:
    """Refuse an actor who gives or takes back a role without holding all that it permits.

    :param role: A row of ``roles``.
    :raises Forbidden: With what they lack.
    """
    permissions = permissions_of(role.scope, role.id, role.built_in, role.permissions)
    if work.actor.surface == "scim":
        _check_scopes(work, role.name, permissions)
    giving = "role.assign" if folder_id is None else "folder.share"
    check_permissions(work, permissions | {giving}, folder_id)


def check_gift_anywhere(work: Work, role: Any) -> None:
    """Refuse an actor who says that a role may be given, wherever that may be, or no more.

    :param role: A row of ``roles``.
    :raises Forbidden: With what they lack on the account and every folder.
    """
    permissions = permissions_of(role.scope, role.id, role.built_in, role.permissions)
    giving = "folder.share" if role.scope == "folder" else "role.assign"
    check_permissions(work, permissions | {giving})


def check_permissions(work: Work, wanted: Iterable[str], folder_id: str | None = None) -> None:
    """Refuse an actor who does not hold all of these on a folder, or on the account.

    :raises Forbidden: With what they lack.
    """
    own = held(work, folder_id)
    missing = set() if own is None else set(wanted) - own
    if missing:
        raise Forbidden(
            say(
                "One can give and take back at most what one holds. You lack: %(permissions)s.",
                permissions=sorted(missing),
            )
        )


def check_over(work: Work, user_id: str) -> None:
    """Refuse an actor who changes a user that may do more on the account than they may.

    Otherwise whoever may change a user's address or password could become that user.

    :raises Forbidden: With what they lack.
    """
    if user_id != work.actor.id:
        _refuse_more(work, user_id, say("This user"))
    else:
        held(work)


def check_gained(work: Work, user_id: str) -> None:
    """Refuse an actor who has made a user one that may do more on the account than they may.

    Such as by a value that a mapping gives a role for, also to themselves.

    :raises Forbidden: With what they lack.
    """
    _refuse_more(work, user_id, say("With this the user"))


def check_over_group(work: Work, group_id: str) -> None:
    """Refuse an actor who changes who is in a group that holds what they don't.

    :raises Forbidden: With what they lack.
    """
    own = held(work)
    if own is None:
        return
    on_folders: dict[str, frozenset[str]] = {}  # what it permits where, beyond their own
    for row in db.session.execute(_roles_through(work.account_id, group_id, work.at)):
        permits = permissions_of(row.scope, row.id, row.built_in, row.permissions)
        if row.folder_id is None and permits - own:
            raise _over(say("This group"), permits - own)
        if row.folder_id is not None and permits - own:
            on_folders[row.folder_id] = on_folders.get(row.folder_id, frozenset()) | permits
    if len(on_folders) > FOLDERS_LIMIT:
        raise _over(say("This group"), FOLDER_ACTIONS - own)
    for folder_id, permits in on_folders.items():
        more = permits - (held(work, folder_id) or frozenset())
        if more:
            raise _over(say("This group"), more)


def check_scim_scopes(work: Work, scopes: Iterable[str]) -> None:
    """Refuse an actor who issues a SCIM token that could make people more than they are.

    :raises Forbidden: With what they lack.
    """
    if "admins" in scopes:
        check_permissions(work, ACCOUNT_ACTIONS)


def _refuse_more(work: Work, user_id: str, who: Said) -> None:
    own = held(work)
    if own is None:
        return
    if user_id == work.actor.id:
        grants = grants_reaching(work.account_id, user_id, None, work.at)
    else:
        # Also what begins later, and what waits for them to be active again: whoever has their
        # address or password by then would have it.
        near = grants_near(work.account_id, user_id, ())
        grants = [each for each in near if each.expires_at is None or each.expires_at > work.at]
    more = frozenset().union(*(grant.permissions for grant in grants)) - own
    if more:
        raise _over(who, more)


def _roles_through(account_id: str, group_id: str, at: datetime) -> Any:
    """Return the roles, each with its folder, that being in a group brings, or will bring."""
    directly = select(NestedGroup.group_id).where(
        NestedGroup.account_id == account_id, NestedGroup.member_id == group_id
    )
    above = directly.cte(recursive=True)
    above = above.union(
        select(NestedGroup.group_id).where(
            NestedGroup.account_id == account_id, NestedGroup.member_id == above.c.group_id
        )
    )
    through = (Grant.group_id == group_id) | Grant.group_id.in_(select(above.c.group_id))
    return (
        select(Role.id, Role.scope, Role.built_in, Role.permissions, Grant.folder_id)
        .join(Grant, (Grant.account_id == Role.account_id) & (Grant.role_id == Role.id))
        .where(Grant.account_id == account_id, through)
        .where(Grant.expires_at.is_(None) | (Grant.expires_at > at))
    )


def _check_scopes(work: Work, name: str, permissions: frozenset[str]) -> None:
    """Refuse a provider's token that gives or takes back a role it has no scope for."""
    if work.actor.scopes is None:
        return
    needed = {"grants", "admins"} if permissions & ACCOUNT_ACTIONS else {"grants"}
    missing = sorted(needed - work.actor.scopes)
    if missing:
        raise Forbidden(
            say(
                "To give or take back %(role)s, a token needs the scope %(what)s.",
                role=name,
                what=all_of(missing),
            )
        )


def _over(who: Said, more: Iterable[str]) -> Forbidden:
    return Forbidden(
        say("%(who)s may do what you may not: %(permissions)s.", who=who, permissions=sorted(more))
    )
