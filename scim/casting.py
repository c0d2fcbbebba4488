"""Between SCIM resources and the profiles of the directory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from scim2_models import AttributeBinding, Context, Path, Resource

from app.directory import roles
from app.directory.groups import GroupProfile
from app.directory.users import Profile
from scim.fields import moment_text
from scim.schemas import ACCESS_USER

_COMMON = ("schemas", "id", "meta")
"""What a profile does not hold: it is set by the server."""

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
    account_role: str | None

    def role_id(self, account_id: str) -> str | None:
        """Return the id of the account role.

        :raises Invalid: When the account has no role of this name.
        """
        return self.account_role and roles.find(account_id, "account", self.account_role)


def user_write(resource: Resource[Any]) -> UserWrite:
    """Read a User resource."""
    document = _document(resource)
    password = document.get("password")
    access = document.pop(ACCESS_USER, None) or {}
    for name in (*_COMMON, "groups", "password"):
        document.pop(name, None)
    profile = Profile(
        user_name=document.pop("userName", ""),
        external_id=document.pop("externalId", None),
        display_name=document.pop("displayName", None),
        active=document.pop("active", None),
        values={name: document.pop(name) for name in MULTI_VALUED & document.keys()},
        attributes=document,
    )
    return UserWrite(profile, password, access.get("accountRole"))


def group_profile(resource: Resource[Any]) -> GroupProfile:
    """Read a Group resource, but for its members."""
    document = _document(resource)
    for name in (*_COMMON, "members"):
        document.pop(name, None)
    return GroupProfile(
        display_name=document.pop("displayName", ""),
        external_id=document.pop("externalId", None),
        attributes=document,
    )


def _document(resource: Resource[Any]) -> dict[str, Any]:
    """Return a resource as JSON, its times in the one form that sorts."""
    document: dict[str, Any] = resource.model_dump(scim_ctx=Context.DEFAULT)
    for names in _times_in(type(resource)):
        _sort_times(document, names)
    return document


def _times_in(model: Any) -> list[list[str]]:
    """Return the names that lead to each time in a resource, those of ``meta`` aside."""
    # Kept by the model, so that it goes with a model made of an account's own schemas.
    known: list[list[str]] | None = model.__dict__.get("__scim_times__")
    if known is None:
        known = [
            [*([] if schema == model.__schema__ else [schema]), *names.split(".")]
            for path in Path[model].iter_paths(target_type=[datetime])
            for schema, _, names in [cast(AttributeBinding, path.resolve()).urn.rpartition(":")]
            if not names.startswith("meta.")
        ]
        model.__scim_times__ = known
    return known


def _sort_times(value: Any, names: list[str]) -> None:
    """Rewrite the times at a place, in each item where there is a list on the way."""
    if isinstance(value, list):
        for item in value:
            _sort_times(item, names)
    elif isinstance(value, dict) and names[0] in value:
        found = value[names[0]]
        if len(names) > 1:
            _sort_times(found, names[1:])
        elif isinstance(found, list):
            value[names[0]] = [_sorting(each) for each in found]
        else:
            value[names[0]] = _sorting(found)


def _sorting(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return moment_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
