"""What a SAML provider says of itself, read anew: first shown is what that changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField
from wtforms.validators import Length, Optional

from app.console.one_connection import read_saml
from app.console.pages import note, page, section, visitor, writing
from app.console.provider_forms import (
    LONGEST_CERTIFICATES,
    LONGEST_DOCUMENT,
    LONGEST_URL,
    AddressForm,
    DocumentForm,
    certificates_field,
    fetched,
    only_one,
)
from app.console.telling import told
from app.directory import connections
from app.directory.errors import DirectoryError, Invalid
from app.saml_parts import saml_part
from app.words import say

blueprint = section("saml_metadata", __name__, "/connections/<connection_id>/metadata")

ADDRESSES = {
    "sso_redirect": _l("Sign-in, by HTTP-Redirect"),
    "sso_post": _l("Sign-in, by HTTP-POST"),
    "slo_redirect": _l("Sign-out, by HTTP-Redirect"),
    "slo_post": _l("Sign-out, by HTTP-POST"),
}


class RenewalForm(DocumentForm):
    certificates = certificates_field(_l("Or only its certificates, where it has no metadata"))


class SaveForm(FlaskForm):
    """What was looked at, to be saved as it was."""

    metadata = HiddenField(validators=[Optional(), Length(1, LONGEST_DOCUMENT)])
    certificates = HiddenField(validators=[Optional(), Length(1, LONGEST_CERTIFICATES)])
    metadata_url = HiddenField(validators=[Optional(), Length(1, LONGEST_URL)])


@blueprint.get("")
@page("connection.manage")
def shown(connection_id: str) -> str:
    """Show what is known of the provider, and the ways to read it anew."""
    connection = read_saml(connection_id)
    return _page(connection)


@blueprint.post("/fetch")
@page("connection.manage")
def fetch(connection_id: str) -> str:
    """Read what stands at an address now, and show what it would change."""
    connection, form = read_saml(connection_id), AddressForm()

    def looked_at() -> str:
        url = (form.metadata_url.data or "").strip()
        if not url:
            raise Invalid(say("Say where the metadata is."), field="metadata_url")
        return _changes(connection, {"metadata": _text(fetched(url)), "metadata_url": url})

    return _looked_at(form, looked_at) or _page(connection, address=form)


@blueprint.post("/read")
@page("connection.manage")
def read(connection_id: str) -> str:
    """Read what was pasted or sent as a file, and show what it would change."""
    connection, form = read_saml(connection_id), RenewalForm()

    def looked_at() -> str:
        document, certificates = form.document, (form.certificates.data or "").strip()
        only_one(document, certificates)
        return _changes(connection, {"metadata": _text(document), "certificates": certificates})

    return _looked_at(form, looked_at) or _page(connection, document=form)


@blueprint.post("/save")
@page("connection.manage")
def save(connection_id: str) -> Response:
    """Take over what was looked at; with an address, read it anew from there from now on."""
    connection, form = read_saml(connection_id), SaveForm()
    here = redirect(url_for("saml_metadata.shown", connection_id=connection_id), 303)
    if not form.validate_on_submit():
        flash(_("This is not what was looked at. Read it anew."), "danger")
        return here
    setup, url = saml_part("setup"), form.metadata_url.data
    try:
        provider = _provider(connection, form.data)
        with writing() as work:
            setup.renew_metadata(work, connection_id, provider)
            if url:
                setup.configure(work, connection_id, metadata_url=url)
    except DirectoryError as error:
        flash(told(error), "danger")
        return here
    if url:
        connections.note_check(visitor().account_id, connection_id, None)
    flash(_("Saved. It counts from the next sign-in on."), "success")
    return redirect(url_for("connection.shown", connection_id=connection_id), 303)


@blueprint.post("/forget-address")
@page("connection.manage")
def forget_address(connection_id: str) -> Response:
    """Read the metadata anew from nowhere any more. What is known stays."""
    read_saml(connection_id)
    with writing() as work:
        saml_part("setup").configure(work, connection_id, metadata_url="")
    flash(_("It is not read anew any more. Put a new certificate in by hand in time."), "success")
    return redirect(url_for("saml_metadata.shown", connection_id=connection_id), 303)


def _page(
    connection: dict[str, Any],
    *,
    address: AddressForm | None = None,
    document: RenewalForm | None = None,
) -> str:
    """Return the page with its forms, one of which may say what was wrong with it."""
    account_id, settings = visitor().account_id, connection["settings"]
    overview = saml_part("overview").overview(account_id, connection["id"], settings)
    return render_template(
        "console/connections/metadata.html",
        connection=connection,
        provider=overview["provider"],
        address=address or AddressForm(metadata_url=settings.get("metadata_url", "")),
        document=document or RenewalForm(),
    )


def _looked_at(form: FlaskForm, look: Callable[[], str]) -> str | None:
    """Return the page of what would change; None: the form says why there is none."""
    if not form.validate_on_submit():
        return None
    try:
        return look()
    except DirectoryError as error:
        note(form, error)
        return None


def _changes(connection: dict[str, Any], given: dict[str, str]) -> str:
    """Return the page of what would change, with a form that saves just that."""
    renewal = saml_part("renewal").renewal_of(connection["settings"], _provider(connection, given))
    return render_template(
        "console/connections/metadata_changes.html",
        connection=connection,
        renewal=renewal,
        labels=ADDRESSES,
        form=SaveForm(formdata=None, data=given),
        address=given.get("metadata_url"),
    )


def _provider(connection: dict[str, Any], given: dict[str, Any]) -> Any:
    """Return the provider that metadata describes, or that there is with other certificates."""
    setup = saml_part("setup")
    if given.get("certificates"):
        account_id = visitor().account_id
        return setup.with_certificates(account_id, connection["id"], given["certificates"])
    if not given.get("metadata"):
        raise Invalid(say("There is nothing to read."))
    return setup.from_metadata(given["metadata"].encode(errors="replace"))


def _text(document: bytes) -> str:
    """Return metadata as a form can hold it. What is no UTF-8 is refused when it is read."""
    return document.decode(errors="replace")
