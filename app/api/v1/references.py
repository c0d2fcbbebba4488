"""How an answer names something that it is not about: by id, and by what people call it."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

PRINCIPALS = ("user", "group")


class PrincipalSchema(Schema):
    """Who holds something, or is in something."""

    type = fields.String(required=True, validate=validate.OneOf(PRINCIPALS))
    id = fields.String(required=True)
    name = fields.String(
        required=True, metadata={"description": "Of a user: the user name; of a group: its name."}
    )


class NamedSchema(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)


class PlacedSchema(Schema):
    id = fields.String(required=True)
    path = fields.String(required=True, metadata={"description": "Such as /Brand/2026."})
