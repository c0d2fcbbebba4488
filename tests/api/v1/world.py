"""An account with one of everything the API is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.directory import folders
from tests.factories import a_folder, a_grant, a_group, a_user


def ids_of_everything(account_id: str) -> dict[str, list[str]]:
    """Make something of each kind, and return its id by the name paths have for it."""
    return {name: [make(account_id)] for name, make in MAKERS.items()}


def _a_user_with_grants(account_id: str) -> str:
    user_id = a_user(account_id)
    a_grant(account_id, user_id, "viewer", folders.root_of(account_id))
    return user_id


MAKERS: dict[str, Callable[[str], str]] = {
    "user_id": _a_user_with_grants,
    "group_id": a_group,
    "folder_id": a_folder,
}
"""Makes what a path's parameter names. A parameter that is missing here fails a test."""

BODIES: dict[tuple[str, str], dict[str, Any]] = {}
"""What to send by method and path, where an empty object would not do."""
