"""How one value in SQL compares with the operand of a filter.

Every condition is two-valued: where a value is missing it is false or true, never NULL, so that
``not (…)`` means what ``ScimFilter.match`` means.
"""

from __future__ import annotations

import base64
import operator
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from scim2_models import AttributeBinding, InvalidFilterException
from scim2_models.path import CompareOperator, Comparison
from scim2_models.path.expressions import STRING_OPERATORS
from scim2_models.path.resolution import coerce_value
from sqlalchemy import ColumnElement, and_, false, func, not_, or_, true

from app.store.functions import position_of
from app.store.types import comparison_key
from app.words import say
from scim.fields import Field, moment_text

Condition = ColumnElement[bool]

_ORDERING: dict[CompareOperator, Callable[[Any, Any], Condition]] = {
    CompareOperator.gt: operator.gt,
    CompareOperator.ge: operator.ge,
    CompareOperator.lt: operator.lt,
    CompareOperator.le: operator.le,
}


NUMBER_LIMIT = 1e300
_NO_TEXTS = ("time", "moment", "boolean", "number", "binary")


def compare(field: Field, node: Comparison, binding: AttributeBinding) -> Condition:
    """Return the condition that one value compares as a filter asks.

    :raises InvalidFilterException: When the operand is not of the attribute's type.
    """
    expected = _operand(node, binding)
    if field.kind == "nothing":
        return _compare_nothing(node.op, expected)
    missing: Condition = field.expression.is_(None)
    if expected is None:
        if node.op == CompareOperator.eq:
            return missing
        return not_(missing) if node.op == CompareOperator.ne else false()
    if node.op in STRING_OPERATORS and field.kind in _NO_TEXTS:
        return false()
    value = _in_sql_form(field, expected)
    if node.op == CompareOperator.eq:
        return _equal(field, value)
    if node.op == CompareOperator.ne:
        return or_(missing, field.comparable != value)
    if node.op in _ORDERING:
        return and_(not_(missing), _ORDERING[node.op](field.comparable, value))
    return and_(not_(missing), _contains(field.comparable, node.op, value))


def is_present(field: Field) -> Condition:
    """Return the condition of ``pr``: there is a value, and it is not empty."""
    if field.kind == "nothing":
        return false()
    there: Condition = field.expression.is_not(None)
    if field.kind in _NO_TEXTS and field.kind != "binary":
        return there
    return and_(there, field.expression != "")


def _compare_nothing(op: CompareOperator, expected: Any) -> Condition:
    """Compare with a value that is never there: equal to null, different from all else."""
    if op == CompareOperator.eq:
        return true() if expected is None else false()
    if op == CompareOperator.ne:
        return false() if expected is None else true()
    return false()


def _equal(field: Field, value: Any) -> Condition:
    # Joined by AND, the comparison is free to use an index, and false where the value is missing.
    if field.indexed is None:
        return and_(field.expression.is_not(None), field.comparable == value)
    by_index = and_(field.indexed.is_not(None), field.indexed == value[:256])
    return by_index if len(value) < 256 else and_(by_index, field.comparable == value)


def _contains(text: ColumnElement[Any], op: CompareOperator, part: Any) -> Condition:
    if not isinstance(part, str):
        return false()
    if not part:
        return true()
    if op == CompareOperator.co:
        found: Condition = position_of(text, part) > 0
        return found
    if op == CompareOperator.sw:
        return func.substr(text, 1, len(part)) == part
    start = func.length(text) - len(part) + 1
    return and_(func.length(text) >= len(part), func.substr(text, start) == part)


def _operand(node: Comparison, binding: AttributeBinding) -> Any:
    expected = coerce_value(binding, node.value, node.op)
    if isinstance(node.value, str) and isinstance(expected, str):
        return node.value
    if isinstance(expected, datetime) and expected.tzinfo is None:
        return expected.replace(tzinfo=UTC)
    return expected


def _in_sql_form(field: Field, expected: Any) -> Any:
    """Return the operand as the column holds its values.

    :raises InvalidFilterException: When it cannot be compared with such values.
    """
    if field.kind == "time":
        return _in_utc(_of_type(datetime, expected))
    if field.kind == "moment":
        return moment_text(_in_utc(_of_type(datetime, expected)))
    if field.kind == "boolean":
        return _of_type(bool, expected)
    if field.kind == "number":
        return _number(expected)
    if isinstance(expected, bytes):
        return base64.b64encode(expected).decode()
    text: str = _of_type(str, expected)
    if "\0" in text:
        raise InvalidFilterException(detail=say("A filter must not hold NUL"))
    return comparison_key(text) if field.kind in ("folded", "text") else text


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidFilterException(detail=say("A time is out of range")) from None


def _of_type(wanted: type, value: Any) -> Any:
    if not isinstance(value, wanted):
        raise InvalidFilterException(
            detail=say("%(value)s cannot be compared here", value=repr(value))
        )
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidFilterException(detail=say("%(value)s is not a number", value=repr(value)))
    if not -NUMBER_LIMIT < value < NUMBER_LIMIT:  # NaN is not either
        raise InvalidFilterException(detail=say("A number is out of range"))
    return float(value)
