"""The connections to identity providers."""

from __future__ import annotations

from flask import render_template, request

from app.console.pages import page, section, visitor
from app.lists import connections as lists
from app.saml_parts import saml_part

blueprint = section("connections", __name__, "/connections")

SHOWN = 100


@blueprint.get("")
@page("connection.view")
def listed() -> str:
    """List connections by name."""
    account_id = visitor().account_id
    found = lists.listed(account_id, cursor=request.args.get("cursor"), limit=SHOWN)
    saml = [each["id"] for each in found.items if each["kind"] == "saml"]
    endings = saml_part("expiry").endings_of(account_id, saml) if saml else {}
    return render_template("console/connections/list.html", found=found, endings=endings)
