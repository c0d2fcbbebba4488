"""What is known of a resource type beyond its schema."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from scim2_models import AttributeBinding, Resource
from sqlalchemy import ColumnElement, false, true

from app.directory.work import Work
from scim.fields import NOTHING, Entries, Field
from scim.projection import Document
from scim.rendering import View


class Kind(ABC):
    """One resource type: where its rows are, how they are read and written."""

    name: ClassVar[str]
    schema: ClassVar[str]
    scope: ClassVar[str]
    """The scope a token needs to reach it."""
    writable: ClassVar[bool] = True
    table: ClassVar[Any]
    """Has ``id``, ``account_id`` and ``created_at``."""
    modified: ClassVar[ColumnElement[Any]]
    version: ClassVar[Any] = None
    """The column that counts the changes of a resource, if they are counted."""
    document: ClassVar[ColumnElement[Any] | None] = None
    """The JSON column of the attributes that have no column, if there is one."""
    columns: ClassVar[Mapping[str, Field]] = {}
    """Attributes that have a column, by name; an extension's by URN and name."""
    unsearchable: ClassVar[frozenset[str]] = frozenset()
    has_members: ClassVar[bool] = False
    """Whether it has members, which are written apart: see ``scim.members``."""
    keeps_unknown: ClassVar[bool] = False
    """Whether attributes no schema declares can be kept."""
    heavy: ClassVar[str | None] = None
    """A read-only or separately written attribute that is not loaded to apply a change."""
    kept_by_put: ClassVar[tuple[str, ...]] = ()
    """Attributes, by their Python names, that a PUT leaves alone when it leaves them out."""
    fixed: ClassVar[tuple[str, ...]] = ()
    """Complex attributes that are set when a resource is made, and told apart by ``value``."""

    def entries(self, name: str, account_id: str) -> list[Entries]:
        """Return where the values of a multi-valued attribute are rows; empty: in the document."""
        return []

    def primary_value(self, name: str, binding: AttributeBinding) -> Field:
        """Return the value a multi-valued attribute sorts by."""
        return NOTHING

    def uses(self, urn: str) -> ColumnElement[bool]:
        """Return the condition that a resource has attributes of a schema."""
        return true() if urn == self.schema else false()

    @abstractmethod
    def documents(self, view: View, ids: Sequence[str]) -> list[Document]:
        """Return the documents of these ids, in their order; unknown ones are left out."""

    def rendered(self, view: View, rows: Sequence[Any]) -> list[Document]:
        """Return the documents of rows as the kind's statement in ``queries`` reads them."""
        raise NotImplementedError

    def insert(self, work: Work, resource: Resource[Any]) -> str:
        """Add a resource and return its id."""
        raise NotImplementedError

    def write(self, work: Work, resource: Any, expected_version: int | None = None) -> None:
        """Make a stored resource what this one says."""
        raise NotImplementedError

    def plain(self, payload: dict[str, Any]) -> Any:
        """Return what the body of a POST adds when it says only what most do; None otherwise."""
        return None

    def add(self, work: Work, plain: Any) -> str:
        """Add what :meth:`plain` returned, and return its id."""
        raise NotImplementedError

    def apply(self, work: Work, resource_id: str, operations: list[Any]) -> bool:
        """Apply the operations of a PATCH that need no resource to be applied to.

        :returns: False where they need one; then nothing is written.
        """
        return False

    def delete(self, work: Work, resource_id: str, expected_version: int | None = None) -> None:
        """Remove a resource."""
        raise NotImplementedError
