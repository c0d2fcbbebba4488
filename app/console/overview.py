"""Where an administrator begins: what wants their attention, and where to go."""

from __future__ import annotations

from typing import Any

from flask import render_template

from app.console.activity import sign_ins
from app.console.pages import Visitor
from app.directory import provisioning_log
from app.lists import connections, users
from app.lists.activity import last_days
from app.lists.users import UserFilter
from app.saml_parts import saml_part
from app.store.types import now

CONNECTIONS_SHOWN = 50
LINES_SHOWN = 5
DAYS_SHOWN = 14
SAML_LOOKED_AT = 500


def overview_page(who: Visitor) -> str:
    """Return the page, as far as the visitor may know."""
    account_id = who.account_id
    found: dict[str, Any] = {}
    if who.may("connection.view"):
        found["connections"] = connections.listed(account_id, limit=CONNECTIONS_SHOWN).items
        found["failures"] = _failures(account_id)
        found["endings"] = _endings(account_id)
    if who.may("user.view"):
        newest = users.listed(
            account_id, UserFilter(), order="created_at", descending=True, limit=LINES_SHOWN
        )
        found["newest"] = newest.items
    if who.may("audit.view"):
        found["sign_ins"] = sign_ins(account_id, last_days(DAYS_SHOWN, now().date()))
    return render_template("console/overview.html", person=who.person, **found)


def _endings(account_id: str) -> list[dict[str, Any]]:
    """Return the connections of which a certificate ends soon, with what ends."""
    saml = connections.listed(account_id, kind="saml", limit=SAML_LOOKED_AT).items
    if not saml:
        return []
    found = saml_part("expiry").endings_of(account_id, [each["id"] for each in saml])
    return [
        {"connection": each, "endings": found[each["id"]]} for each in saml if each["id"] in found
    ]


def _failures(account_id: str) -> list[Any]:
    return provisioning_log.find(account_id, failures=True, limit=LINES_SHOWN)
