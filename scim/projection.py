"""``attributes`` and ``excludedAttributes`` (RFC 7644 §3.9) on rendered documents."""

from __future__ import annotations

from typing import Any

from scim2_models import ResponseParameters

from scim.schemas import ON_REQUEST

Document = dict[str, Any]

ALWAYS = frozenset({"schemas", "id"})
_ON_REQUEST = frozenset(urn.lower() for urn in ON_REQUEST)


class Projection:
    """Which attributes a response keeps. Says it beforehand too, to save the work."""

    def __init__(self, parameters: ResponseParameters[Any] | None = None) -> None:
        self.included = _lower(parameters.attributes if parameters else None)
        self.excluded = _lower(parameters.excluded_attributes if parameters else None)

    @property
    def keeps_all(self) -> bool:
        return not self.included and not self.excluded

    def requests(self, urn: str) -> bool:
        """Tell whether an attribute is asked for by its name, with its URN or without."""
        urn = urn.lower()
        return not self.included.isdisjoint((urn, urn.rpartition(":")[2]))

    def keeps(self, schema: str, attribute: str) -> bool:
        """Tell whether a response keeps a top-level attribute of a resource."""
        return attribute in ALWAYS or self._keeps(f"{schema}:{attribute}".lower())

    def apply(self, schema: str, document: Document) -> Document:
        """Return the document with the attributes the response keeps.

        :param schema: The core schema of the resource; keys that are URNs are extensions.
        """
        if self.keeps_all:
            return document
        kept: Document = {}
        for key, value in document.items():
            urn = (key if key.startswith("urn:") else f"{schema}:{key}").lower()
            if key in ALWAYS:
                kept[key] = value
            elif self._keeps(urn) and (pruned := self._prune(urn, value, key)) not in ({}, []):
                kept[key] = pruned
        _list_schemas(kept)
        return kept

    def _prune(self, urn: str, value: Any, key: str) -> Any:
        if isinstance(value, list):
            return [item for item in (self._prune(urn, each, key) for each in value) if item != {}]
        if not isinstance(value, dict):
            return value
        # Attributes of an extension follow its URN after a colon, sub-attributes after a dot.
        separator = ":" if key.startswith("urn:") else "."
        return {
            name: pruned
            for name, item in value.items()
            if self._keeps(sub := f"{urn}{separator}{name}".lower())
            and (pruned := self._prune(sub, item, name)) not in ({}, [])
        }

    def _keeps(self, urn: str) -> bool:
        short = urn.rsplit(":", 1)[-1]
        if urn in _ON_REQUEST:
            return self.requests(urn)
        if self.included and not any(_requested(each, urn, short) for each in self.included):
            return False
        return (urn not in self.excluded) and (short not in self.excluded)


def _lower(paths: Any) -> frozenset[str]:
    return frozenset(str(path).lower() for path in paths or ())


def _requested(requested: str, urn: str, short: str) -> bool:
    """Tell whether an attribute is the requested one, its parent or a part of it."""
    if ":" in requested:
        return (
            urn == requested
            or requested.startswith((urn + ":", urn + "."))
            or urn.startswith((requested + ".", requested + ":"))
        )
    return (
        short == requested or short.startswith(requested + ".") or requested.startswith(short + ".")
    )


def _list_schemas(document: Document) -> None:
    """List only the extensions the document still carries (RFC 7643 §3)."""
    core, *extensions = document["schemas"]
    document["schemas"] = [core, *(urn for urn in extensions if urn in document)]
