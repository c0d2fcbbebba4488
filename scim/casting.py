"""Between SCIM resources and the profiles of the directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scim2_models import Context, Resource

from app.directory.groups import GroupProfile
from app.directory.users import Profile

_OWN_PLACE = ("schemas", "id", "meta", "groups", "members", "password")
"""What a profile does not hold: set by the server, or kept elsewhere."""

MULTI_VALUED = frozenset(
    {
        "emails",
        "phoneNumbers",
        "ims",
        "photos",
        "addresses",
        "entitlements",
        "roles",
        "x509Certificates",
    }
)
"""The multi-valued attributes of a User, kept as rows of ``user_values``."""


@dataclass
class UserWrite:
    """A user as a client wants it to be."""

    profile: Profile
    password: str | None


def user_write(resource: Resource[Any]) -> UserWrite:
    """Read a User resource."""
    document = resource.model_dump(scim_ctx=Context.DEFAULT)
    password = document.get("password")
    for name in _OWN_PLACE:
        document.pop(name, None)
    profile = Profile(
        user_name=document.pop("userName", ""),
        external_id=document.pop("externalId", None),
        display_name=document.pop("displayName", None),
        active=document.pop("active", None),
        values={name: document.pop(name) for name in MULTI_VALUED & document.keys()},
        attributes=document,
    )
    return UserWrite(profile, password)


def group_profile(resource: Resource[Any]) -> GroupProfile:
    """Read a Group resource, but for its members."""
    document = resource.model_dump(scim_ctx=Context.DEFAULT)
    for name in _OWN_PLACE:
        document.pop(name, None)
    return GroupProfile(
        display_name=document.pop("displayName", ""),
        external_id=document.pop("externalId", None),
        attributes=document,
    )
