"""Attributes no schema declares: taken out of a request, reported, and kept where that is chosen.

An attribute in a whole body or in the value of a PATCH is taken by its name; one on a path of its
own is taken with the operation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scim2_models import Resource

from scim.projection import Document

Model = type[Resource[Any]]


@dataclass
class Unknown:
    """What a request said of attributes that no schema declares."""

    values: Document = field(default_factory=dict)
    """By name, as it was sent; None takes one out. Attributes of unknown extensions come together
    under their URN."""
    parts: list[str] = field(default_factory=list)
    """Paths into known attributes, which cannot be kept: ``name.nickName``."""


def take(model: Model, payload: Document) -> tuple[Document, Unknown]:
    """Part the body of a POST or PUT, or the value of a PATCH, into known and unknown."""
    unknown = Unknown()
    known = {}
    for key, value in payload.items():
        if key.lower() in names_of(model):
            known[key] = value
            unknown.parts += _unknown_parts(model, key, value)
        else:
            unknown.values[key] = value
    return known, unknown


def take_from_operations(model: Model, operations: list[Any]) -> tuple[list[Any], Unknown]:
    """Part the operations of a PATCH into known and unknown."""
    unknown = Unknown()
    rest = []
    for operation in operations:
        if not isinstance(operation, dict):
            rest.append(operation)
            continue
        path, value = operation.get("path"), operation.get("value")
        if not path and isinstance(value, dict):
            known, found = take(model, value)
            unknown.values |= found.values
            unknown.parts += found.parts
            if known:
                rest.append(operation | {"value": known})
        elif isinstance(path, str) and (name := _unknown_name(model, path)) is not None:
            removes = operation.get("op") == "remove"
            if name == path:
                unknown.values[name] = None if removes else value
            else:
                unknown.parts.append(path)
        else:
            rest.append(operation)
    return rest, unknown


def names_of(model: Any) -> frozenset[str]:
    """Return the names of a model's attributes, and the URNs of its extensions, in lower case."""
    # Kept by the model, so that it goes with a model made of an account's own schemas.
    known: frozenset[str] | None = model.__dict__.get("__scim_names__")
    if known is None:
        names = {model._scim_name(field).lower() for field in model.model_fields}
        if issubclass(model, Resource):
            names |= {str(urn).lower() for urn in model.get_extension_models()}
        known = frozenset(names | {"schemas", "$ref"})
        model.__scim_names__ = known
    return known


def _unknown_parts(model: Any, key: str, value: Any) -> list[str]:
    """Return the paths of unknown attributes within a known one."""
    part = _part_model(model, key)
    if part is None:
        return []
    separator = ":" if ":" in key else "."
    found = [
        f"{key}{separator}{name}"
        for item in (value if isinstance(value, list) else [value])
        if isinstance(item, dict)
        for name in item
        if name.lower() not in names_of(part)
    ]
    return list(dict.fromkeys(found))


def _part_model(model: Any, key: str) -> Any:
    """Return the model of a complex attribute or of an extension; None for a simple value."""
    if ":" in key:
        extensions = {str(urn).lower(): each for urn, each in model.get_extension_models().items()}
        return extensions.get(key.lower())
    for name in model.model_fields:
        if model._scim_name(name).lower() == key.lower():
            found = model.get_field_root_type(name)
            return found if hasattr(found, "model_fields") else None
    return None


def _unknown_name(model: Model, path: str) -> str | None:
    """Return the attribute a path begins with if it is unknown, or the schema it is of."""
    schema, _, rest = path.partition("[")[0].rpartition(":")
    head = rest.partition(".")[0]
    if schema.lower() in ("", str(model.__schema__).lower()):
        return None if head.lower() in names_of(model) else head
    if path.lower() in names_of(model):
        return None
    extension = _part_model(model, schema)
    return None if extension and head.lower() in names_of(extension) else schema
