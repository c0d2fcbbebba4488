"""The members in a group's requests, taken out before the rest is read.

A group may have a hundred thousand members; a request that names one touches one row. So members
never pass through a model of the whole group.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scim2_models import (
    InvalidPathException,
    InvalidValueException,
    MutabilityException,
    Path,
    Resource,
)
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator

from app.directory import memberships
from app.directory.work import Work
from app.words import say
from scim.schemas import GROUP, Group

MEMBERS = "members"
_QUALIFIED = f"{GROUP}:{MEMBERS}".lower()
_TEXT = re.compile(r'"([^"\\\x00-\x1f]*)"')
_BLANK = "[ \t\f\r\n]"
_EQUAL = f"value{_BLANK}+eq{_BLANK}+{_TEXT.pattern}"
_LISTED = re.compile(
    rf"(?:{re.escape(GROUP)}:)?{MEMBERS}\[{_BLANK}*{_EQUAL}(?:{_BLANK}+or{_BLANK}+{_EQUAL})*{_BLANK}*\]",
    re.IGNORECASE | re.ASCII,
)

LoadGroup = Callable[[], Resource[Any]]


@dataclass(frozen=True)
class Change:
    """One change of the members: ``add``, ``remove`` or ``replace`` these ids.

    ``remove`` and ``replace`` without ids take everyone out when ``ids`` is None.
    ``selection`` is the path ``members[…]`` when its filter is more than a list of ids.
    """

    op: str
    ids: list[str] | None
    selection: Path[Any] | None = None


def take(payload: dict[str, Any]) -> list[str]:
    """Remove ``members`` from the body of a POST or PUT, and return the ids in it."""
    for key in [key for key in payload if _is_members(key)]:
        return ids_in(payload.pop(key))
    return []


def split(operations: list[Any]) -> tuple[list[Change], list[Any]]:
    """Part the operations of a PATCH into changes of the members, and the rest.

    :raises InvalidPathException: When a path into the members cannot be read.
    :raises MutabilityException: When a sub-attribute of a member is to be changed.
    """
    changes: list[Change] = []
    rest: list[Any] = []
    for operation in operations:
        if not isinstance(operation, dict):
            rest.append(operation)
            continue
        op = str(operation.get("op", "")).lower()
        path = operation.get("path")
        if isinstance(path, str) and _is_members(path.partition("[")[0].partition(".")[0]):
            changes.append(_change(op, path, operation.get("value")))
        elif isinstance(path, str) and path.lower().startswith(_QUALIFIED):
            changes.append(_change(op, path[len(GROUP) + 1 :], operation.get("value")))
        elif not path and isinstance(operation.get("value"), dict):
            value = dict(operation["value"])
            for key in [key for key in value if _is_members(key)]:
                changes.append(_change(op, MEMBERS, value.pop(key)))
            if value:
                rest.append(operation | {"value": value})
        else:
            rest.append(operation)
    return changes, rest


def apply(work: Work, group_id: str, change: Change, load: LoadGroup) -> None:
    """Make a change.

    :param load: Returns the group with its members, for a filter that is not a list of ids.
    """
    ids = change.ids
    if change.selection is not None:
        ids = [member.value for member in change.selection.get(load()) or ()]
    if change.op == "add":
        memberships.add(work, group_id, ids or ())
    elif change.op == "replace":
        memberships.set_members(work, group_id, ids or ())
    elif ids is None:
        memberships.clear(work, group_id)
    else:
        memberships.remove(work, group_id, ids)


def ids_in(value: Any) -> list[str]:
    """Return the ids in a value of ``members``: objects, bare ids, one or a list of them.

    :raises InvalidValueException: When an entry carries no id.
    """
    if value is None:
        return []
    found = []
    for entry in value if isinstance(value, list) else [value]:
        member_id = entry.get("value") if isinstance(entry, dict) else entry
        if not isinstance(member_id, str) or not member_id:
            raise InvalidValueException(
                detail=say("each member needs a 'value': the id of a user or group")
            )
        found.append(member_id)
    return found


def listed(path: str) -> list[str] | None:
    """Return the ids in a path ``members[value eq "…" or …]``; None for any other.

    There may be thousands: scim2-models takes 200 µs for each, this less than one.
    """
    return _TEXT.findall(path) if _LISTED.fullmatch(path) else None


def _change(op: str, path: str, value: Any) -> Change:
    if op not in ("add", "remove", "replace"):
        raise InvalidValueException(
            detail=say("'%(op)s' is not one of add, remove, replace", op=op)
        )
    if _is_members(path):
        if op == "add" and value is None:
            raise InvalidValueException(detail=say("an add needs a value"))
        # A remove with a value takes out those named: an empty list is no one, not everyone.
        return Change(op, None if value is None else ids_in(value))
    if not path.endswith("]") or op != "remove":
        raise MutabilityException(
            attribute=path, detail=say("a member cannot be changed, only added and removed")
        )
    ids = listed(path)
    if ids is not None:
        return Change(op, ids)
    selection = Path[Group](path)
    if selection.value_filter is None:
        raise InvalidPathException(path=path)
    ids = _listed_ids(selection.value_filter)
    return Change(op, ids, None if ids is not None else selection)


def _listed_ids(node: FilterNode) -> list[str] | None:
    """Return the ids a filter lists with ``value eq "…"`` and ``or``, or None."""
    if isinstance(node, Comparison):
        by_id = node.attr_path.attr.lower() == "value" and node.op == CompareOperator.eq
        return [node.value] if by_id and isinstance(node.value, str) else None
    if isinstance(node, LogicalExpr) and node.op == LogicalOperator.or_:
        lists = [_listed_ids(term) for term in node.terms]
        return None if None in lists else [each for ids in lists if ids for each in ids]
    return None


def _is_members(name: str) -> bool:
    return name.lower() in (MEMBERS, _QUALIFIED)
