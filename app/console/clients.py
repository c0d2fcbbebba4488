"""OAuth clients of providers: credentials for which a provider gets tokens that last an hour."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import SelectField
from wtforms.validators import InputRequired

from app.console import asked
from app.console.pages import attempt, back, page, section, visitor, writing
from app.console.tokens import (
    DEFAULT_SCOPES,
    HOUR,
    CredentialForm,
    RotateForm,
    connection_choices,
    scope_choices,
)
from app.directory import clients
from app.directory.clients import IssuedClient
from app.directory.errors import existing
from app.lists import clients as lists
from app.security.requests import settings

blueprint = section("clients", __name__, "/clients")

SHOWN = 50


class ClientForm(CredentialForm):
    connection = SelectField(_l("Connection"), [InputRequired()])


@blueprint.get("")
@page("token.manage")
def listed() -> str:
    """List the clients, without their secrets."""
    found = lists.listed(
        visitor().account_id,
        connection=asked.id_("connection"),
        cursor=request.args.get("cursor"),
        limit=SHOWN,
    )
    return render_template("console/clients/list.html", found=found)


@blueprint.route("/new", methods=["GET", "POST"])
@page("token.manage")
def new() -> str:
    """Add a client of a connection, and show its secret this once."""
    form = ClientForm(connection=asked.id_("connection"), scopes=DEFAULT_SCOPES)
    form.connection.choices = connection_choices(visitor().account_id)
    form.scopes.choices = scope_choices()
    if form.validate_on_submit():
        issued = attempt(
            form,
            lambda work: clients.create(
                work,
                form.connection.data,
                form.name.data,
                form.scopes.data,
                allowed=form.allowed,
            ),
        )
        if issued is not None:
            return _shown_once(issued)
    return render_template("console/clients/new.html", form=form)


@blueprint.route("/<client_id>/rotate", methods=["GET", "POST"])
@page("token.manage")
def rotate(client_id: str) -> str:
    """Give a client a new secret, and show it this once. The old one works for a while."""
    client, form = _read(client_id), RotateForm()
    if form.validate_on_submit():
        overlap = form.overlap_hours.data * HOUR
        issued = attempt(form, lambda work: clients.rotate(work, client_id, overlap=overlap))
        if issued is not None:
            return _shown_once(issued)
    return render_template("console/clients/rotate.html", form=form, client=client)


@blueprint.post("/<client_id>/revoke")
@page("token.manage")
def revoke(client_id: str) -> Response:
    """End a client at once, and the tokens it has."""
    client = _read(client_id)
    with writing() as work:
        clients.revoke(work, client_id)
    flash(_("The client %(name)s is gone, with its tokens.", name=client["name"]), "success")
    return back(url_for("clients.listed"))


def _read(client_id: str) -> dict[str, Any]:
    return existing(lists.one(visitor().account_id, client_id), "client", client_id)


def _shown_once(issued: IssuedClient) -> str:
    """Show a client's secret: in the answer to the form, and nowhere else."""
    base = settings().public_url
    return render_template("console/clients/issued.html", issued=issued, base=base)
