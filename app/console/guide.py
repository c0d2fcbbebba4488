"""The set-up guide: connecting an identity provider, step by step."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, url_for
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response
from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired, Length, Optional

from app.console.forms import LONGEST_NAME
from app.console.pages import attempt, needed, note, page, section, visitor
from app.console.provider_forms import (
    LONGEST_URL,
    AddressForm,
    DocumentForm,
    certificates_field,
    fetched,
    only_one,
)
from app.console.providers import PROVIDERS, Provider
from app.console.telling import told
from app.directory import connections, tokens
from app.directory.errors import DirectoryError, NotFound
from app.directory.tokens import IssuedToken
from app.directory.work import Work
from app.lists import connections as lists
from app.saml_parts import saml_part
from app.security.requests import settings

blueprint = section("guide", __name__, "/guide")

SCIM_SCOPES = ("users", "groups")


class ScimForm(FlaskForm):
    name = StringField(_l("Name of the connection"), [DataRequired(), Length(1, LONGEST_NAME)])


class SamlForm(ScimForm, AddressForm, DocumentForm):
    """By its metadata, or, where it has none, by what its pages show."""

    entity_id = StringField(_l("Its entity ID, or issuer"), [Optional(), Length(1, LONGEST_URL)])
    sso_url = StringField(_l("Where people sign in there"), [Optional(), Length(1, LONGEST_URL)])
    slo_url = StringField(
        _l("Where they sign out there, if it says"), [Optional(), Length(1, LONGEST_URL)]
    )
    certificates = certificates_field(_l("The certificate it signs with"))
    create_people = BooleanField(
        _l("Add people at their first sign-in"),
        description=_l("Leave it out where the provider pushes people over SCIM."),
    )


@blueprint.get("")
@page("connection.manage")
def chosen() -> str:
    """Ask which provider it is, and show what is connected already."""
    found = lists.listed(visitor().account_id, limit=50).items
    return render_template("console/guide/choose.html", providers=PROVIDERS, connections=found)


@blueprint.get("/<provider>")
@page("connection.manage")
def steps(provider: str) -> str:
    """Show the ways to connect a provider."""
    known = _known(provider)
    return render_template("console/guide/steps.html", provider=known, key=provider)


@blueprint.route("/<provider>/scim", methods=["GET", "POST"])
@page("connection.manage")
def scim(provider: str) -> str:
    """Make a connection with its token, and show what to paste where: the token this once."""
    known = _known(provider)
    if not visitor().may("token.manage"):
        raise Forbidden(needed("token.manage"))
    form = ScimForm(name=told(known.label))

    def connect(work: Work) -> tuple[str, IssuedToken]:
        made = connections.create(work, "scim", form.name.data)
        return made, tokens.create(work, made, form.name.data, SCIM_SCOPES)

    if form.validate_on_submit():
        done = attempt(form, connect)
        if done is not None:
            return render_template(
                "console/guide/scim.html",
                provider=known,
                connection_id=done[0],
                token=done[1].secret,
                base=f"{settings().public_url}/scim/v2",
            )
    return render_template("console/guide/name.html", form=form, provider=known, key=provider)


@blueprint.route("/<provider>/saml", methods=["GET", "POST"])
@page("connection.manage")
def saml(provider: str) -> str | Response:
    """Take the provider's metadata; what to paste there stands on the connection's page."""
    known = _known(provider)
    form = SamlForm(name=f"{known.label} SAML" if provider != "other" else "SAML")
    if form.validate_on_submit():
        made = _connect_saml(form, known)
        if made is not None:
            here = url_for("connection.shown", connection_id=made, provider=provider)
            return redirect(here, 303)
    return render_template("console/guide/saml.html", form=form, provider=known, key=provider)


def _connect_saml(form: SamlForm, known: Provider) -> str | None:
    setup = saml_part("setup")
    url, document = (form.metadata_url.data or "").strip(), form.document
    try:
        only_one(url, document, form.entity_id.data)
        if url or document:
            # Before the transaction: it may take a while, and everybody's writes would wait.
            described = setup.from_metadata(fetched(url) if url else document)
        else:
            described = setup.from_fields(
                form.entity_id.data,
                form.sso_url.data or "",
                [form.certificates.data or ""],
                form.slo_url.data or "",
            )
    except DirectoryError as error:
        note(form, error)
        return None
    options: dict[str, Any] = {"metadata_url": url}
    if known.preset:
        options["attribute_names"] = setup.attribute_names(known.preset, ())
    if form.create_people.data:
        options["provisioning"] = "update"
    made: str | None = attempt(
        form, lambda work: setup.register(work, form.name.data, described, **options)
    )
    return made


def _known(provider: str) -> Provider:
    if provider not in PROVIDERS:
        raise NotFound("provider", provider[:36])
    return PROVIDERS[provider]
