"""``/connections/…/options``: what is set of a SAML connection, each with a safe default."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app.api.callers import caller, needs
from app.api.v1.blueprint import Part, Strict
from app.api.v1.dry_run import previewable
from app.api.v1.writing import writing
from app.directory.errors import NotFound
from app.directory.just_in_time import MODES
from app.lists import connections as lists
from app.saml_parts import saml_part

part = Part(
    "connection_options",
    __name__,
    url_prefix="/connections/<connection_id>/options",
    description="Options of SAML connections.",
)

LONGEST_LIST = 1000
LONGEST_TEXT = 1024


def _flag(description: str) -> fields.Boolean:
    return fields.Boolean(required=True, metadata={"description": description})


def _number(description: str) -> fields.Integer:
    return fields.Integer(required=True, strict=True, metadata={"description": description})


def _text(description: str, rule: validate.Validator | None = None) -> fields.String:
    rule = rule or validate.Length(max=LONGEST_TEXT)
    return fields.String(required=True, validate=rule, metadata={"description": description})


def _texts(description: str) -> fields.List[Any]:
    return fields.List(
        fields.String(),
        required=True,
        validate=validate.Length(max=LONGEST_LIST),
        metadata={"description": description},
    )


class OptionsSchema(Schema):
    match_email = _flag(
        "Find people by an e-mail attribute too; safe where they cannot change it themselves."
    )
    name_id_format = _text("The NameID format asked for, a URI; empty: the provider's choice.")
    sign_requests = _flag("Requests to the provider are signed.")
    force_authn = _flag("People prove who they are at the provider each time.")
    authn_contexts = _texts("The ways of signing in that are good enough, URIs; none: any.")
    second_factor_contexts = _texts(
        "The ways of signing in that count as a second factor, URIs; none: none does."
    )
    allow_unsolicited = _flag(
        "Take responses nobody asked for (IdP-initiated). Such a response can sign a person in "
        "as somebody else without their knowing."
    )
    require_encryption = _flag("Refuse assertions that are not encrypted.")
    provisioning = _text(
        "People nobody pushed: off refuses them, create makes them at their first sign-in, "
        "update keeps those it made up to date too.",
        validate.OneOf(MODES),
    )
    attribute_names = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={
            "description": "What the provider calls attributes of ours: userName, email, "
            "givenName, familyName, displayName, groups, accountRole, folders. What is given "
            "takes the place of all there were."
        },
    )
    may_give = _texts(
        "The roles that the attributes accountRole and folders may give at the most: ids, or "
        "names in any case. Nobody adds one that they do not hold."
    )
    single_logout = _flag("Sign people out at the provider too, where it knows how.")
    clock_skew_seconds = _number("How far the provider's clock may be from ours.")
    session_hours = _number("Longest life of a session; 0: the setting of the installation.")
    landing = _text("The path people go on to when they asked for none.")
    metadata_url = _text(
        "The https:// address from which the provider's metadata is read anew; empty: nowhere."
    )


class OptionsChange(Strict, OptionsSchema):
    """Those that change: asked for with ``partial``."""


@part.get("")
@needs("connection.view")
@part.response(200, OptionsSchema)
def show_options(connection_id: str) -> dict[str, Any]:
    """Show the options of a SAML connection."""
    stored = _settings(caller().account_id, connection_id)
    options: dict[str, Any] = saml_part("options").Options.from_settings(stored).as_settings()
    return options | {"metadata_url": stored.get("metadata_url", "")}


@part.patch("")
@previewable
@needs("connection.manage")
@part.arguments(OptionsChange(partial=True))
@part.response(200, OptionsSchema)
def change_options(body: dict[str, Any], connection_id: str) -> dict[str, Any]:
    """Change what is given of the options of a SAML connection."""
    with writing() as work:
        _settings(work.account_id, connection_id)
        changed: dict[str, Any] = saml_part("setup").configure(work, connection_id, **body)
        return changed


def _settings(account_id: str, connection_id: str) -> dict[str, Any]:
    """Return what is stored of a SAML connection, by its id alone.

    :raises NotFound: When the account has no such SAML connection.
    """
    found = lists.one(account_id, connection_id)
    if found is None or found["kind"] != "saml":
        raise NotFound("SAML connection", connection_id)
    settings: dict[str, Any] = found["settings"]
    return settings
