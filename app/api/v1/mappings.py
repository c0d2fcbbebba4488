"""``/mappings``: which roles the groups and values that providers push give."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, Strict, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.references import NamedSchema, PlacedSchema
from app.api.v1.writing import post, writing
from app.directory import mappings
from app.directory.errors import existing
from app.directory.mappings import MATCH_BY
from app.lists import mappings as lists
from app.lists.mappings import MappingFilter

part = Part("mappings", __name__, url_prefix="/mappings", description="From a provider's words.")

BY_ID = validate.Length(1, 36)


class MappingSchema(Schema):
    id = fields.String(required=True)
    match_by = fields.String(required=True, validate=validate.OneOf(MATCH_BY))
    match_value = fields.String(required=True)
    role = fields.Nested(NamedSchema, required=True)
    folder = fields.Nested(
        PlacedSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null: it gives a role on the account."},
    )
    connection = fields.Nested(
        NamedSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Only what came through it counts; null: through any."},
    )
    waiting = fields.Boolean(
        required=True,
        allow_none=True,
        metadata={"description": "No such group has arrived yet; null: it is about users."},
    )
    lacking = fields.Boolean(
        required=True,
        allow_none=True,
        metadata={
            "description": "A group that it matches lost what it gives, such as by a review. It "
            "has it again once the provider changes the group, or the same mapping is added "
            "again; null: it is about users."
        },
    )
    created_at = fields.AwareDateTime(required=True)


class MappingQuery(ListQuery):
    match_by = fields.String(validate=validate.OneOf(MATCH_BY))
    connection = fields.String(validate=BY_ID)
    role = fields.String(validate=BY_ID)
    folder = fields.String(validate=BY_ID)


class NewMapping(Strict):
    match_by = fields.String(
        load_default="display_name",
        validate=validate.OneOf(MATCH_BY),
        metadata={
            "description": "display_name or external_id of a group; role or entitlement: a value "
            "of this attribute of a user."
        },
    )
    match_value = fields.String(required=True, validate=validate.Length(1, 512))
    role_id = fields.String(required=True, validate=BY_ID)
    folder_id = fields.String(
        allow_none=True,
        validate=BY_ID,
        metadata={"description": "null: on the account, for roles of that scope."},
    )
    connection_id = fields.String(
        allow_none=True,
        validate=BY_ID,
        metadata={"description": "Only what came through it counts; null: through any."},
    )


@part.get("")
@needs("connection.view")
@part.arguments(MappingQuery, location="query")
@part.response(200, page_schema(MappingSchema))
def list_mappings(query: dict[str, Any]) -> dict[str, Any]:
    """List mappings by what they match."""
    page = {name: query.pop(name, None) for name in ("cursor", "limit")}
    return plain(lists.listed(caller().account_id, MappingFilter(**query), **page))


@part.post("")
@previewable
@needs("connection.manage")
@part.arguments(NewMapping)
@part.response(201, MappingSchema)
def create_mapping(body: dict[str, Any]) -> Any:
    """Add a mapping. Those who match get the role at once; it waits for those who don't yet.

    One that says the very same as another is that one.
    """
    return post(
        lambda work: read(work.account_id, mappings.create(work, **body)),
        MappingSchema(),
        lambda mapping: f"/api/v1/mappings/{mapping['id']}",
    )


@part.get("/<mapping_id>")
@needs("connection.view")
@part.response(200, MappingSchema)
def show_mapping(mapping_id: str) -> dict[str, Any]:
    """Show a mapping."""
    return read(caller().account_id, mapping_id)


@part.delete("/<mapping_id>")
@previewable
@needs("connection.manage")
@part.response(204)
def delete_mapping(mapping_id: str) -> None:
    """Delete a mapping, and take back what it gave."""
    with writing() as work:
        mappings.delete(work, mapping_id)


def read(account_id: str, mapping_id: str) -> dict[str, Any]:
    """Return what is shown of a mapping.

    :raises NotFound: When the account has no such mapping.
    """
    return existing(lists.one(account_id, mapping_id), "mapping", mapping_id)
