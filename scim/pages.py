"""A page of all resources, in the order of their creation: counted and reached without a walk.

How many there are the account knows. Where a page begins is known from the page before it, as
long as nobody joined or left: a client that pages through an account costs the same on each page.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer, Select, bindparam, select

from app.store.models import Account, Group, User
from app.store.prepared import Prepared, prepared
from app.store.types import Id
from scim.resources.kind import Kind

STARTS = 16_384
"""How many beginnings of pages a process keeps, of about 200 bytes each."""

_starts: dict[tuple[str, str, int, int], str] = {}
"""By account, resource type, version of its lists and index: the id of the resource before."""


def page(kind: Kind, account_id: str, first: int, limit: int) -> tuple[int, list[str]]:
    """Return how many resources there are, and the ids of a page.

    :param first: The index of the page's first resource, from 1.
    """
    counted = _counts.first(account_id=account_id)
    total: int = counted.users if kind.name == "User" else counted.groups
    after, before, key = "", first - 1, (account_id, kind.name, counted.version)
    if before and (known := _starts.get((*key, first))) is not None:
        after, before = known, 0
    rows = _IDS[kind.name].all(account_id=account_id, after=after, skipped=before, limit=limit)
    ids = [row.id for row in rows]
    if ids:
        _remember((*key, first + len(ids)), ids[-1])
    return total, ids


def _remember(start: tuple[str, str, int, int], resource_id: str) -> None:
    if len(_starts) >= STARTS:
        _starts.pop(next(iter(_starts)), None)  # the oldest
    _starts[start] = resource_id


@prepared
def _counts() -> Select[*tuple[Any, ...]]:
    """Return how many users and groups an account has, and the version of their lists."""
    return select(
        Account.user_count.label("users"),
        Account.group_count.label("groups"),
        Account.list_version.label("version"),
    ).where(Account.id == bindparam("account_id", type_=Id))


def _ids_of(table: Any) -> Prepared:
    return Prepared(
        lambda: (
            select(table.id)
            .where(
                table.account_id == bindparam("account_id", type_=Id),
                table.id > bindparam("after", type_=Id),
            )
            .order_by(table.id)
            .offset(bindparam("skipped", type_=Integer))
            .limit(bindparam("limit", type_=Integer))
        )
    )


_IDS = {"User": _ids_of(User), "Group": _ids_of(Group)}
