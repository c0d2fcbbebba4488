"""Pages by keyset: a page costs the same wherever it lies, and what is added moves nothing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import ColumnElement, Select, and_, or_, true
from sqlalchemy.orm import InstrumentedAttribute

from app.store.database import db
from app.store.types import UtcDateTime
from app.words import say

LONGEST_PAGE = 500
LONGEST_CURSOR = 2_000
T = TypeVar("T")
Column = InstrumentedAttribute[Any]


class BadCursor(ValueError):
    """A cursor that none of our pages ended with, or that was for another order."""

    def __init__(self) -> None:
        super().__init__(say("This cursor leads nowhere. Begin again without it."))


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of a list."""

    items: list[T]
    next: str | None
    """What to ask for the following page with; None: this is the last one."""


@dataclass(frozen=True)
class Order:
    """How a list is sorted: by one column, and by the id where that is the same.

    Rows without a value come last, whichever way it goes.
    """

    name: str
    column: Column
    id: Column
    descending: bool = False
    nullable: bool = False

    def parts(self, cursor: str | None) -> list[tuple[ColumnElement[bool], list[Any]]]:
        """Return what lies after the row a cursor names: conditions, and how those are sorted.

        One part after the other; rows without a value are the last. Together in one statement,
        the database would sort all of them, where for each part it has an index.

        :raises BadCursor: When it is none of this order.
        """
        by_id = [self._directed(self.id)]
        by_column = by_id if self.column is self.id else [self._directed(self.column), *by_id]
        without = self.column.is_(None)
        after: ColumnElement[bool] = true()
        if cursor is not None:
            value, id_ = self._read(cursor)
            if value is None:
                return [(and_(without, self._beyond(self.id, id_)), by_id)]
            after = self._after(value, id_)
        if not self.nullable:
            return [(after, by_column)]
        return [(and_(self.column.is_not(None), after), by_column), (without, by_id)]

    def _directed(self, column: Column) -> Any:
        return column.desc() if self.descending else column.asc()

    def _beyond(self, column: Column, value: Any) -> ColumnElement[bool]:
        beyond: ColumnElement[bool] = column < value if self.descending else column > value
        return beyond

    def _after(self, value: Any, id_: str) -> ColumnElement[bool]:
        beyond_id = self._beyond(self.id, id_)
        if self.column is self.id:
            return beyond_id
        # Said twice, so that an index begins where the page does.
        from_here = self.column <= value if self.descending else self.column >= value
        return and_(from_here, or_(self._beyond(self.column, value), beyond_id))

    def cursor(self, value: Any, id_: str) -> str:
        """Return the cursor of a row."""
        key = [self.name, self.descending, value, id_]
        return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")

    def _read(self, cursor: str) -> tuple[Any, str]:
        try:
            if len(cursor) > LONGEST_CURSOR:
                raise BadCursor
            padded = cursor + "=" * (-len(cursor) % 4)
            name, descending, value, id_ = orjson.loads(
                base64.b64decode(padded, altchars=b"-_", validate=True)
            )
            if value is not None or not self.nullable:
                value = self._typed(value)
        except (ValueError, TypeError, binascii.Error):
            raise BadCursor from None
        if (name, descending) != (self.name, self.descending) or not isinstance(id_, str):
            raise BadCursor
        return value, id_

    def _typed(self, value: Any) -> Any:
        if isinstance(self.column.type, UtcDateTime):
            value = datetime.fromisoformat(value)
            if value.tzinfo is None:
                raise BadCursor
        elif not isinstance(value, str):
            raise BadCursor
        return value


def page_of(
    query: Select[*tuple[Any, ...]],
    order: Order,
    show: Callable[[Sequence[Any]], list[T]],
    *,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[T]:
    """Return a page of a query.

    :param query: It must select the order's column and id; it has no order or limit of its own.
    :param show: Makes of rows what the list shows, for all of a page at once.
    :raises BadCursor: When the cursor is none of this list.
    """
    limit = max(1, min(limit, LONGEST_PAGE))
    found: list[Any] = []
    for after, sorted_by in order.parts(cursor):
        part = query.where(after).order_by(*sorted_by).limit(limit + 1 - len(found))
        found += db.session.execute(part)
        if len(found) > limit:
            break
    rows, more = found[:limit], len(found) > limit
    end = order.cursor(_value(rows[-1], order.column), _value(rows[-1], order.id)) if more else None
    return Page(show(rows), end)


def _value(row: Any, column: Column) -> Any:
    return row._mapping[column.key]
