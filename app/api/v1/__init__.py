"""The admin API, under ``/api/v1``: one module per kind of thing."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from app.api.problems import answer_refusals
from app.api.v1.blueprint import Part

PARTS = (
    *(
        "users",
        "groups",
        "roles",
        "folders",
        "grants",
        "mappings",
        "reports",
        "past",
        "audit",
        "trash",
    ),
    *("user_credentials", "connections", "connection_options", "domains", "tokens", "addresses"),
    *("sessions", "streams", "reviews", "drift", "account"),
)
"""The modules, in the order of the documentation. Each has a ``part``."""


def parts() -> list[Part]:
    """Return the blueprint of each part."""
    return [import_module(f"{__name__}.{name}").part for name in PARTS]


@cache
def whole() -> Part:
    """Return the blueprint of all parts."""
    found = Part("v1", __name__, url_prefix="/api/v1")
    for each in parts():
        found.register_blueprint(each)
    answer_refusals(found)
    return found
