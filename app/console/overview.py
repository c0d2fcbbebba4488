"""Where an administrator begins: what wants their attention, and where to go."""

from __future__ import annotations

from typing import Any

from flask import render_template

from app.console.pages import Visitor
from app.directory import provisioning_log
from app.lists import connections, users
from app.lists.users import UserFilter

CONNECTIONS_SHOWN = 50
LINES_SHOWN = 5


def overview_page(who: Visitor) -> str:
    """Return the page, as far as the visitor may know."""
    account_id, found = who.account_id, {}
    if who.may("connection.view"):
        found["connections"] = connections.listed(account_id, limit=CONNECTIONS_SHOWN).items
        found["failures"] = _failures(account_id)
    if who.may("user.view"):
        newest = users.listed(
            account_id, UserFilter(), order="created_at", descending=True, limit=LINES_SHOWN
        )
        found["newest"] = newest.items
    return render_template("console/overview.html", person=who.person, **found)


def _failures(account_id: str) -> list[Any]:
    return provisioning_log.find(account_id, failures=True, limit=LINES_SHOWN)
