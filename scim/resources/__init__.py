"""The resource types, one module each: how its rows are searched, rendered and written."""

from __future__ import annotations

from scim.resources.folders import FolderKind
from scim.resources.grants import GrantKind
from scim.resources.groups import GroupKind
from scim.resources.kind import Kind
from scim.resources.offers import EntitlementKind, RoleKind
from scim.resources.users import UserKind

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        UserKind(),
        GroupKind(),
        FolderKind(),
        GrantKind(),
        RoleKind(),
        EntitlementKind(),
    )
}
"""The resource types by name."""
