"""What the menu of the console shows: what the visitor may open, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from app.access.powers import Powers


@dataclass(frozen=True)
class Item:
    label: LazyString
    endpoint: str
    needs: tuple[str, ...] = ()
    """The permissions on the account of which one will do; none: for everyone."""

    @property
    def is_here(self) -> bool:
        return request.path == self.path or request.path.startswith(f"{self.path}/")

    @property
    def path(self) -> str:
        return url_for(self.endpoint)


MENU: tuple[tuple[LazyString, tuple[Item, ...]], ...] = (
    (
        _l("Directory"),
        (
            Item(_l("People"), "people.listed", ("user.view",)),
            Item(_l("Groups"), "groups.listed", ("group.view",)),
            Item(_l("Roles"), "roles.listed", ("user.view",)),
            Item(_l("Imports"), "imports.listed", ("user.manage",)),
        ),
    ),
    (
        _l("Access"),
        (
            Item(_l("Folders"), "folders.tree"),
            Item(_l("Mappings"), "mappings.listed", ("connection.view",)),
            Item(_l("Access matrix"), "matrix.shown", ("report.view",)),
            Item(_l("Reviews"), "reviews.listed"),
        ),
    ),
    (
        _l("Identity providers"),
        (
            Item(_l("Set-up guide"), "guide.chosen", ("connection.manage",)),
            Item(_l("Connections"), "connections.listed", ("connection.view",)),
            Item(_l("Provisioning log"), "provisioning.listed", ("connection.view",)),
            Item(_l("Drift"), "drift.listed", ("user.manage",)),
            Item(_l("Failed sign-ins"), "failed_sign_ins.listed", ("connection.view",)),
            Item(_l("Domains"), "domains.listed", ("connection.view",)),
        ),
    ),
    (
        _l("Security"),
        (
            Item(_l("Sign-in rules"), "policy.shown", ("settings.manage",)),
            Item(_l("Addresses"), "addresses.listed", ("address.manage",)),
            Item(_l("Tokens"), "tokens.listed", ("token.manage",)),
        ),
    ),
    (
        _l("What happened"),
        (
            Item(_l("Activity"), "activity.shown", ("audit.view",)),
            Item(_l("Audit log"), "audit.listed", ("audit.view",)),
            Item(_l("Events"), "streams.listed", ("stream.manage",)),
            Item(
                _l("Trash"), "trash.listed", ("user.manage", "group.manage", "folder.create_child")
            ),
        ),
    ),
    (
        _l("You"),
        (
            Item(_l("Profile"), "me.profile"),
            Item(_l("What you can reach"), "me.access"),
            Item(_l("Second factor"), "own_factors.listed"),
            Item(_l("Your sessions"), "own_sessions.listed"),
        ),
    ),
)


def menu_for(who: Powers) -> list[tuple[LazyString, list[Item]]]:
    """Return the menu without what somebody may not open."""
    shown = ((heading, [item for item in items if _may_open(who, item)]) for heading, items in MENU)
    return [(heading, items) for heading, items in shown if items]


def _may_open(who: Powers, item: Item) -> bool:
    return not item.needs or not who.permissions.isdisjoint(item.needs)
