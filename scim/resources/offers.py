"""Role and Entitlement: the values of ``roles`` and ``entitlements`` that give something here.

They are made by mappings, so that a provider sees just what an administrator lets it give. The
form is the one Okta's discovery reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from sqlalchemy import FromClause, func, literal, select

from app.directory import mappings
from app.store.models import Mapping
from app.store.types import comparison_key
from scim.fields import Field
from scim.projection import Document
from scim.rendering import View
from scim.resources.kind import Kind
from scim.schemas import ENTITLEMENT, ROLE


def _offered(match_by: str) -> FromClause:
    """Return the values of an account's mappings as a table, each value once, as first given."""
    first = select(
        Mapping.account_id,
        Mapping.match_value.label("id"),
        Mapping.match_key.label("key"),
        Mapping.created_at,
        func.max(Mapping.created_at)
        .over(partition_by=(Mapping.account_id, Mapping.match_key))
        .label("updated_at"),
        func.row_number()
        .over(
            partition_by=(Mapping.account_id, Mapping.match_key),
            order_by=(Mapping.created_at, Mapping.id),
        )
        .label("place"),
    ).where(Mapping.match_by == match_by)
    ranked = first.subquery()
    return select(ranked).where(ranked.c.place == 1).subquery()


class _OfferKind(Kind):
    scope = "users"
    writable = False
    match_by: ClassVar[str]
    unsearchable = frozenset({"description"})

    def documents(self, view: View, ids: Sequence[str]) -> list[Document]:
        keys = {each: comparison_key(each) for each in ids}
        found = mappings.offers(view.account_id, self.match_by, set(keys.values()))
        offers = {comparison_key(offer.value): offer for offer in found}
        return [self._document(view, offers[keys[each]]) for each in ids if keys[each] in offers]

    def _document(self, view: View, offer: mappings.Offer) -> Document:
        return {
            "schemas": [self.schema],
            "id": offer.value,
            "meta": {
                "resourceType": self.name,
                "created": offer.created_at,
                "lastModified": offer.updated_at,
                "location": view.location(self.name, quote(offer.value, safe="")),
            },
            "displayName": offer.value,
            "type": self.name,
            "description": offer.description,
        }


def _columns(table: Any, name: str) -> dict[str, Field]:
    return {
        "id": Field(table.id, "exact"),
        "displayName": Field(table.id, "text"),
        "type": Field(literal(name.lower()), "folded"),
    }


_ROLES = _offered("role").c
_ENTITLEMENTS = _offered("entitlement").c


class RoleKind(_OfferKind):
    name = "Role"
    schema = ROLE
    match_by = "role"
    table = _ROLES
    modified = _ROLES.updated_at
    columns = _columns(_ROLES, "Role")


class EntitlementKind(_OfferKind):
    name = "Entitlement"
    schema = ENTITLEMENT
    match_by = "entitlement"
    table = _ENTITLEMENTS
    modified = _ENTITLEMENTS.updated_at
    columns = _columns(_ENTITLEMENTS, "Entitlement")
