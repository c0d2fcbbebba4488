"""How much one request may ask for, so that none can keep the server busy for long."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scim2_models import (
    InvalidCountException,
    InvalidFilterException,
    InvalidSyntaxException,
    InvalidValueException,
    TooManyException,
)

from app.words import say
from scim.schemas import GROUP

FILTER_LENGTH = 8192
PATHS = 100
"""Most attributes one request may name in ``attributes`` or ``excludedAttributes``."""
PATHS_LENGTH = 8192
"""Longest list of attributes."""
PATH_LENGTH = 2048
"""Longest path of a PATCH; in sum, its paths may be eight times as long."""
DEPTH = 32
"""Deepest nesting of the JSON of a bulk request."""
OPERATIONS = 1000
"""Most operations of one PATCH."""
MEMBER_PATH_LENGTH = 65_536
"""Longest path such as ``members[value eq "…" or …]``, which costs little a term."""


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
    total = 0
    for operation in operations:
        path = operation.get("path") if isinstance(operation, dict) else None
        if not isinstance(path, str):
            continue
        of_members = path.partition("[")[0].lower() in ("members", f"{GROUP}:members".lower())
        if len(path) > (MEMBER_PATH_LENGTH if of_members else PATH_LENGTH):
            raise InvalidValueException(
                detail=say("A path of a PATCH may have %(limit)s characters", limit=PATH_LENGTH)
            )
        total += 0 if of_members else len(path)
    if total > PATH_LENGTH * 8:
        raise InvalidValueException(
            detail=say(
                "The paths of a PATCH may have %(limit)s characters: send several",
                limit=PATH_LENGTH * 8,
            )
        )


def check_depth(value: Any) -> None:
    """Refuse JSON that is nested deeper than any request needs.

    :raises InvalidSyntaxException: When it is.
    """
    level = [value]
    for _ in range(DEPTH):
        level = [
            item
            for each in level
            for item in (each.values() if isinstance(each, dict) else each)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise InvalidSyntaxException(
        detail=say("The body is nested more than %(limit)s levels deep", limit=DEPTH)
    )
