"""From the names that people and applications use to ids: userNames, paths, the account."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    CompoundSelect,
    Integer,
    bindparam,
    cast,
    literal,
    null,
    select,
    union_all,
)

from app.store.functions import items_in, json_number, json_text
from app.store.models import Account, Folder, User
from app.store.prepared import one_of, prepared
from app.store.types import Id, Json, Name, comparison_key, storable

DEEPEST = 64
"""Paths with more names than this lead nowhere."""
NODES_LIMIT = 500
"""How many folders on paths one statement looks for: it compares each with each."""


@dataclass(frozen=True)
class Ids:
    """The ids of what there is, by the names it was asked with."""

    users: dict[str, str] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)


@dataclass
class _Paths:
    """Paths as one tree of names, so that what they have in common is looked for once."""

    nodes: dict[tuple[int, str], int] = field(default_factory=dict)
    """The number of each folder by that of its parent and its name; the root is 0."""
    ends: dict[str, int] = field(default_factory=dict)

    def add(self, path: str, keys: list[str]) -> None:
        node = 0
        for key in keys:
            node = self.nodes.setdefault((node, key), len(self.nodes) + 1)
        self.ends[path] = node


def ids_of(
    account_id: str,
    users: Collection[str],
    paths: Collection[str] = (),
    accounts: Collection[str] = (),
) -> Ids:
    """Return the ids of users and folders by their names; what does not exist is left out.

    It is one statement, or one for each ``NODES_LIMIT`` folders on the paths.

    :param users: Ids, or userNames in any case. An id goes before a userName that is the same.
    :param paths: Paths of folders in any case, such as ``/Brand/2026``; ``/`` is the root.
    :param accounts: The id of the account, or its name in any case; others are not found.
    """
    found = Ids()
    wanted = sorted(set(users))
    for part in _in_parts(paths):
        if not (wanted or part.ends or accounts):
            continue
        rows = _named.all(
            account_id=account_id,
            ids=wanted,
            keys=[comparison_key(name) for name in wanted],
            names=[
                {"parent": parent, "key": key, "node": node}
                for (parent, key), node in part.nodes.items()
            ],
        )
        _note(found, rows, wanted, part, accounts)
        wanted, accounts = [], ()
    return found


def _in_parts(paths: Collection[str]) -> Iterator[_Paths]:
    """Return the paths in parts for one statement each; at least one part."""
    part = _Paths()
    for path in sorted(filter(storable, set(paths))):
        keys = [comparison_key(name.strip()) for name in path.split("/") if name.strip()]
        if len(keys) > DEEPEST:
            continue
        if len(part.nodes) + len(keys) > NODES_LIMIT:
            yield part
            part = _Paths()
        part.add(path, keys)
    yield part


_ACCOUNT_ID: BindParameter[str] = bindparam("account_id", type_=Id)


@prepared
def _named() -> CompoundSelect[Any]:
    """Return rows of ``kind``, ``id``, ``key`` (not of a folder) and ``node`` (of a folder)."""
    branches: list[Any] = []
    key, no_node = Account.name_key.label("key"), cast(null(), Integer).label("node")
    query = select(literal("account").label("kind"), Account.id, key, no_node)
    branches.append(query.where(Account.id == _ACCOUNT_ID))
    for kind, condition in (
        ("id", one_of(User.id, "ids")),
        ("name", one_of(User.user_name_key, "keys")),
    ):
        of_users = select(literal(kind), User.id, User.user_name_key, no_node)
        branches.append(of_users.where(User.account_id == _ACCOUNT_ID, condition))
    walk = _walk()
    branches.append(select(literal("folder"), walk.c.folder_id, cast(null(), Name), walk.c.node))
    return union_all(*branches)


def _walk() -> CTE:
    """Return a recursive table of ``node`` and ``folder_id``: down from the root, name by name."""
    rows, item = items_in(bindparam("names", type_=Json))
    names = (
        select(
            cast(json_number(item, "parent"), Integer).label("parent"),
            json_text(item, "key").label("key"),
            cast(json_number(item, "node"), Integer).label("node"),
        )
        .select_from(rows)
        .cte("names")
        .prefix_with("MATERIALIZED")
    )
    at_root = select(literal(0).label("node"), Folder.id.label("folder_id")).where(
        Folder.account_id == _ACCOUNT_ID, Folder.parent_id.is_(None)
    )
    walk = at_root.cte("walk", recursive=True)
    return walk.union_all(
        select(names.c.node, Folder.id)
        .select_from(walk)
        .join(names, names.c.parent == walk.c.node)
        .join(Folder, (Folder.parent_id == walk.c.folder_id) & (Folder.name_key == names.c.key))
        .where(Folder.account_id == _ACCOUNT_ID)
    )


def _note(
    found: Ids,
    rows: Collection[Any],
    users: Collection[str],
    paths: _Paths,
    accounts: Collection[str],
) -> None:
    by_id = {row.id for row in rows if row.kind == "id"}
    by_key = {row.key: row.id for row in rows if row.kind == "name"}
    by_node = {row.node: row.id for row in rows if row.kind == "folder"}
    for name in users:
        user_id = name if name in by_id else by_key.get(comparison_key(name))
        if user_id is not None:
            found.users[name] = user_id
    for path, node in paths.ends.items():
        if node in by_node:
            found.folders[path] = by_node[node]
    own = next((row for row in rows if row.kind == "account"), None)
    for name in accounts:
        if own is not None and (name == own.id or comparison_key(name) == own.key):
            found.accounts[name] = own.id
