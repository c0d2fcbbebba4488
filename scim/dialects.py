"""What real clients send that the RFCs do not allow, each put right by one named function.

Every function takes the decoded JSON of a request and returns it in the form of the RFC. The
conversations in ``idp-fixtures/scim`` show each at work.
"""

from __future__ import annotations

import json
import re
from typing import Any

from scim.schemas import ENTERPRISE_USER, GROUP, USER

Json = dict[str, Any]
Urns = frozenset[str]

_TEXT_BOOLEANS = {"true": True, "false": False}
_READ_ONLY = ("id", "meta", "groups")
_LISTS_OF_VALUES = ("roles", "entitlements", "emails", "phonenumbers", "ims", "photos")
_MANAGER = f"{ENTERPRISE_USER}:manager".lower()


def normalise_resource(payload: Any, urns: Urns) -> Any:
    """Put the body of a POST or PUT right.

    :param urns: The schemas the account has, in lower case.
    """
    if not isinstance(payload, dict):
        return payload
    payload = without_read_only(payload)
    payload = draft_urns(payload)
    payload = known_schemas_only(payload, urns)
    payload = without_nulls(payload)
    payload = manager_as_object(payload)
    return values_as_objects(payload)


def normalise_operations(operations: list[Any], urns: Urns) -> list[Any]:
    """Put the operations of a PATCH right. What asks for nothing is left out."""
    return [
        fixed
        for operation in operations
        for each in paths_out_of_value(operation, urns)
        for fixed in _normalise_operation(each)
    ]


def normalise_bulk(payload: Json, urns: Urns) -> Json:
    """Put the data of each operation of a bulk request right."""
    key = operations_key(payload)
    operations = payload.get(key)
    if not isinstance(operations, list):
        return payload
    return payload | {key: [_normalise_bulk_operation(each, urns) for each in operations]}


def operations_key(payload: Json) -> str:
    """Return how a PATCH or a bulk request spells ``Operations``; names have no case."""
    return next((key for key in payload if key.lower() == "operations"), "Operations")


def operations_in(payload: Json) -> list[Any]:
    """Return the operations of a normalised bulk request."""
    found = payload.get(operations_key(payload))
    listed = found if isinstance(found, list) else []
    return [each if isinstance(each, dict) else {} for each in listed]


def patches_in_bulk(payload: Json) -> list[list[Any]]:
    """Return the operations of each PATCH in a normalised bulk request."""
    found = []
    for operation in operations_in(payload):
        data = operation.get("data")
        operations = data.get(operations_key(data)) if isinstance(data, dict) else None
        if isinstance(operations, list):
            found.append(operations)
    return found


def _normalise_bulk_operation(operation: Any, urns: Urns) -> Any:
    if not isinstance(operation, dict):
        return operation
    operation = patch_as_a_list(operation)
    data = operation.get("data")
    if not isinstance(data, dict):
        return operation
    if str(operation.get("method")).upper() != "PATCH":
        return operation | {"data": normalise_resource(data, urns)}
    key = operations_key(data)
    if not isinstance(data.get(key), list):
        return operation
    return operation | {"data": data | {key: normalise_operations(data[key], urns)}}


def patch_as_a_list(operation: Json) -> Json:
    """An example of RFC 7644 §3.7.3 has the operations of a PATCH alone, as a list."""
    data = operation.get("data")
    if str(operation.get("method")).upper() != "PATCH" or not isinstance(data, list):
        return operation
    return operation | {"data": {"Operations": data}}


def normalise_search(payload: Json) -> Json:
    """Put the filter of a search right, whether it came in the query or as a body."""
    return {
        key: manager_without_its_urn(value)
        if key.lower() == "filter" and isinstance(value, str)
        else value
        for key, value in payload.items()
    }


def manager_without_its_urn(text: str) -> str:
    """Entra looks for ``manager eq "…"`` without naming the extension it belongs to."""
    # The end of a text is optional, so that one without end is read once, not from every quote.
    parts = re.split(r'("(?:[^"\\]|\\.?)*"?)', text)
    parts[::2] = [
        re.sub(r"(?<![\w.:])manager(?=[\s.])", f"{ENTERPRISE_USER}:manager", part, flags=re.I)
        for part in parts[::2]
    ]
    return re.sub(rf"({ENTERPRISE_USER}:manager)(?=\s+(?:eq|ne)\b)", r"\1.value", "".join(parts))


def _normalise_operation(operation: Any) -> list[Any]:
    if not isinstance(operation, dict):
        return [operation]
    operation = lower_case_op(operation)
    operation = quoted_booleans_in_path(operation)
    operation = manager_as_bare_id(operation)
    operation = read_only_out_of_value(operation)
    operation = values_as_objects_in_operation(operation)
    return null_clears(operation)


def without_read_only(payload: Json) -> Json:
    """Okta sends back what it read: read-only values are ignored, whatever is in them."""
    return {key: item for key, item in payload.items() if key.lower() not in _READ_ONLY}


def draft_urns(payload: Json) -> Json:
    """OneLogin names schemas as an early draft of the RFC did: ``urn:scim:schemas:core:2.0``."""
    renamed = {_of_draft(key, payload): item for key, item in payload.items()}
    schemas = renamed.get("schemas")
    if isinstance(schemas, list):
        renamed["schemas"] = [
            _of_draft(urn, payload) if isinstance(urn, str) else urn for urn in schemas
        ]
    return renamed


def known_schemas_only(payload: Json, urns: Urns) -> Json:
    """Entra adds a schema of its own to a group (``…/2006/11/ResourceManagement/…``): leave it out.

    A body without ``schemas`` is given its own by scim2-models already.
    """
    schemas = payload.get("schemas")
    if not isinstance(schemas, list):
        return payload
    known = [urn for urn in schemas if isinstance(urn, str) and urn.lower() in urns]
    return payload | {"schemas": known} if known else payload


def without_nulls(payload: Json) -> Json:
    """A null is an attribute without a value (RFC 7643 §2.5): leave it out at every level."""
    return {
        key: without_nulls(value) if isinstance(value, dict) else value
        for key, value in payload.items()
        if value is not None
    }


def manager_as_object(payload: Json) -> Json:
    """Entra sends the manager as a bare id, and an empty one when there is none."""
    extension = payload.get(ENTERPRISE_USER)
    if not isinstance(extension, dict) or not isinstance(extension.get("manager"), str):
        return payload
    manager = extension["manager"]
    rest = {key: value for key, value in extension.items() if key != "manager"}
    return payload | {ENTERPRISE_USER: rest | ({"manager": {"value": manager}} if manager else {})}


def values_as_objects(payload: Json) -> Json:
    """Entra sends roles as objects, as strings, or as JSON inside a string."""
    return {
        key: _as_objects(value) if key.lower() in _LISTS_OF_VALUES else value
        for key, value in payload.items()
    }


def paths_out_of_value(operation: Any, urns: Urns) -> list[Any]:
    """Entra and Okta send keys that are paths in a value without one: an operation for each.

    ``{"name.givenName": …}``, ``{"emails[type eq \\"work\\"].value": …}`` and
    ``{"urn:…:User:department": …}``.
    """
    if not isinstance(operation, dict) or operation.get("path"):
        return [operation]
    value = operation.get("value")
    if not isinstance(value, dict):
        return [operation]
    plain = {key: item for key, item in value.items() if not _is_path(key, item, urns)}
    split = [
        {**operation, "path": key, "value": item} for key, item in value.items() if key not in plain
    ]
    return ([{**operation, "value": plain}] if plain or not split else []) + split


def lower_case_op(operation: Json) -> Json:
    """Entra capitalises the operations: ``Add``, ``Replace``, ``Remove``."""
    op = operation.get("op")
    return operation | {"op": op.lower()} if isinstance(op, str) else operation


def quoted_booleans_in_path(operation: Json) -> Json:
    """Entra quotes booleans in a path: ``roles[primary eq "True"].value``."""
    path = operation.get("path")
    if not isinstance(path, str):
        return operation
    fixed = re.sub(
        r'(\bprimary\s+(?:eq|ne)\s+)"(true|false)"',
        lambda match: match[1] + match[2].lower(),
        path,
        flags=re.IGNORECASE,
    )
    return operation | {"path": fixed}


def manager_as_bare_id(operation: Json) -> Json:
    """Entra writes the manager as a bare id on its path, and ``""`` to clear it."""
    path = operation.get("path")
    if not isinstance(path, str) or path.lower() not in (_MANAGER, f"{_MANAGER}.value"):
        return operation
    value = operation.get("value")
    if isinstance(value, dict) and value.get("value"):
        return operation
    if operation.get("op") == "remove" or not isinstance(value, str) or not value:
        return {"op": "remove", "path": path[: len(_MANAGER)]}
    return operation | {"path": path[: len(_MANAGER)], "value": {"value": value}}


def read_only_out_of_value(operation: Json) -> Json:
    """Okta renames a group with its ``id`` in the value: what is read-only is not a change."""
    value = operation.get("value")
    if operation.get("path") or not isinstance(value, dict):
        return operation
    dropped = (*_READ_ONLY, "schemas")
    kept = {key: item for key, item in value.items() if key.lower() not in dropped}
    return operation | {"value": kept}


def values_as_objects_in_operation(operation: Json) -> Json:
    """The same of roles in a PATCH, on their path or in the value."""
    path, value = operation.get("path"), operation.get("value")
    if isinstance(path, str) and path.lower() in _LISTS_OF_VALUES and value is not None:
        return operation | {"value": _as_objects(value)}
    if not path and isinstance(value, dict):
        return operation | {"value": values_as_objects(value)}
    return operation


def null_clears(operation: Json) -> list[Json]:
    """``"value": null`` clears an attribute, and so does a null in a value without a path."""
    path, value = operation.get("path"), operation.get("value")
    if operation.get("op") not in ("add", "replace"):
        return [operation]
    if path:
        clears = "value" in operation and value is None
        return [{"op": "remove", "path": path}] if clears else [operation]
    if not isinstance(value, dict):
        return [operation]
    cleared = [key for key, item in value.items() if item is None]
    kept = {key: item for key, item in value.items() if item is not None}
    fixed = [{"op": "remove", "path": key} for key in cleared]
    return ([operation | {"value": kept}] if kept else []) + fixed


def _of_draft(name: str, payload: Json) -> str:
    draft = name.lower()
    if draft.startswith("urn:scim:schemas:core:"):
        return USER if "userName" in payload else GROUP
    return ENTERPRISE_USER if draft.startswith("urn:scim:schemas:extension:enterprise:") else name


def _is_path(key: str, value: Any, urns: Urns) -> bool:
    name = key.lower()
    if name in urns:
        return False
    if name.startswith("urn:") and isinstance(value, dict):  # of an extension we do not know?
        return any(name.startswith(f"{urn}:") for urn in urns)
    return name.startswith("urn:") or "." in key or "[" in key


def _as_objects(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_object(each) for each in value]
    return [_as_object(value)] if isinstance(value, str) else value


def _as_object(entry: Any) -> Any:
    if isinstance(entry, str):
        return _decoded(entry) or {"value": entry}
    if isinstance(entry, dict) and isinstance(entry.get("value"), str):
        return entry | (_decoded(entry["value"]) or {})
    return entry


def _decoded(text: str) -> Json | None:
    """Return the JSON object in a text, with what a value of a User may hold; None if none is."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(decoded, dict) or "value" not in decoded:
        return None
    if "displayName" in decoded:
        decoded.setdefault("display", decoded["displayName"])
    parts = ("value", "display", "type", "primary")
    return boolean_texts({key: decoded[key] for key in parts if key in decoded})


def boolean_texts(entry: Json) -> Json:
    """``"True"`` and ``"False"`` where a boolean belongs, as in JSON inside a string."""
    return {
        key: _TEXT_BOOLEANS.get(item.lower(), item)
        if key == "primary" and isinstance(item, str)
        else item
        for key, item in entry.items()
    }
