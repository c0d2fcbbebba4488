"""What there is to do, and what the built-in roles permit. An action is ``thing.verb``."""

from __future__ import annotations

from app.words import Said, say

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
        "stream.manage",
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


DESCRIPTIONS: dict[str, Said] = {
    "folder.view": say("See the folder, by its name and what lies in it."),
    "asset.view": say("See assets."),
    "asset.download": say("Download assets."),
    "asset.upload": say("Upload assets."),
    "folder.create_child": say("Create folders in it, and move folders into it."),
    "asset.edit": say("Edit assets."),
    "asset.move": say("Move assets within it."),
    "asset.delete": say("Delete assets."),
    "folder.rename": say("Rename the folder."),
    "folder.move": say("Move the folder elsewhere."),
    "folder.delete": say("Delete the folder."),
    "folder.restrict": say("Let grants above reach it, or not."),
    "folder.share": say("Give and take back roles on it, up to one's own."),
    "user.view": say("See users, groups' members, roles and grants."),
    "user.manage": say("Add, change, invite, deactivate and delete users."),
    "group.view": say("See groups."),
    "group.manage": say("Add, change and delete groups and who is in them."),
    "role.assign": say("Give and take back roles on the account, up to one's own."),
    "role.manage": say("Make and change the account's own roles."),
    "connection.view": say("See connections to identity providers, and mappings."),
    "connection.manage": say("Set up connections, domains and mappings."),
    "token.manage": say("Issue, rotate and revoke tokens."),
    "address.manage": say("Say from which addresses the account may be reached."),
    "settings.manage": say("Change what the account requires of its people."),
    "stream.manage": say("Let applications be told everything that happens (events)."),
    "access.check": say("Ask what anybody may do (for applications)."),
    "billing.view": say("See invoices and the plan."),
    "billing.manage": say("Change the plan and how it is paid."),
    "report.view": say("See reports of who can reach what."),
    "audit.view": say("Read and export the audit log."),
}
"""What each action is, for people, in the order in which they are listed."""

_NAMES: dict[str, Said] = {
    "viewer": say("viewer"),
    "contributor": say("contributor"),
    "editor": say("editor"),
    "manager": say("manager"),
    "master_admin": say("master_admin"),
    "admin": say("admin"),
    "technical_admin": say("technical_admin"),
    "billing": say("billing"),
    "reports": say("reports"),
    "media_library_admin": say("media_library_admin"),
    "media_library_user": say("media_library_user"),
}


def role_named(name: str) -> str:
    """Return the name of a role; that of a built-in one can be told in other languages."""
    return _NAMES.get(name, name)
