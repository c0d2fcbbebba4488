"""A SCIM attribute in SQL: one value (:class:`Field`), or rows of values (:class:`Entries`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from scim2_models import AttributeBinding
from sqlalchemy import ColumnElement, String, cast, literal, null, select

from app.store.functions import (
    comparison_key,
    items_in,
    json_boolean,
    json_number,
    json_text,
)

FieldKind = Literal[
    "folded", "text", "exact", "boolean", "number", "time", "moment", "binary", "nothing"
]


@dataclass(frozen=True)
class Field:
    """One single value in SQL, NULL when there is none.

    ``kind`` says how it compares: ``folded`` is a comparison key already, ``text`` must be made
    one, ``exact`` compares as it stands, ``moment`` is a time kept as a text that sorts,
    ``nothing`` is never there.
    """

    expression: Any
    kind: FieldKind
    indexed: ColumnElement[Any] | None = None
    """A column holding the first 256 characters of the comparison key, with an index."""

    @property
    def comparable(self) -> ColumnElement[Any]:
        """The expression in the form comparisons use."""
        found: ColumnElement[Any] = self.expression
        return comparison_key(found) if self.kind == "text" else found


NOTHING = Field(cast(null(), String), "nothing")


@dataclass(frozen=True)
class Entries:
    """The values of a multi-valued attribute: rows, each with sub-attributes."""

    sub_attribute: Callable[[AttributeBinding], Field]
    having: Callable[[ColumnElement[bool]], ColumnElement[bool]]
    """Whether there is a row that meets a condition."""


def json_field(document: ColumnElement[Any], names: list[str], binding: AttributeBinding) -> Field:
    """Return a single value in a JSON document, by the type its schema declares."""
    type_ = binding.target_type
    if type_ is bool:
        return Field(json_boolean(document, *names), "boolean")
    if type_ in (int, float):
        return Field(json_number(document, *names), "number")
    if type_ is datetime:
        return Field(json_text(document, *names), "moment")
    text = json_text(document, *names)
    if type_ is bytes:
        return Field(text, "binary")
    return Field(text, "exact" if binding.case_exact else "text")


def json_entries(table: Any, document: ColumnElement[Any], names: list[str]) -> Entries:
    """Return the values of a list in a JSON document: objects, or plain values.

    :param table: The table whose rows hold the document.
    """
    rows, item = items_in(document, *names)

    def sub_attribute(binding: AttributeBinding) -> Field:
        return json_field(item, [sub_name(binding)] if binding.sub_field_name else [], binding)

    def having(condition: ColumnElement[bool]) -> ColumnElement[bool]:
        return select(literal(1)).select_from(rows).where(condition).correlate(table).exists()

    return Entries(sub_attribute, having)


def sub_name(binding: AttributeBinding) -> str:
    """Return the SCIM name of the sub-attribute that is meant, ``value`` when none is named."""
    return binding.urn.rpartition(".")[2] if binding.sub_field_name else "value"


def moment_text(moment: datetime) -> str:
    """Return the text a time in a JSON document is kept as: in UTC, and so that texts sort."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")
