"""One page of a search: filter, order, page (RFC 7644 §3.4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scim2_models import NotImplementedException, Resource, ScimFilter, SearchRequest
from sqlalchemy import ColumnElement, Select, func, select

from app.store.database import db
from app.store.models import Group, User
from scim import columns, filters

LAST_INDEX = 2**31
"""A startIndex beyond it is past the end of any account, and of what a database counts to."""


@dataclass(frozen=True)
class Page:
    """The ids of one page, and how many resources match in all."""

    total: int
    ids: Sequence[str]


def find(
    account_id: str,
    table: type[User] | type[Group],
    model: type[Resource[Any]],
    request: SearchRequest[Any],
) -> Page:
    """Return one page of the matching resources of one type.

    Without ``sortBy`` the order is that of creation: it is stable from page to page.

    :raises InvalidFilterException: When the filter cannot be evaluated.
    """
    query = select(table.id).where(table.account_id == account_id)
    if request.filter is not None:
        query = query.where(filters.condition(_bound(request.filter, model), account_id))
    start = min(request.start_index or 1, LAST_INDEX) - 1
    count = request.count
    ordered = query.order_by(*_order(table, model, request)).offset(start).limit(count)
    ids = db.session.scalars(ordered).all() if count != 0 else []
    return Page(_total(query, start, count, len(ids)), ids)


def _total(query: Select[Any], start: int, count: int | None, found: int) -> int:
    """Count the matches, unless the page shows that it ends them."""
    if found and (count is None or found < count):
        return start + found
    return db.session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _bound(scim_filter: ScimFilter[Any], model: type[Resource[Any]]) -> ScimFilter[Any]:
    if scim_filter.model is model:
        return scim_filter
    bound: ScimFilter[Any] = ScimFilter[model](str(scim_filter))  # type: ignore[valid-type]
    return bound


def _order(
    table: type[User] | type[Group], model: type[Resource[Any]], request: SearchRequest[Any]
) -> list[ColumnElement[Any]]:
    """Order by the sort attribute, resources without it last (first when descending), then id."""
    binding = request.sort_binding(model)
    descending = request.sort_order == SearchRequest.SortOrder.descending
    by_id = table.id.desc() if descending else table.id.asc()
    if binding is None:
        return [by_id]
    if binding.is_multivalued:
        if table is Group:
            raise NotImplementedException(detail=f"Groups cannot be sorted by {request.sort_by}")
        field = columns.primary_value(binding)
    else:
        field = columns.single(binding)
    value = field.comparable
    return [value.desc().nulls_first() if descending else value.asc().nulls_last(), by_id]
