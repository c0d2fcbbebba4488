"""``/tokens``: bearer tokens of SCIM connections, and of this API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, Strict, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.moments import ahead
from app.api.v1.writing import post, writing
from app.directory import tokens
from app.directory.errors import existing
from app.directory.networks import NETWORKS_LIMIT
from app.directory.tokens import ROTATION_OVERLAP, IssuedToken
from app.directory.work import Work
from app.lists import tokens as lists

part = Part("tokens", __name__, url_prefix="/tokens", description="Tokens of programs.")

SURFACES = ("scim", "api")
HOUR = timedelta(hours=1)


class TokenSchema(Schema):
    id = fields.String(required=True)
    surface = fields.String(required=True, validate=validate.OneOf(SURFACES))
    name = fields.String(required=True)
    prefix = fields.String(
        required=True, metadata={"description": "How the token begins, to recognise it by."}
    )
    connection_id = fields.String(
        required=True, allow_none=True, metadata={"description": "null: it is for the API."}
    )
    connection = fields.String(
        required=True, allow_none=True, metadata={"description": "The connection's name."}
    )
    scopes = fields.List(fields.String(), required=True)
    networks = fields.List(
        fields.String(), required=True, metadata={"description": "In CIDR form; none: any."}
    )
    created_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    last_used_at = fields.AwareDateTime(required=True, allow_none=True)


class IssuedTokenSchema(TokenSchema):
    token = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The secret, shown this once; null in an answer sent again."},
    )


class TokenQuery(ListQuery):
    surface = fields.String(validate=validate.OneOf(SURFACES))


class NewToken(Strict):
    surface = fields.String(required=True, validate=validate.OneOf(SURFACES))
    name = fields.String(required=True, validate=validate.Length(1, 256))
    scopes = fields.List(
        fields.String(validate=validate.Length(1, 64)),
        required=True,
        validate=validate.Length(1, 64),
        metadata={
            "description": "Of a token of the API: actions, such as `user.view`. Of one for SCIM: "
            "users, groups, folders, grants, admins."
        },
    )
    connection_id = fields.String(
        validate=validate.Length(1, 36),
        metadata={"description": "Whose it is: for SCIM required, for the API not allowed."},
    )
    networks = fields.List(
        fields.String(validate=validate.Length(1, 64)),
        load_default=[],
        validate=validate.Length(max=NETWORKS_LIMIT),
        metadata={"description": "Where it may come from, such as 203.0.113.0/24; none: anywhere."},
    )
    expires_at = fields.AwareDateTime(allow_none=True, validate=ahead)

    @validates_schema
    def check_connection(self, data: dict[str, Any], **_: Any) -> None:
        if (data["surface"] == "scim") != ("connection_id" in data):
            raise ValidationError("For SCIM required, for the API not allowed.", "connection_id")


class Rotation(Strict):
    overlap_hours = fields.Integer(
        load_default=ROTATION_OVERLAP // HOUR,
        validate=validate.Range(0, 8760),
        metadata={"description": "How long the replaced token goes on working."},
    )


@part.get("")
@needs("token.manage")
@part.arguments(TokenQuery, location="query")
@part.response(200, page_schema(TokenSchema))
def list_tokens(query: dict[str, Any]) -> dict[str, Any]:
    """List live tokens, the oldest first, without their secrets."""
    return plain(lists.listed(caller().account_id, **query))


@part.post("")
@previewable
@needs("token.manage")
@part.arguments(NewToken)
@part.response(201, IssuedTokenSchema)
def create_token(body: dict[str, Any]) -> Any:
    """Issue a token. It may do at most what the caller may do."""
    surface, connection_id = body.pop("surface"), body.pop("connection_id", None)
    body["allowed"] = body.pop("networks")

    def issue(work: Work) -> dict[str, Any]:
        if surface == "scim":
            return _issued(work, tokens.create(work, connection_id, **body))
        return _issued(work, tokens.create_for_api(work, actions=body.pop("scopes"), **body))

    return post(issue, IssuedTokenSchema(), lambda token: f"/api/v1/tokens/{token['id']}")


@part.get("/<token_id>")
@needs("token.manage")
@part.response(200, TokenSchema)
def show_token(token_id: str) -> dict[str, Any]:
    """Show a live token, without its secret."""
    return read(caller().account_id, token_id)


@part.post("/<token_id>/rotate")
@previewable
@needs("token.manage")
@part.arguments(Rotation)
@part.response(201, IssuedTokenSchema)
def rotate_token(body: dict[str, Any], token_id: str) -> Any:
    """Issue a token that replaces this one, and may do the same. Both work during the overlap."""
    overlap = body["overlap_hours"] * HOUR

    def rotate(work: Work) -> dict[str, Any]:
        read(work.account_id, token_id)
        return _issued(work, tokens.rotate(work, token_id, overlap=overlap))

    return post(rotate, IssuedTokenSchema(), lambda token: f"/api/v1/tokens/{token['id']}")


@part.delete("/<token_id>")
@previewable
@needs("token.manage")
@part.response(204)
def revoke_token(token_id: str) -> None:
    """End a token at once."""
    with writing() as work:
        read(work.account_id, token_id)
        tokens.revoke(work, token_id)


def read(account_id: str, token_id: str) -> dict[str, Any]:
    """Return what is shown of a live token.

    :raises NotFound: When the account has no such token.
    """
    return existing(lists.one(account_id, token_id), "live token", token_id)


def _issued(work: Work, issued: IssuedToken) -> dict[str, Any]:
    return read(work.account_id, issued.id) | {"token": issued.secret}
