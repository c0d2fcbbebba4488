"""Operations of a bulk request that ask for no more than most do.

They are told from their JSON, without a model, so that many can be written at once. What this does
not know is for scim2-models to read; what it does know, scim2-models would read in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from scim2_models import BulkOperation

from app.directory.groups import GroupProfile
from app.directory.users import Profile
from scim.schemas import ENTERPRISE_USER, GROUP, USER

Method = BulkOperation.Method
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain operation, with what :class:`scim2_models.BulkOperation` says of it too."""

    method: Method
    path: str
    bulk_id: str | None
    resource_id: str | None
    asks: Any
    """The ``Profile`` of a user to add, the ``GroupProfile`` of a group, or a ``frozenset``: the
    ids of those to add to the group."""

    @property
    def name(self) -> str | None:
        """The userName or displayName it says."""
        if isinstance(self.asks, frozenset):
            return None
        said = self.asks.user_name if isinstance(self.asks, Profile) else self.asks.display_name
        return str(said)

    @property
    def size(self) -> int:
        """How much there is to write, in rows."""
        return len(self.asks) if isinstance(self.asks, frozenset) else 1


def read(sent: Any) -> Plain | None:
    """Return a plain operation; None where it is none, or refers to another one."""
    if not isinstance(sent, dict) or sent.keys() - _OPERATION:
        return None
    if _REFERENCE in orjson.dumps(sent):
        return None
    method, path, bulk_id, data = map(sent.get, _OPERATION)
    if not isinstance(path, str) or not isinstance(data, dict):
        return None
    if method == "POST" and path in _NEW and bulk_id and isinstance(bulk_id, str):
        asks = _NEW[path](data)
        return Plain(Method.post, path, bulk_id, None, asks) if asks else None
    if method == "PATCH" and _GROUP_PATH.fullmatch(path) and isinstance(bulk_id, str | None):
        ids = members(data)
        return Plain(Method.patch, path, bulk_id, path[-_ID_LENGTH:], ids) if ids else None
    return None


def user(data: dict[str, Any]) -> Profile | None:
    """Return who a POST adds that says only what most do; None where it says more."""
    rest = dict(data)
    if not _is_one(rest.pop("schemas", None), USER, ENTERPRISE_USER):
        return None
    for name, value in rest.items():
        fits = _USER.get(name)
        if fits is None or not fits(value):
            return None
    if "userName" not in rest:
        return None
    return Profile(
        user_name=rest.pop("userName"),
        external_id=rest.pop("externalId", None),
        display_name=rest.pop("displayName", None),
        active=rest.pop("active", True),
        values={name: rest.pop(name) for name in _VALUES if name in rest},
        attributes=rest,
    )


def group(data: dict[str, Any]) -> GroupProfile | None:
    """Return the group that a POST adds, without members; None where it says more."""
    if not _is_one(data.get("schemas"), GROUP) or data.keys() - _GROUP:
        return None
    name, external_id = data.get("displayName"), data.get("externalId")
    if not _is_text(name) or not (external_id is None or _is_text(external_id)):
        return None
    return GroupProfile(str(name), external_id)


def members(data: dict[str, Any]) -> frozenset[str] | None:
    """Return whom a PATCH of a group adds to it by their ids; None where it asks for more."""
    operations = data.get("Operations")
    if data.keys() != _PATCH or data["schemas"] != [PATCH] or not isinstance(operations, list):
        return None
    if len(operations) != 1 or not isinstance(operations[0], dict):
        return None
    (operation,) = operations
    value = operation.get("value")
    if operation != {"op": "add", "path": "members", "value": value} or not _are_members(value):
        return None
    return frozenset([each["value"] for each in value])


_REFERENCE = b'"bulkId:'
_ID_LENGTH = 36
_IS_ID = re.compile(r"[0-9a-f-]{36}").fullmatch
_GROUP_PATH = re.compile(r"/Groups/[0-9a-f-]{36}")
_OPERATION = dict.fromkeys(("method", "path", "bulkId", "data")).keys()
_GROUP = {"schemas", "displayName", "externalId"}
_PATCH = {"schemas", "Operations"}
_MEMBER = {"value"}


def _are_members(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(each, dict)
            and each.keys() == _MEMBER
            and isinstance(each["value"], str)
            and _IS_ID(each["value"])
            for each in value
        )
    )


def _is_one(schemas: Any, core: str, *extensions: str) -> bool:
    return isinstance(schemas, list) and (
        schemas == [core]
        or (core in schemas and all(each in (core, *extensions) for each in schemas))
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _texts(*names: str) -> Callable[[Any], bool]:
    """Return whether a complex value holds some of these texts, and nothing else."""
    known = frozenset(names)

    def fit(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and bool(value)
            and value.keys() <= known
            and all(map(_is_text, value.values()))
        )

    return fit


def _entries(*types: str) -> Callable[[Any], bool]:
    """Return whether a value is a list of values of these types, one of them primary at most."""
    known = frozenset(types)

    def fits(entry: Any) -> bool:
        if not isinstance(entry, dict) or not _is_text(entry.get("value")):
            return False
        if entry["value"].lstrip().startswith("{"):  # It may be JSON: see ``scim.dialects``.
            return False
        primary, type_ = entry.get("primary", False), entry.get("type", types[0])
        others = len(entry) - 1 - ("primary" in entry) - ("type" in entry)
        return not others and _is_boolean(primary) and isinstance(type_, str) and type_ in known

    def fit(value: Any) -> bool:
        return (
            isinstance(value, list)
            and bool(value)
            and all(map(fits, value))
            and sum(each.get("primary", False) for each in value) <= 1
        )

    return fit


_USER: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("userName", "externalId", "displayName", "nickName", "title"), _is_text),
    **dict.fromkeys(("userType", "preferredLanguage", "locale", "timezone"), _is_text),
    "active": _is_boolean,
    "name": _texts(
        *("formatted", "familyName", "givenName", "middleName"),
        *("honorificPrefix", "honorificSuffix"),
    ),
    "emails": _entries("work", "home", "other"),
    "phoneNumbers": _entries("work", "home", "mobile", "fax", "pager", "other"),
    ENTERPRISE_USER: _texts(
        "employeeNumber", "costCenter", "organization", "division", "department"
    ),
}
"""What a plain user may say, each with whether a value is plain too."""
_VALUES = ("emails", "phoneNumbers")
_NEW: dict[str, Callable[[dict[str, Any]], Profile | GroupProfile | None]] = {
    "/Users": user,
    "/Groups": group,
}
