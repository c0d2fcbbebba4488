"""One connection: what to paste at the provider, whether it works, and why not."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from app.console.failed_sign_ins import ADVICE
from app.console.forms import LONGEST_NAME
from app.console.mappings import WORDS
from app.console.pages import Visitor, attempt, page, section, visitor, writing
from app.console.providers import PROVIDERS
from app.directory import connection_deletion, connections, provisioning_log, traces
from app.directory.errors import NotFound, existing
from app.directory.work import Work
from app.lists import clients, domains, mappings, tokens
from app.lists import connections as lists
from app.lists.mappings import MappingFilter
from app.saml_parts import saml_part
from app.security.requests import settings

blueprint = section("connection", __name__, "/connections/<connection_id>")

LOG_SHOWN = 10
FAILURES_SHOWN = 5
BESIDE_SHOWN = 10


class NameForm(FlaskForm):
    name = StringField(_l("Name"), [DataRequired(), Length(1, LONGEST_NAME)])


@blueprint.get("")
@page("connection.view")
def shown(connection_id: str) -> str:
    """Show what a connection is told, and what came through it lately."""
    who, connection = visitor(), read(connection_id)
    is_saml = connection["kind"] == "saml"
    provider = PROVIDERS.get(request.args.get("provider", ""), PROVIDERS["other"])
    if is_saml:
        overview = saml_part("overview").overview
        connection |= {"saml": overview(who.account_id, connection_id, connection["settings"])}
    endings = saml_part("expiry").endings_of(who.account_id, [connection_id]) if is_saml else {}
    return render_template(
        "console/connections/saml.html" if is_saml else "console/connections/scim.html",
        connection=connection,
        provider=provider,
        endings=endings.get(connection_id),
        base=f"{settings().public_url}/scim/v2",
        mappings=mappings.listed(
            who.account_id, MappingFilter(connection=connection_id), limit=BESIDE_SHOWN
        ),
        words=WORDS,
        **(_of_saml if is_saml else _of_scim)(who, connection_id),
    )


def _of_saml(who: Visitor, connection_id: str) -> dict[str, Any]:
    """Return what stands on the page of a connection people sign in through."""
    return {
        "domains": domains.listed(who.account_id, connection=connection_id, limit=BESIDE_SHOWN),
        "traces": traces.listed(who.account_id, connection_id, limit=LOG_SHOWN),
        "advice": ADVICE,
    }


def _of_scim(who: Visitor, connection_id: str) -> dict[str, Any]:
    """Return what stands on the page of a connection that pushes people."""
    account_id = who.account_id
    found: dict[str, Any] = {}
    if who.may("token.manage"):
        found["tokens"] = tokens.listed(account_id, connection=connection_id, limit=BESIDE_SHOWN)
        found["clients"] = clients.listed(account_id, connection=connection_id, limit=BESIDE_SHOWN)
    return found | {
        # The log keeps no reads that went well, and a test button sends nothing else.
        "used_at": lists.used_at(account_id, connection_id),
        "log": provisioning_log.find(account_id, connection=connection_id, limit=LOG_SHOWN),
        "failures": provisioning_log.find(
            account_id, connection=connection_id, failures=True, limit=FAILURES_SHOWN
        ),
    }


@blueprint.post("/<any(enable, disable):do>")
@page("connection.manage")
def switch(connection_id: str, do: str) -> Response:
    """Take a connection out of use, or into it. What it made stays."""
    connection = read(connection_id)
    with writing() as work:
        connections.set_enabled(work, connection_id, do == "enable")
    said = {
        "enable": _("%(name)s is in use.", name=connection["name"]),
        "disable": _("%(name)s is out of use: nothing comes through it.", name=connection["name"]),
    }
    flash(said[do], "success")
    return redirect(url_for("connection.shown", connection_id=connection_id), 303)


@blueprint.route("/rename", methods=["GET", "POST"])
@page("connection.manage")
def rename(connection_id: str) -> str | Response:
    """Call a connection otherwise. What the provider was told stays as it is."""
    connection = read(connection_id)
    form = NameForm(name=connection["name"])

    def write(work: Work) -> bool:
        connections.rename(work, connection_id, form.name.data)
        return True

    if form.validate_on_submit() and attempt(form, write):
        flash(_("It is called %(name)s now.", name=form.name.data.strip()), "success")
        return redirect(url_for("connection.shown", connection_id=connection_id), 303)
    return render_template("console/connections/rename.html", connection=connection, form=form)


@blueprint.route("/delete", methods=["GET", "POST"])
@page("connection.manage")
def delete(connection_id: str) -> str | Response:
    """Delete a connection; first shown is what stands in the way, what goes and what stays."""
    connection, form = read(connection_id), FlaskForm()
    if form.validate_on_submit() and attempt(
        form, lambda work: connection_deletion.delete_connection(work, connection_id)
    ):
        flash(_("%(name)s is deleted.", name=connection["name"]), "success")
        return redirect(url_for("connections.listed"), 303)
    return render_template(
        "console/connections/delete.html",
        connection=connection,
        form=form,
        found=connection_deletion.dependents(visitor().account_id, connection_id),
    )


def read(connection_id: str) -> dict[str, Any]:
    """Return a connection of the visitor's account, with its ``settings``."""
    return existing(lists.one(visitor().account_id, connection_id), "connection", connection_id)


def read_saml(connection_id: str) -> dict[str, Any]:
    """Return a SAML connection of the visitor's account, with its ``settings``."""
    connection = read(connection_id)
    if connection["kind"] != "saml":
        raise NotFound("SAML connection", connection_id)
    return connection
