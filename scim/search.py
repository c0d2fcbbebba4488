"""One page of a search: filter, order, page by index or by cursor (RFC 7644 §3.4.2, RFC 9865).

Resources of several types, as in a search at the root, are one collection: a union.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scim2_models import (
    InvalidCursorException,
    InvalidFilterException,
    NotImplementedException,
    Resource,
    ScimFilter,
    SearchRequest,
)
from sqlalchemy import (
    ColumnElement,
    Integer,
    Result,
    Select,
    String,
    Subquery,
    and_,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from app.store.database import db
from app.words import say
from scim import filters
from scim.columns import Columns
from scim.fields import Field

LAST_INDEX = 2**31
"""A startIndex beyond it is past the end of any account, and of what a database counts to."""

KEPT_NODES = 8
"""Of a filter with more terms the statement is compiled each time. Hardly one comes twice, and one
takes up to some hundred KB: the hundreds that are kept would fill the memory."""


@dataclass(frozen=True)
class Page:
    """The resources of one page as (type name, id), and what lies around it."""

    found: Sequence[tuple[str, str]]
    total: int | None
    """How many match in all; not counted when paging by cursor, so that every page costs alike."""
    next: Any = None
    previous: Any = None


def find(
    account_id: str,
    searched: Sequence[Columns],
    request: SearchRequest[Any],
    position: Any = None,
) -> Page:
    """Return one page of the matching resources.

    Without ``sortBy`` the order is that of creation: it is stable from page to page.

    :param position: Where a cursor page begins; None for the first one.
    :raises InvalidFilterException: When the filter cannot be evaluated.
    :raises InvalidCursorException: When the position is none that this made.
    """
    rows = _rows(account_id, searched, request)
    if request.cursor is None:
        return _page_by_index(rows, request)
    return _page_by_cursor(rows, request, position)


def _rows(account_id: str, searched: Sequence[Columns], request: SearchRequest[Any]) -> Subquery:
    """Return the matching resources as a table of type, id and sort key."""
    fields = [_sort_field(each, request) for each in searched]
    kind = next((field.comparable.type for field in fields if field is not None), String())
    parts: list[Select[Any]] = []
    for each, field in zip(searched, fields, strict=True):
        key = cast(null(), kind) if field is None else field.comparable
        table = each.kind.table
        part = select(literal(each.kind.name).label("type"), table.id, key.label("key")).where(
            table.account_id == account_id
        )
        if request.filter is not None:
            bound = _bound(request.filter, each.model)
            part = part.where(filters.condition(bound, each))
        parts.append(part)
    return (union_all(*parts) if len(parts) > 1 else parts[0]).subquery("found")


def _sort_field(searched: Columns, request: SearchRequest[Any]) -> Field | None:
    """Return what a resource type sorts by; None when it does not have the attribute.

    :raises NotImplementedException: When it cannot be sorted by.
    """
    binding = request.sort_binding(searched.model)
    if binding is None:
        return None
    unsupported = NotImplementedException(
        detail=say("Sorting by %(path)s is not supported", path=request.sort_by)
    )
    try:
        several = binding.is_multivalued
        field = searched.primary_value(binding) if several else searched.single(binding)
    except InvalidFilterException:
        raise unsupported from None
    if field.kind == "nothing":
        raise unsupported
    if field.kind == "boolean":
        return Field(cast(field.expression, Integer), "exact")  # Booleans know no < in SQLAlchemy.
    return field


def _bound(scim_filter: ScimFilter[Any], model: type[Resource[Any]]) -> ScimFilter[Any]:
    if scim_filter.model is model:
        return scim_filter
    bound: ScimFilter[Any] = ScimFilter[model](str(scim_filter))  # type: ignore[valid-type]
    return bound


def _page_by_index(rows: Subquery, request: SearchRequest[Any]) -> Page:
    start = min(request.start_index or 1, LAST_INDEX) - 1
    query = select(rows.c.type, rows.c.id).order_by(*_order(rows, request, _ascending(request)))
    found = _fetch(query.offset(start).limit(request.count), request) if request.count != 0 else []
    if found and (request.count is None or len(found) < request.count):
        return Page(found, start + len(found))
    total = _execute(select(func.count()).select_from(rows), request).scalar() or 0
    return Page(found, total)


def _page_by_cursor(rows: Subquery, request: SearchRequest[Any], position: Any) -> Page:
    """Page by keyset: begin beyond the last row of the page before, wherever that is by now."""
    count = request.count
    if count == 0:
        return Page([], None)
    anchor = None if position is None else _Anchor.read(position, rows)
    backward = anchor is not None and anchor.backward
    ascending = _ascending(request) != backward
    query = select(rows.c.type, rows.c.id, rows.c.key)
    if anchor is not None:
        query = query.where(_beyond(rows, request, anchor, ascending))
    query = query.order_by(*_order(rows, request, ascending))
    fetched = list(_execute(query.limit(None if count is None else count + 1), request))
    page = fetched[:count]
    further = len(fetched) > len(page)
    if backward:
        page.reverse()
    if not page:
        return Page([], None)
    first = _Anchor(page[0].key, page[0].id, backward=True)
    last = _Anchor(page[-1].key, page[-1].id, backward=False)
    behind = _any_beyond(rows, request, last if backward else first) if anchor else False
    more_before, more_after = (further, behind) if backward else (behind, further)
    return Page(
        [(row.type, row.id) for row in page],
        None,
        next=last.written() if more_after else None,
        previous=first.written() if more_before else None,
    )


@dataclass(frozen=True)
class _Anchor:
    """A row a cursor page begins beyond. ``backward``: the page lies before it."""

    key: Any
    id: str
    backward: bool

    def written(self) -> dict[str, Any]:
        """Return the position, in values that JSON can hold."""
        key = {"time": self.key.isoformat()} if isinstance(self.key, datetime) else self.key
        return {"key": key, "id": self.id, "backward": self.backward}

    @classmethod
    def read(cls, position: Any, rows: Subquery) -> _Anchor:
        try:
            key, row_id, backward = position["key"], position["id"], position["backward"]
            if isinstance(key, dict):
                key = datetime.fromisoformat(key["time"])
        except (KeyError, TypeError, ValueError):
            raise InvalidCursorException from None
        fits = key is None or isinstance(key, rows.c.key.type.python_type)
        if not fits or not isinstance(row_id, str) or not isinstance(backward, bool):
            raise InvalidCursorException
        return cls(key, row_id, backward)


def _ascending(request: SearchRequest[Any]) -> bool:
    return request.sort_order != SearchRequest.SortOrder.descending


def _order(
    rows: Subquery, request: SearchRequest[Any], ascending: bool
) -> list[ColumnElement[Any]]:
    """Order by key, then id. What has no key comes last, or first when descending."""
    by_id = rows.c.id.asc() if ascending else rows.c.id.desc()
    if request.sort_by is None:
        return [by_id]
    key = rows.c.key
    return [key.asc().nulls_last() if ascending else key.desc().nulls_first(), by_id]


def _beyond(
    rows: Subquery, request: SearchRequest[Any], anchor: _Anchor, ascending: bool
) -> ColumnElement[bool]:
    """Return the condition that a row comes after the anchor in this order."""
    key, row_id = rows.c.key, rows.c.id
    by_id = row_id > anchor.id if ascending else row_id < anchor.id
    if request.sort_by is None:
        return by_id
    if anchor.key is None:
        among_missing = and_(key.is_(None), by_id)
        return among_missing if ascending else or_(key.is_not(None), among_missing)
    by_key = key > anchor.key if ascending else key < anchor.key
    beyond = or_(by_key, and_(key == anchor.key, by_id))
    return or_(beyond, key.is_(None)) if ascending else beyond


def _any_beyond(rows: Subquery, request: SearchRequest[Any], anchor: _Anchor) -> bool:
    """Tell whether there is any row further out than the edge of a page."""
    ascending = _ascending(request) != anchor.backward
    query = select(rows.c.id).where(_beyond(rows, request, anchor, ascending)).limit(1)
    return _execute(query, request).scalar() is not None


def _fetch(query: Select[Any], request: SearchRequest[Any]) -> list[tuple[str, str]]:
    return [(row.type, row.id) for row in _execute(query, request)]


def _execute(query: Select[Any], request: SearchRequest[Any]) -> Result[Any]:
    """Execute a part of a search. Only those that may well come again are kept compiled."""
    kept = request.filter is None or filters.size(request.filter.ast) <= KEPT_NODES
    return db.session.execute(query, execution_options={} if kept else {"compiled_cache": None})
