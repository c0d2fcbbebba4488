"""What the built-in roles permit. An action is ``thing.verb``."""

from __future__ import annotations

VIEWER = frozenset({"folder.view", "asset.view", "asset.download"})
CONTRIBUTOR = VIEWER | {"asset.upload", "folder.create_child"}
EDITOR = CONTRIBUTOR | {"asset.edit", "asset.move"}
MANAGER = EDITOR | {
    "asset.delete",
    "folder.rename",
    "folder.move",
    "folder.delete",
    "folder.restrict",
    "folder.share",
}

FOLDER_ROLES: dict[str, frozenset[str]] = {
    "viewer": VIEWER,
    "contributor": CONTRIBUTOR,
    "editor": EDITOR,
    "manager": MANAGER,
}
"""The built-in folder roles, weakest first; each holds all that the one before it does."""

FOLDER_ACTIONS = MANAGER

_USERS = frozenset(
    {"user.view", "user.manage", "group.view", "group.manage", "role.assign", "role.manage"}
)
_TECHNICAL = frozenset(
    {
        "connection.view",
        "connection.manage",
        "token.manage",
        "address.manage",
        "settings.manage",
        "access.check",
    }
)
_BILLING = frozenset({"billing.view", "billing.manage"})
_REPORTS = frozenset({"report.view", "audit.view"})

ACCOUNT_ROLES: dict[str, frozenset[str]] = {
    "master_admin": _USERS | _TECHNICAL | _BILLING | _REPORTS | FOLDER_ACTIONS,
    "admin": _USERS | _TECHNICAL | _REPORTS | FOLDER_ACTIONS,
    "technical_admin": _TECHNICAL | _REPORTS | FOLDER_ACTIONS,
    "billing": _BILLING,
    "reports": _REPORTS,
    "media_library_admin": FOLDER_ACTIONS,
    "media_library_user": frozenset(),
}
"""The built-in account roles. Those that hold folder actions hold them on every folder."""

ACCOUNT_ACTIONS = ACCOUNT_ROLES["master_admin"] - FOLDER_ACTIONS

ACTIONS = FOLDER_ACTIONS | ACCOUNT_ACTIONS

BUILT_IN = {"account": ACCOUNT_ROLES, "folder": FOLDER_ROLES}


def permissions_of(scope: str, role_id: str, built_in: bool, own: list[str]) -> frozenset[str]:
    """Return the actions a role permits.

    :param own: The actions of a custom role, as its row holds them. A role on folders never
        permits an action on the account.
    """
    if built_in:
        return BUILT_IN[scope].get(role_id, frozenset())
    return frozenset(own) & (FOLDER_ACTIONS if scope == "folder" else ACTIONS)
