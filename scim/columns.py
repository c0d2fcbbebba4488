"""Where each SCIM attribute of a resource type lives in the tables, for filters and sorting."""

from __future__ import annotations

from typing import Any

from scim2_models import AttributeBinding, InvalidFilterException, Resource
from sqlalchemy import ColumnElement, String, and_, cast, literal

from app.words import say
from scim.fields import NOTHING, Entries, Field, json_entries, json_field
from scim.resources.kind import Kind


class Columns:
    """The attributes of one resource type of one account."""

    def __init__(self, kind: Kind, account_id: str, model: type[Resource[Any]]) -> None:
        self.kind = kind
        self.account_id = account_id
        self.model = model

    def single(self, binding: AttributeBinding) -> Field:
        """Return where a single-valued attribute lives.

        :raises InvalidFilterException: When it cannot be searched.
        """
        path = self._path(binding)
        if path.startswith("meta."):
            return self._meta(path.removeprefix("meta."))
        if path in self.kind.columns:
            return self.kind.columns[path]
        if path in self.kind.unsearchable:
            raise InvalidFilterException(detail=say("%(path)r cannot be searched", path=path))
        if self.kind.document is None:
            return NOTHING
        return json_field(self.kind.document, self._names(binding), binding)

    def entries(self, binding: AttributeBinding) -> list[Entries]:
        """Return where the values of a multi-valued attribute live: one or more sets of rows.

        :raises InvalidFilterException: When they cannot be searched.
        """
        head = self._head(binding)
        if head == "schemas":
            return self._schemas(binding)
        if head in self.kind.unsearchable:
            raise InvalidFilterException(detail=say("%(path)r cannot be searched", path=head))
        own = self.kind.entries(head, self.account_id)
        if own or self.kind.document is None:
            return own
        names = self._names(binding)
        if binding.sub_field_name:
            names = names[:-1]
        return [json_entries(self.kind.table, self.kind.document, names)]

    def primary_value(self, binding: AttributeBinding) -> Field:
        """Return the value a multi-valued attribute sorts by: the primary one, or the first."""
        return self.kind.primary_value(self._head(binding), binding)

    def _path(self, binding: AttributeBinding) -> str:
        """Return the name of an attribute, qualified when it is an extension's."""
        return binding.urn.removeprefix(f"{self.kind.schema}:")

    def _head(self, binding: AttributeBinding) -> str:
        path = self._path(binding)
        return path.rpartition(".")[0] if binding.sub_field_name else path

    def _names(self, binding: AttributeBinding) -> list[str]:
        """Return the names that lead to an attribute in the JSON document."""
        schema, _, path = binding.urn.rpartition(":")
        names = path.split(".")
        return names if schema in ("", self.kind.schema) else [schema, *names]

    def _meta(self, sub: str) -> Field:
        table = self.kind.table
        if sub == "created":
            return Field(table.created_at, "time")
        if sub == "lastModified":
            return Field(self.kind.modified, "time")
        if sub == "resourceType":
            return Field(literal(self.kind.name), "exact")
        if sub == "version" and self.kind.version is not None:
            return Field('W/"' + cast(self.kind.version, String) + '"', "exact")
        return NOTHING

    def _schemas(self, binding: AttributeBinding) -> list[Entries]:
        """Return the URNs of ``schemas``: the core one always, an extension's when it is used."""
        urns = [self.kind.schema, *self.model.get_extension_models()]
        return [_urn_entry(urn, self.kind.uses(urn), binding.case_exact) for urn in urns]


def _urn_entry(urn: str, used: ColumnElement[bool], exact: bool) -> Entries:
    field = Field(literal(urn, String), "exact" if exact else "text")
    return Entries(lambda _: field, lambda condition: and_(used, condition))
