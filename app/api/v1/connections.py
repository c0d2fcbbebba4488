"""``/connections``: the identity providers that push people, and that people sign in through."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, Strict, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.writing import post, writing
from app.directory import connection_deletion, connections
from app.directory.connections import KINDS
from app.directory.errors import NotFound
from app.directory.work import Work
from app.lists import connections as lists
from app.saml_parts import saml_part

part = Part("connections", __name__, url_prefix="/connections", description="Identity providers.")

LONGEST_METADATA = 2 * 1024 * 1024


class ConnectionSchema(Schema):
    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    name = fields.String(required=True)
    enabled = fields.Boolean(
        required=True, metadata={"description": "Nothing comes through one that is not."}
    )
    problem = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why the provider's metadata could not be read anew."},
    )
    checked_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When it was read last."}
    )
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class CertificateSchema(Schema):
    sha256 = fields.String(required=True, metadata={"description": "Fingerprint, hexadecimal."})
    not_before = fields.AwareDateTime(required=True)
    not_after = fields.AwareDateTime(required=True)


class OwnCertificateSchema(CertificateSchema):
    state = fields.String(required=True, validate=validate.OneOf(["current", "next", "previous"]))


class ProviderSchema(Schema):
    entity_id = fields.String(required=True)
    sign_in_url = fields.String(required=True)
    metadata_url = fields.String(
        required=True, allow_none=True, metadata={"description": "Read anew from there."}
    )
    certificates = fields.List(fields.Nested(CertificateSchema), required=True)


class OwnSideSchema(Schema):
    entity_id = fields.String(required=True)
    metadata_url = fields.String(required=True)
    acs_url = fields.String(required=True)
    slo_url = fields.String(required=True)
    login_url = fields.String(required=True, metadata={"description": "Where people sign in."})
    certificates = fields.List(fields.Nested(OwnCertificateSchema), required=True)


class SamlSchema(Schema):
    provider = fields.Nested(ProviderSchema, required=True)
    ours = fields.Nested(
        OwnSideSchema, required=True, metadata={"description": "What the provider is told."}
    )


class WholeConnectionSchema(ConnectionSchema):
    saml = fields.Nested(
        SamlSchema, required=True, allow_none=True, metadata={"description": "null: it is SCIM."}
    )


class ConnectionQuery(ListQuery):
    kind = fields.String(validate=validate.OneOf(KINDS))


class NewConnection(Strict):
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    name = fields.String(required=True, validate=validate.Length(1, 256))
    metadata = fields.String(
        validate=validate.Length(1, LONGEST_METADATA),
        metadata={"description": "The SAML provider's metadata, as XML, or …"},
    )
    metadata_url = fields.String(
        validate=validate.Length(1, 1024),
        metadata={"description": "… its https:// address, to be read anew from every few hours."},
    )
    match_email = fields.Boolean(
        load_default=False,
        metadata={
            "description": "SAML: find people by the e-mail attribute too; safe where they cannot "
            "change it themselves."
        },
    )

    @validates_schema
    def check_provider(self, data: dict[str, Any], **_: Any) -> None:
        described = len(data.keys() & {"metadata", "metadata_url"})
        if described != (1 if data["kind"] == "saml" else 0):
            raise ValidationError("For SAML give one of metadata and metadata_url.", "metadata")
        if data["kind"] == "scim" and data["match_email"]:
            raise ValidationError("It is for SAML.", "match_email")


class ConnectionChange(Strict):
    name = fields.String(validate=validate.Length(1, 256))
    enabled = fields.Boolean(
        metadata={"description": "false: nothing comes through it, and its sessions end at once."}
    )


@part.get("")
@needs("connection.view")
@part.arguments(ConnectionQuery, location="query")
@part.response(200, page_schema(ConnectionSchema))
def list_connections(query: dict[str, Any]) -> dict[str, Any]:
    """List connections by name."""
    return plain(lists.listed(caller().account_id, **query))


@part.post("")
@previewable
@needs("connection.manage")
@part.arguments(NewConnection)
@part.response(201, WholeConnectionSchema)
def create_connection(body: dict[str, Any]) -> Any:
    """Connect an identity provider.

    The answer says what to paste into the settings of a SAML provider. For one that pushes over
    SCIM, issue a token then.
    """
    is_saml = body["kind"] == "saml"
    # Before the transaction: it may take a while, and everybody's writes would wait.
    provider = _provider(body) if is_saml else None

    def connect(work: Work) -> dict[str, Any]:
        if not is_saml:
            return read(work.account_id, connections.create(work, "scim", body["name"]))
        options = {name: body[name] for name in ("match_email", "metadata_url") if name in body}
        made = saml_part("setup").register(work, body["name"], provider, **options)
        return read(work.account_id, made)

    return post(connect, WholeConnectionSchema(), lambda made: f"/api/v1/connections/{made['id']}")


@part.get("/<connection_id>")
@needs("connection.view")
@part.response(200, WholeConnectionSchema)
def show_connection(connection_id: str) -> dict[str, Any]:
    """Show a connection: of a SAML one, its provider, and what to paste into its settings."""
    return read(caller().account_id, connection_id)


@part.patch("/<connection_id>")
@previewable
@needs("connection.manage")
@part.arguments(ConnectionChange)
@part.response(200, WholeConnectionSchema)
def change_connection(body: dict[str, Any], connection_id: str) -> dict[str, Any]:
    """Rename a connection; take it out of use, or into it. What it made stays."""
    with writing() as work:
        read(work.account_id, connection_id)
        if "name" in body:
            connections.rename(work, connection_id, body["name"])
        if "enabled" in body:
            connections.set_enabled(work, connection_id, body["enabled"])
        return read(work.account_id, connection_id)


@part.delete("/<connection_id>")
@previewable
@needs("connection.manage")
@part.response(204)
def delete_connection(connection_id: str) -> None:
    """Delete a connection that is out of use, and that no domain and no mapping refers to.

    Its tokens, clients and keys go with it. The people and groups that came through it stay, with
    all that they hold.
    """
    with writing() as work:
        connection_deletion.delete_connection(work, connection_id)


def read(account_id: str, connection_id: str) -> dict[str, Any]:
    """Return what is shown of a connection.

    :raises NotFound: When the account has no such connection.
    """
    connection = lists.one(account_id, connection_id)
    if connection is None:
        raise NotFound("connection", connection_id)
    stored = connection.pop("settings")
    if connection["kind"] == "scim":
        return connection | {"saml": None}
    return connection | {"saml": saml_part("overview").overview(account_id, connection_id, stored)}


def _provider(body: dict[str, Any]) -> Any:
    setup = saml_part("setup")
    url = body.get("metadata_url")
    # A lone surrogate, which JSON can hold, is in no XML.
    document = setup.fetch_metadata(url) if url else body["metadata"].encode(errors="replace")
    return setup.from_metadata(document)
