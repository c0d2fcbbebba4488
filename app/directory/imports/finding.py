"""Who of some rows is there already: by the external id, then by the user name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.directory import user_rows
from app.directory.imports.persons import Person
from app.directory.imports.refusals import Refused
from app.store.bulk import among
from app.store.database import db
from app.store.models import User
from app.words import say


@dataclass(frozen=True)
class There:
    """The users who may be meant by some rows."""

    by_external_id: dict[str, list[Any]]
    by_key: dict[str, Any]
    """By user name, for comparison."""

    def rows(self) -> Iterator[Any]:
        yield from self.by_key.values()
        for same in self.by_external_id.values():
            yield from same

    def whose(self, person: Person) -> Any:
        """Return the row of the user a person is; None where it is somebody new.

        :raises Refused: When it cannot be told, or the user name belongs to another one.
        """
        named = self.by_key.get(person.key)
        same = self.by_external_id.get(person.external_id or "", ())
        if len(same) > 1:
            raise Refused("externalId", say("Several users have it. Leave it to one of them."))
        if not same:
            return named
        if person.renames and named is not None and named.id != same[0].id:
            raise Refused("userName", user_rows.taken(person.login).sentence)
        return same[0]


def find(account_id: str, persons: Sequence[Person], columns: Sequence[Any] = ()) -> There:
    """Return the users who may be meant by some rows.

    :param columns: What is to be known of them.
    """
    by_external_id = defaultdict(list)
    external_ids = {each.external_id for each in persons if each.external_id is not None}
    for row in _users(account_id, User.external_id, external_ids, columns):
        by_external_id[row.external_id].append(row)
    keys = {each.key for each in persons}
    named = _users(account_id, User.user_name_key, keys, columns)
    return There(by_external_id, {row.user_name_key: row for row in named})


def _users(account_id: str, column: Any, wanted: set[str], columns: Sequence[Any]) -> list[Any]:
    if not wanted:
        return []
    query = select(User.id, User.user_name_key, User.external_id, *columns)
    query = query.where(User.account_id == account_id, among(column, wanted))
    return list(db.session.execute(query))
