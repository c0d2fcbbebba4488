"""One function per thing the tests need: each makes it in a transaction of its own.

What a test does not say is made up; what it says stands in the call.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import insert, select

from app.directory import (
    accounts,
    connections,
    folders,
    grants,
    groups,
    mappings,
    memberships,
    sessions,
    streams,
    tokens,
    users,
)
from app.directory.grants import Principal
from app.directory.groups import GroupProfile
from app.directory.reviews import start as reviews
from app.directory.users import Profile
from app.store.database import db
from app.store.models import Group, Membership, Role, Token, User
from app.store.types import comparison_key, new_id, now
from benchmarks import world
from tests.conftest import CLI_ACTOR, write

_numbers = count(1)
HOUR = timedelta(hours=1)


def an_account(name: str | None = None) -> str:
    return accounts.create(CLI_ACTOR, name or f"Account {next(_numbers)}")


def a_user(
    account_id: str, user_name: str | None = None, *, password: str | None = None, **profile: Any
) -> str:
    with write(account_id) as work:
        name = user_name or f"user{next(_numbers)}@example.com"
        return users.create(work, Profile(name, **profile), password=password)


def a_group(
    account_id: str, name: str | None = None, *, members: Iterable[str] = (), **profile: Any
) -> str:
    with write(account_id) as work:
        group_id = groups.create(work, GroupProfile(name or f"Group {next(_numbers)}", **profile))
        memberships.add(work, group_id, members)
    return group_id


def a_large_group(account_id: str, size: int) -> str:
    """A group of so many users, written as plain rows to be quick."""
    group_id = a_group(account_id)
    names = [f"user{next(_numbers)}@example.com" for _ in range(size)]
    user_rows = [
        {"account_id": account_id, "id": new_id(), "user_name": name, "user_name_key": name}
        for name in names
    ]
    key = {"account_id": account_id, "group_id": group_id}
    with write(account_id):
        db.session.execute(insert(User), user_rows)
        db.session.execute(insert(Membership), [key | {"user_id": u["id"]} for u in user_rows])
        count_again(account_id)
    return group_id


def count_again(account_id: str) -> None:
    """Let an account count the users and groups that were written as plain rows."""
    world.count(account_id)


def a_folder(
    account_id: str,
    name: str | None = None,
    *,
    parent: str | None = None,
    restricted: bool = False,
) -> str:
    """A folder under the root, or under the parent."""
    with write(account_id) as work:
        parent_id = parent or folders.root_of(account_id)
        return folders.create(
            work, parent_id, name or f"Folder {next(_numbers)}", restricted=restricted
        )


def a_principal(account_id: str, id_: str) -> Principal:
    """The user or group with an id, as one to whom grants are given."""
    is_group = select(Group.id).where(Group.account_id == account_id, Group.id == id_)
    type_ = "user" if db.session.scalar(is_group) is None else "group"
    return grants.principal_named(account_id, type_, id_)


def a_grant(
    account_id: str,
    to: str,
    role: str,
    folder: str | None = None,
    *,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
) -> bool:
    with write(account_id) as work:
        return grants.give(
            work,
            a_principal(account_id, to),
            role,
            folder,
            not_before=not_before,
            expires_at=expires_at,
        ).changed


def a_master_admin(account_id: str, user_name: str | None = None) -> str:
    user_id = a_user(account_id, user_name)
    a_grant(account_id, user_id, "master_admin")
    return user_id


def a_mapping(
    account_id: str, match: str, role: str, folder: str | None = None, **options: Any
) -> str:
    with write(account_id) as work:
        return mappings.create(work, match, role, folder, **options)


def a_connection(account_id: str, kind: str = "scim", name: str | None = None) -> str:
    with write(account_id) as work:
        return connections.create(work, kind, name or f"Connection {next(_numbers)}")


def a_token(account_id: str, connection_id: str | None = None, **options: Any):
    connection_id = connection_id or a_connection(account_id)
    options = {"name": "okta", "scopes": ["users", "groups"]} | options
    with write(account_id) as work:
        return tokens.create(work, connection_id, **options)


def name_of_next_token(account_id: str) -> str:
    """``tests``, and something of its own for more: no two that live have the same name."""
    named = select(Token.id).where(Token.account_id == account_id, Token.name == "tests")
    return "tests" if db.session.scalar(named) is None else f"tests {new_id()}"


def a_session(account_id: str, user_id: str, *, lifetime: timedelta = HOUR, **options: Any) -> str:
    """The secret of a new session."""
    with write(account_id) as work:
        return sessions.open_session(
            work, user_id, lifetime=lifetime, **{"method": "saml"} | options
        )


def a_link(account_id: str, user_id: str, *, lifetime: timedelta = HOUR) -> str:
    """The secret of a new sign-in link."""
    with write(account_id) as work:
        return sessions.create_link(work, user_id, lifetime=lifetime)


def a_custom_role(
    account_id: str, scope: str, permissions: Iterable[str], *, name: str | None = None
) -> str:
    """A role with permissions of its own, written as a row: no face makes them yet."""
    role_id, name = new_id(), name or f"Role {next(_numbers)}"
    row = {"account_id": account_id, "id": role_id, "scope": scope, "name": name}
    with write(account_id):
        db.session.execute(
            insert(Role),
            [row | {"name_key": comparison_key(name), "permissions": sorted(permissions)}],
        )
    return role_id


def a_stream(account_id: str, name: str = "Receiver") -> str:
    """A stream that a receiver polls, of the events from now on; returns its id."""
    with write(account_id) as work:
        return streams.create(work, name).id


def a_review(
    account_id: str, what: str = "role", target: str | None = "editor", **plan: Any
) -> str:
    """A review that has begun; unless told otherwise, of an editor on a folder."""
    if target == "editor":
        a_grant(account_id, a_user(account_id), "editor", a_folder(account_id))
    options = {"name": "Autumn", "due_at": now() + timedelta(days=7)} | plan
    with write(account_id) as work:
        return reviews.start(work, reviews.Plan(what=what, target_id=target, **options))
