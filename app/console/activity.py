"""What happened lately, in figures: sign-ins, what providers asked, changes."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import render_template, url_for
from flask_babel import lazy_gettext as _l

from app.console import asked, charts
from app.console.charts import Chart
from app.console.pages import page, section, visitor
from app.lists import activity as lists
from app.store.types import now

blueprint = section("activity", __name__, "/activity")

PERIODS = ("7", "30", "90")
"""Over how many days; the second is the usual one."""
KINDS = {
    "user": _l("People"),
    "group": _l("Groups"),
    "folder": _l("Folders"),
    "grant": _l("Roles given and taken back"),
    "role": _l("Roles"),
    "mapping": _l("Mappings"),
    "connection": _l("Connections"),
    "domain": _l("Domains"),
    "token": _l("Tokens"),
    "client": _l("Clients"),
    "schema": _l("Schemas"),
    "address_rule": _l("Addresses"),
    "second_factor": _l("Second factors"),
    "break_glass": _l("Breaking glass"),
    "sign_in_link": _l("Sign-in links"),
    "invitation_link": _l("Invitations"),
    "reset_link": _l("Password resets"),
    "account": _l("The account"),
    "import": _l("Imports"),
    "drift": _l("Drift"),
    "review": _l("Reviews"),
}
"""What is changed, by what its actions begin with. Others go by that."""


@blueprint.get("")
@page("audit.view")
def shown() -> str:
    """Show the figures of the last days."""
    who = visitor()
    period = asked.one_of("days", PERIODS) or PERIODS[1]
    days = lists.last_days(int(period), now().date())
    changes = lists.changes(who.account_id, days)
    may_see_providers = who.may("connection.view")
    return render_template(
        "console/activity.html",
        period=period,
        periods=PERIODS,
        days=days,
        sign_ins=sign_ins(who.account_id, days),
        provisioning=_provisioning(who.account_id, days) if may_see_providers else None,
        changes=changes,
        most=max(changes.values(), default=1),
        kinds=KINDS,
    )


def sign_ins(account_id: str, days: list[date]) -> Chart:
    """Return the chart of sign-ins; its bars lead into the audit log."""
    narrowed: dict[str, dict[str, Any]] = {
        "good": {"action": "session.opened"},
        "bad": {"outcome": "refused"},
    }
    return charts.of_days(
        lists.sign_ins(account_id, days),
        lambda day, kind: url_for("audit.listed", since=day, until=day, **narrowed[kind]),
    )


def _provisioning(account_id: str, days: list[date]) -> Chart:
    return charts.of_days(
        lists.provisioning(account_id, days),
        lambda day, kind: url_for(
            "provisioning.listed", since=day, until=day, failures=1 if kind == "bad" else None
        ),
    )
