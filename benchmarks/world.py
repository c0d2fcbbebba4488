"""A large account, written as plain rows: the account the benchmarks ask about.

Deterministic: the same sizes give the same names, groups and grants.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from rich.progress import track
from sqlalchemy import func, select, text, update
from uuid_utils import uuid7

from app.directory import accounts, connections, folders
from app.directory.work import Actor, transaction
from app.store.bulk import TIMES, insert_rows
from app.store.database import Base, db, table
from app.store.models import (
    Account,
    AuditEvent,
    Folder,
    FolderClosure,
    Grant,
    Group,
    Membership,
    ProvisioningEntry,
    User,
    UserValue,
)
from app.store.types import new_id, now

ACTOR = Actor(type="system", name="benchmark", surface="cli")
FOLDERS_IN_A_FOLDER = 50
GIVEN = ("Ada", "Bo", "Chen", "Dilek", "Emeka", "Freya", "Goran", "Hana", "Ines", "Jonas")
FAMILY = ("Adler", "Brandt", "Costa", "Diallo", "Eriksen", "Fischer", "Gomez", "Haas", "Ito")
FOLDER_ROLES = ("viewer", "contributor", "editor", "manager")
AT_ONCE = 5_000
"""Rows written by one statement."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Sizes:
    users: int = 100_000
    groups: int = 10_000
    folders: int = 100_000
    grants: int = 500_000
    events: int = 1_000_000
    """Audit events, and a tenth as many entries of the provisioning log."""


@dataclass
class World:
    """What was made: the account, and ids in the order they were made."""

    account_id: str
    connection_id: str
    users: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


def build(sizes: Sizes) -> World:
    """Fill the application's database with a new account of these sizes."""
    random = Random(7)
    account_id = accounts.create(ACTOR, "Benchmark Media")
    with transaction(account_id, ACTOR) as work:
        world = World(account_id, connections.create(work, "scim", "Okta"))
        _write(User, "users", _users(world, sizes.users))
        _write(UserValue, "e-mail addresses", _addresses(world))
        _write(Group, "groups", _groups(world, sizes.groups))
        _write(Membership, "memberships", _memberships(world))
        tree = _tree(world, sizes.folders, folders.root_of(account_id))
        _write(Folder, "folders", _folders(world, tree))
        _write(FolderClosure, "closure", _closure(world, tree))
        _write(Grant, "grants", _grants(world, sizes.grants, random))
        _write(AuditEvent, "audit events", _events(world, sizes.events, random))
        _write(ProvisioningEntry, "provisioning log", _entries(world, sizes.events // 10, random))
        count(account_id)
    db.session.connection().exec_driver_sql("ANALYZE")
    db.session.commit()
    return world


def count(account_id: str) -> None:
    """Let an account count users and groups that were written as plain rows."""
    counted = {
        column: select(func.count()).where(model.account_id == account_id).scalar_subquery()
        for column, model in (("user_count", User), ("group_count", Group))
    }
    db.session.execute(update(Account).where(Account.id == account_id).values(counted))


def user_name(number: int) -> str:
    return f"{GIVEN[number % 10]}.{FAMILY[number % 9]}.{number}@example.com".lower()


def _write(model: type[Base], what: str, rows: Iterator[Row]) -> None:
    on_postgres = db.session.get_bind().dialect.name == "postgresql"
    made = {
        column.name: column.default.arg(None)
        for column in table(model).columns
        if column.default is not None and column.default.is_callable and column.name != "id"
    }
    written = analyzed = 0
    for chunk in track(_chunks(rows), description=f"Writing {what}"):
        insert_rows(table(model), [made | row for row in chunk])
        written += len(chunk)
        if on_postgres and written >= TIMES * analyzed:
            # It checks foreign keys by what it knows of the tables, and of new ones it knows
            # nothing: some refer to themselves.
            db.session.execute(text(f"ANALYZE {table(model).name}"))
            analyzed = written


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, AT_ONCE)):
        yield chunk


def _users(world: World, count: int) -> Iterator[Row]:
    for number in range(count):
        name = user_name(number)
        shown = f"{GIVEN[number % 10]} {FAMILY[number % 9]} {number}"
        id_ = new_id()
        world.users.append(id_)
        yield {
            "account_id": world.account_id,
            "id": id_,
            "user_name": name,
            "user_name_key": name,
            "external_id": f"00u{number:09d}",
            "display_name": shown,
            "display_name_key": shown.lower(),
            "active": number % 20 != 19,
            "attributes": {"name": {"givenName": GIVEN[number % 10]}, "title": "Editor"},
            "origin": "scim",
            "connection_id": world.connection_id,
        }


def _addresses(world: World) -> Iterator[Row]:
    for number, user_id in enumerate(world.users):
        yield {
            "account_id": world.account_id,
            "user_id": user_id,
            "attribute": "emails",
            "position": 0,
            "value": user_name(number),
            "value_key": user_name(number),
            "type": "work",
            "primary": True,
        }


def _groups(world: World, count: int) -> Iterator[Row]:
    for number in range(count):
        id_ = new_id()
        world.groups.append(id_)
        yield {
            "account_id": world.account_id,
            "id": id_,
            "display_name": f"Team {number}",
            "display_name_key": f"team {number}",
            "external_id": f"00g{number:09d}",
            "origin": "scim",
            "connection_id": world.connection_id,
        }


def _memberships(world: World) -> Iterator[Row]:
    """Everyone in four groups, and a tenth of all in each of the first two."""
    for number, user_id in enumerate(world.users):
        spread = {(number * step + step) % len(world.groups) for step in (3, 7, 11, 13)}
        large = {0} if number % 10 == 0 else {1 % len(world.groups)} if number % 10 == 1 else set()
        for group in sorted(spread | large):
            yield {
                "account_id": world.account_id,
                "group_id": world.groups[group],
                "user_id": user_id,
            }


def _tree(world: World, count: int, root: str) -> list[tuple[str, list[str]]]:
    """Return each folder with those above it, nearest first: fifty in each, breadth first."""
    paths: list[tuple[str, list[str]]] = [(root, [])]
    for number in range(count):
        parent, above = paths[number // FOLDERS_IN_A_FOLDER]
        paths.append((new_id(), [parent, *above]))
    world.folders.extend(id_ for id_, _ in paths[1:])
    return paths[1:]


def _folders(world: World, tree: list[tuple[str, list[str]]]) -> Iterator[Row]:
    for number, (id_, above) in enumerate(tree):
        yield {
            "account_id": world.account_id,
            "id": id_,
            "parent_id": above[0],
            "name": f"Campaign {number}",
            "name_key": f"campaign {number}",
            "restricted": number % 500 == 499,
        }


def _closure(world: World, tree: list[tuple[str, list[str]]]) -> Iterator[Row]:
    for id_, above in tree:
        for depth, ancestor in enumerate([id_, *above]):
            yield {
                "account_id": world.account_id,
                "descendant_id": id_,
                "ancestor_id": ancestor,
                "depth": depth,
            }


def _grants(world: World, count: int, random: Random) -> Iterator[Row]:
    """Half to groups, half to people, on folders anywhere; a hundred on the first folder."""
    given: set[tuple[str, str, str]] = set()
    while len(given) < count:
        to_group = random.random() < 0.5
        principal = random.choice(world.groups if to_group else world.users)
        folder = world.folders[0] if len(given) < 100 else random.choice(world.folders)
        role = random.choice(FOLDER_ROLES)
        if (principal, folder, role) in given:
            continue
        given.add((principal, folder, role))
        yield {
            "account_id": world.account_id,
            "id": new_id(),
            "user_id": None if to_group else principal,
            "group_id": principal if to_group else None,
            "role_id": role,
            "folder_id": folder,
            "origin": "manual",
            "granted_by": ACTOR.name,
        }


def _events(world: World, count: int, random: Random) -> Iterator[Row]:
    actions = ("user.signed_in", "user.updated", "group.members_added", "session.opened")
    first = now() - timedelta(days=365)
    step = timedelta(days=365) / max(count, 1)
    for number in range(count):
        action = actions[number % len(actions)]
        user_id = random.choice(world.users)
        at = first + number * step
        yield {
            "account_id": world.account_id,
            "id": _id_of(at),
            "at": at,
            "action": action,
            "actor_type": "user" if number % 2 else "token",
            "actor_id": user_id,
            "actor_name": "somebody",
            "surface": ("scim", "saml", "console", "api")[number % 4],
            "target_type": "user",
            "target_id": user_id,
            "target_name": "somebody",
            "request_id": f"request-{number}",
            "sequence": number + 2,
            "seal": "0" * 64,
        }


def _id_of(at: datetime) -> str:
    """Return an identifier as one made at that time would be."""
    return str(uuid7(nanoseconds=int(at.timestamp() * 1_000_000) * 1000))


def _entries(world: World, count: int, random: Random) -> Iterator[Row]:
    first = now() - timedelta(days=30)
    step = timedelta(days=30) / max(count, 1)
    for number in range(count):
        user_id = random.choice(world.users)
        at = first + number * step
        yield {
            "account_id": world.account_id,
            "id": _id_of(at),
            "at": at,
            "connection_id": world.connection_id,
            "actor_name": "okta",
            "request_id": f"request-{number * 10}",
            "method": "PATCH",
            "path": f"/Users/{user_id}",
            "resource_type": "User",
            "resource_id": user_id,
            "resource_name": "somebody",
            "resource_key": "somebody",
            "status": 404 if number % 50 == 0 else 200,
            "duration_us": 2_000,
        }
