"""SCIM filters (RFC 7644 §3.4.2.2) as SQL conditions.

``comparisons`` says how one value compares; here is how the terms of a filter come together.
"""

from __future__ import annotations

from typing import Any

from scim2_models import AttributeBinding, InvalidFilterException, ScimFilter
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)
from sqlalchemy import and_, false, not_, or_, true

from app.words import say
from scim.columns import Columns
from scim.comparisons import Condition, compare, is_present
from scim.fields import Entries, Field

MAX_NODES = 50
"""Most terms one filter may have."""


def condition(scim_filter: ScimFilter[Any], columns: Columns) -> Condition:
    """Return the SQL condition of a filter bound to one resource type.

    :raises InvalidFilterException: When it has too many terms, or names what cannot be searched.
    """
    if size(scim_filter.ast) > MAX_NODES:
        raise InvalidFilterException(
            detail=say("A filter may have %(limit)s terms at the most", limit=MAX_NODES)
        )
    return _Terms(scim_filter, columns).visit(scim_filter.ast)


class _Logic(FilterVisitor[Condition]):
    """``and``, ``or`` and ``not``, which mean the same everywhere."""

    def visit_logical_expr(self, node: LogicalExpr) -> Condition:
        terms = [self.visit(term) for term in node.terms]
        return and_(*terms) if node.op == LogicalOperator.and_ else or_(*terms)

    def visit_not(self, node: Not) -> Condition:
        return not_(self.visit(node.expr))


class _Terms(_Logic):
    """The terms of a filter, each about a whole resource."""

    def __init__(self, scim_filter: ScimFilter[Any], columns: Columns) -> None:
        self.filter = scim_filter
        self.columns = columns

    def visit_comparison(self, node: Comparison) -> Condition:
        binding = self.filter.resolve_comparison(node.attr_path, strict=False)
        if binding is None:
            return false()
        if not binding.is_multivalued:
            return compare(self.columns.single(binding), node, binding)
        return _compare_any(self.columns.entries(binding), node, binding)

    def visit_present(self, node: Present) -> Condition:
        binding = self.filter.resolve(node.attr_path, strict=False)
        if binding is None:
            return false()
        if binding.is_multivalued:
            named = binding.sub_field_name is not None
            found = [
                entries.having(is_present(entries.sub_attribute(binding)) if named else true())
                for entries in self.columns.entries(binding)
            ]
            return or_(*found)
        parts = self._parts(node.attr_path, binding) or [binding]
        return or_(*(is_present(self.columns.single(part)) for part in parts))

    def visit_value_path(self, node: ValuePath) -> Condition:
        binding = self.filter.resolve(node.attr_path, strict=False)
        if binding is None:
            return false()
        found = [
            entries.having(_TermsOfEntry(self.filter, entries, binding).visit(node.val_filter))
            for entries in self.columns.entries(binding)
        ]
        return or_(*found)

    def _parts(self, path: AttrPath, binding: AttributeBinding) -> list[AttributeBinding]:
        """Return the sub-attributes of a complex attribute; none for a simple one."""
        model: Any = binding.field_type
        if binding.sub_field_name or not hasattr(model, "model_fields"):
            return []
        names = [model._scim_name(field) for field in model.model_fields if field != "ref"]
        found = [
            self.filter.resolve(AttrPath(path.attr, name, path.uri), strict=False) for name in names
        ]
        return [part for part in found if part is not None]


class _TermsOfEntry(_Logic):
    """The terms of a value path, all about the same entry of a multi-valued attribute."""

    def __init__(
        self, scim_filter: ScimFilter[Any], entries: Entries, binding: AttributeBinding
    ) -> None:
        self.filter, self.entries = scim_filter, entries
        schema, _, self.name = binding.urn.rpartition(":")
        self.schema = schema or None

    def visit_comparison(self, node: Comparison) -> Condition:
        part = self._part(node.attr_path)
        return false() if part is None else compare(self._field(part), node, part)

    def visit_present(self, node: Present) -> Condition:
        part = self._part(node.attr_path)
        return false() if part is None else is_present(self._field(part))

    def visit_value_path(self, node: ValuePath) -> Condition:
        return false()

    def _part(self, path: AttrPath) -> AttributeBinding | None:
        return self.filter.resolve(AttrPath(self.name, path.attr, self.schema), strict=False)

    def _field(self, part: AttributeBinding) -> Field:
        return self.entries.sub_attribute(part)


def _compare_any(sources: list[Entries], node: Comparison, binding: AttributeBinding) -> Condition:
    """Compare a multi-valued attribute: one value that compares is enough, but ``ne`` is of all.

    An attribute without values is null itself.
    """
    some = or_(*(entries.having(true()) for entries in sources))

    def any_value(op: CompareOperator) -> Condition:
        term = Comparison(node.attr_path, op, node.value)
        found = [
            entries.having(compare(entries.sub_attribute(binding), term, binding))
            for entries in sources
        ]
        return or_(*found)

    if node.op == CompareOperator.ne:
        none_equal = not_(any_value(CompareOperator.eq))
        return and_(some, none_equal) if node.value is None else none_equal
    if node.op == CompareOperator.eq and node.value is None:
        return or_(any_value(node.op), not_(some))
    return any_value(node.op)


def size(node: FilterNode) -> int:
    """Return how many terms a filter has."""
    if isinstance(node, LogicalExpr):
        return sum(map(size, node.terms))
    if isinstance(node, Not):
        return 1 + size(node.expr)
    return size(node.val_filter) if isinstance(node, ValuePath) else 1
