"""One connection: what to paste at the provider, whether it works, and why not."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from app.console.pages import note, page, section, visitor, writing
from app.console.providers import PROVIDERS
from app.directory import connections, provisioning_log, traces
from app.directory.errors import DirectoryError, NotFound
from app.lists import connections as lists
from app.saml_parts import saml_part
from app.security.requests import settings
from app.store.types import now

blueprint = section("connection", __name__, "/connections/<connection_id>")

LOG_SHOWN = 10
LONGEST_RESPONSE = 500_000
SOON_DAYS = 30


class TestForm(FlaskForm):
    response = TextAreaField(
        _l("What the provider sent"),
        [DataRequired(), Length(1, LONGEST_RESPONSE)],
        description=_l("The form field SAMLResponse as it was sent, or the XML in it."),
        render_kw={"rows": 6, "spellcheck": "false"},
    )


@blueprint.get("")
@page("connection.view")
def shown(connection_id: str) -> str:
    """Show what a connection is told, and what came through it lately."""
    who, connection = visitor(), _read(connection_id)
    is_saml = connection["kind"] == "saml"
    provider = PROVIDERS.get(request.args.get("provider", ""), PROVIDERS["other"])
    return render_template(
        "console/connections/saml.html" if is_saml else "console/connections/scim.html",
        connection=connection,
        provider=provider,
        log=[]
        if is_saml
        else provisioning_log.find(who.account_id, connection=connection_id, limit=LOG_SHOWN),
        traces=traces.listed(who.account_id, connection_id)[:LOG_SHOWN] if is_saml else [],
        days_left=days_left,
        soon=SOON_DAYS,
        base=f"{settings().public_url}/scim/v2",
    )


@blueprint.post("/<any(enable, disable):do>")
@page("connection.manage")
def switch(connection_id: str, do: str) -> Response:
    """Take a connection out of use, or into it. What it made stays."""
    connection = _read(connection_id)
    with writing() as work:
        connections.set_enabled(work, connection_id, do == "enable")
    said = {
        "enable": _("%(name)s is in use.", name=connection["name"]),
        "disable": _("%(name)s is out of use: nothing comes through it.", name=connection["name"]),
    }
    flash(said[do], "success")
    return redirect(url_for("connection.shown", connection_id=connection_id), 303)


@blueprint.route("/test", methods=["GET", "POST"])
@page("connection.manage")
def test(connection_id: str) -> str:
    """Say of a response what it would do, check by check. Nobody is signed in."""
    connection, form, report = _read(connection_id), TestForm(), None
    if connection["kind"] != "saml":
        raise NotFound("SAML connection", connection_id)
    if form.validate_on_submit():
        try:
            given = form.response.data.encode(errors="replace")
            report = saml_part("tester").test_of(connection_id, given)
        except DirectoryError as error:
            note(form, error)
    return render_template(
        "console/connections/test.html", connection=connection, form=form, report=report
    )


def days_left(certificate: dict[str, Any]) -> int:
    """Return for how many days a certificate is still valid; less than none: it is over."""
    left: int = (certificate["not_after"] - now()).days
    return left


def _read(connection_id: str) -> dict[str, Any]:
    account_id = visitor().account_id
    connection = lists.one(account_id, connection_id)
    if connection is None:
        raise NotFound("connection", connection_id)
    stored = connection.pop("settings")
    if connection["kind"] == "saml":
        told = saml_part("overview").overview(account_id, connection_id, stored)
        return connection | {"saml": told}
    return connection
