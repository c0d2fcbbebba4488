"""How much one request may ask for, so that none can keep the server busy for long."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scim2_models import (
    Extension,
    InvalidCountException,
    InvalidFilterException,
    InvalidSyntaxException,
    InvalidValueException,
    PayloadTooLargeException,
    TooManyException,
)

from app.words import say
from scim import members
from scim.schemas import GROUP

FILTER_LENGTH = 8192
PATHS = 100
"""Most attributes one request may name in ``attributes`` or ``excludedAttributes``."""
PATHS_LENGTH = 8192
"""Longest list of attributes."""
PATH_LENGTH = 2048
"""Longest path of a PATCH; in sum, its paths may be eight times as long."""
PATHS_OF_PATCH_LENGTH = 8 * PATH_LENGTH
"""Longest paths of a PATCH in sum, each counted once: reading one takes 15 µs a character."""
MEMBER_PATH_LENGTH = 65_536
"""Longest path ``members[value eq "…" or …]``, which is read in no time."""
OPERATIONS = 1000
"""Most operations of one PATCH."""
COMPARISONS = 10_000
"""How often a PATCH may look at a value: its operations and the terms of their filters, times the
values of the longest attribute. One look takes up to 100 µs."""
DEPTH = 32
"""Deepest nesting of the JSON of a body."""
VALUES = 10_000
"""Most values in the JSON of a body, on whatever level, but for members."""
BULK = 10
"""How many times as much a bulk request may ask for in all."""
BULK_PATHS_LENGTH = BULK * PATHS_OF_PATCH_LENGTH

_MEMBERS = ("members", f"{GROUP}:members".lower())
_TERMS = re.compile(r"\b(?:and|or)\b", re.IGNORECASE)


def check_search(parameters: Mapping[str, Any]) -> None:
    """Refuse a search that asks for too much.

    :raises InvalidFilterException: When the filter is too long.
    :raises InvalidValueException: When too many attributes are named.
    """
    for name, value in parameters.items():
        if name.lower() == "filter" and isinstance(value, str) and len(value) > FILTER_LENGTH:
            raise InvalidFilterException(
                detail=say(
                    "A filter may have %(limit)s characters at the most", limit=FILTER_LENGTH
                )
            )
        if name.lower() in ("attributes", "excludedattributes", "sortby"):
            listed = value if isinstance(value, list) else str(value).split(",")
            if len(listed) > PATHS or sum(len(str(each)) for each in listed) > PATHS_LENGTH:
                raise InvalidValueException(
                    detail=say("'%(name)s' may name %(limit)s attributes", name=name, limit=PATHS)
                )


def check_count(parameters: Mapping[str, Any]) -> None:
    """Refuse a page of a size that is no number, when paging by cursor (RFC 9865 §2.1).

    :raises InvalidCountException: When it is none.
    """
    named = {name.lower(): value for name, value in parameters.items()}
    count = named.get("count")
    if named.get("cursor") is None or count is None:
        return
    if isinstance(count, bool | float) or not re.fullmatch(r"\s*-?\d+\s*", str(count)):
        raise InvalidCountException


def check_operations(operations: list[Any]) -> None:
    """Refuse a PATCH that asks for too much.

    :raises TooManyException: When there are too many operations.
    :raises InvalidValueException: When their paths are too long.
    """
    if len(operations) > OPERATIONS:
        raise TooManyException(
            detail=say("A PATCH may have %(limit)s operations at the most", limit=OPERATIONS)
        )
    _check_paths(operations, PATHS_OF_PATCH_LENGTH)


def check_bulk(patches: list[list[Any]]) -> None:
    """Refuse the PATCHes of a bulk request when one or all of them ask for too much.

    :raises TooManyException: When one has too many operations.
    :raises InvalidValueException: When their paths are too long.
    """
    for operations in patches:
        check_operations(operations)
    _check_paths([each for operations in patches for each in operations], BULK_PATHS_LENGTH)


def comparisons(operations: list[Any], resource: Any) -> int:
    """Return how often the operations of a PATCH look at a value of a resource, at the most.

    One that says nothing but what an attribute is to be looks at none.
    """
    terms = sum(map(_terms_of, operations)) - 1
    added = sum(map(_added_by, operations))
    return terms * (max(map(len, _lists_of(resource)), default=0) + added)


def check_comparisons(left: int) -> None:
    """Refuse what would look at values too often.

    :param left: How often the request may still do so after it.
    :raises TooManyException: When it is less than none.
    """
    if left < 0:
        raise TooManyException(
            detail=say("The request looks at too many values: send several, with fewer operations")
        )


def check_body(body: Any, values: int = VALUES) -> None:
    """Refuse JSON that is nested deeper than any request needs, or holds more.

    :param values: How many values it may hold.
    :raises InvalidSyntaxException: When it is nested too deeply.
    :raises PayloadTooLargeException: When it holds too many.
    """
    level, count = [body], 0
    for _ in range(DEPTH):
        inner: list[Any] = []
        for each in level:
            items = _counted(each) if isinstance(each, dict) else each
            count += len(items)
            inner += [item for item in items if isinstance(item, dict | list)]
        if count > values:
            raise PayloadTooLargeException(
                detail=say("The body may hold %(limit)s values at the most", limit=values)
            )
        if not inner:
            return
        level = inner
    raise InvalidSyntaxException(
        detail=say("The body is nested more than %(limit)s levels deep", limit=DEPTH)
    )


def is_of_members(path: str) -> bool:
    """Tell whether a path leads to the members of a group, or to some of them."""
    return path.partition("[")[0].lower() in _MEMBERS


def terms_in(path: str) -> int:
    """Return how many terms the filter in a path has, at the most."""
    return 1 + len(_TERMS.findall(path))


def _check_paths(operations: list[Any], limit: int) -> None:
    named = [each.get("path") for each in operations if isinstance(each, dict)]
    paths = {path for path in named if isinstance(path, str)}
    others = {path for path in paths if not is_of_members(path) or members.listed(path) is None}
    if any(len(each) > (PATH_LENGTH if each in others else MEMBER_PATH_LENGTH) for each in paths):
        raise InvalidValueException(
            detail=say("A path of a PATCH may have %(limit)s characters", limit=PATH_LENGTH)
        )
    if sum(map(len, others)) > limit:
        raise InvalidValueException(
            detail=say(
                "The paths of a PATCH may have %(limit)s characters: send several", limit=limit
            )
        )


def _terms_of(operation: dict[str, Any]) -> int:
    """Return how often an operation goes through the values of an attribute."""
    path = operation.get("path")
    return 1 + terms_in(path) if isinstance(path, str) and "[" in path else 1


def _counted(content: dict[str, Any]) -> list[Any]:
    """Return the values of an object, but for lists of members."""
    path = content.get("path")
    of_members = isinstance(path, str) and is_of_members(path)
    return [
        item
        for key, item in content.items()
        if not isinstance(item, list)
        or not (key.lower() in _MEMBERS or (of_members and key == "value"))
    ]


def _added_by(operation: dict[str, Any]) -> int:
    """Return how many values an operation adds at the most; a filter that finds none adds one."""
    path, value = operation.get("path"), operation.get("value")
    named = value.values() if isinstance(value, dict) else [value]
    filtered = isinstance(path, str) and "[" in path
    return filtered + sum(len(each) for each in named if isinstance(each, list))


def _lists_of(resource: Any) -> Iterator[list[Any]]:
    """Return the multi-valued attributes of a resource, those of its extensions too."""
    for each in vars(resource).values():
        if isinstance(each, list):
            yield each
        elif isinstance(each, Extension):
            yield from _lists_of(each)
