"""The domains of the account: whose people sign in through which connection."""

from __future__ import annotations

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.console import asked
from app.console.pages import back, page, section, visitor, writing
from app.directory import domains
from app.directory.errors import NotFound
from app.lists import connections
from app.lists import domains as lists

blueprint = section("domains", __name__, "/domains")

SHOWN = 100


@blueprint.get("")
@page("connection.view")
def listed() -> str:
    """List domains by name."""
    account_id = visitor().account_id
    return render_template(
        "console/domains.html",
        found=lists.listed(
            account_id,
            connection=asked.id_("connection"),
            cursor=request.args.get("cursor"),
            limit=SHOWN,
        ),
        connections=connections.listed(account_id, kind="saml", limit=500).items,
    )


@blueprint.post("/<domain>/move")
@page("connection.manage")
def move(domain: str) -> Response:
    """Send the people of a domain to another SAML connection."""
    _read(domain)
    with writing() as work:
        domains.move(work, domain, request.form.get("connection", "")[:36])
    flash(_("The people of %(domain)s sign in there from now on.", domain=domain), "success")
    return back(url_for("domains.listed"))


@blueprint.post("/<domain>/remove")
@page("connection.manage")
def remove(domain: str) -> Response:
    """Send the people of a domain nowhere any more."""
    _read(domain)
    with writing() as work:
        domains.remove(work, domain)
    flash(_("The domain %(domain)s is gone.", domain=domain), "success")
    return back(url_for("domains.listed"))


def _read(domain: str) -> None:
    if lists.one(visitor().account_id, domain) is None:
        raise NotFound("domain", domain[:256])
