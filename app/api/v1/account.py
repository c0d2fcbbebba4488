"""``/account``: what is set of the account; ``/me``: who asks, and what they may do."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app.access.permissions import ACTIONS
from app.api.callers import caller, needs
from app.api.v1.blueprint import Part, Strict
from app.api.v1.dry_run import previewable
from app.api.v1.references import NamedSchema
from app.api.v1.writing import writing
from app.directory.account_settings import SWITCHES
from app.lists import accounts as lists

part = Part("account", __name__, description="The account, and who asks.")


class AccountSchema(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    requires_saml = fields.Boolean(
        required=True,
        metadata={"description": "People sign in through SAML alone, but who breaks glass."},
    )
    requires_second_factor = fields.Boolean(
        required=True, metadata={"description": "Everybody signs in with a second factor."}
    )
    keeps_unknown = fields.Boolean(
        required=True,
        metadata={"description": "SCIM attributes that no schema declares are kept, not ignored."},
    )
    created_at = fields.AwareDateTime(required=True)


class AccountChange(Strict):
    requires_saml = fields.Boolean(
        metadata={"description": "true ends sessions that were opened in another way, at once."}
    )
    requires_second_factor = fields.Boolean(
        metadata={"description": "true ends sessions that were opened without one, at once."}
    )
    keeps_unknown = fields.Boolean()


class CallerSchema(Schema):
    type = fields.String(required=True, validate=validate.OneOf(["token", "user"]))
    id = fields.String(required=True)
    name = fields.String(
        required=True, metadata={"description": "Of a token: its name; of a user: the user name."}
    )
    account = fields.Nested(NamedSchema, required=True)
    permissions = fields.List(
        fields.String(validate=validate.OneOf(sorted(ACTIONS))),
        required=True,
        metadata={"description": "What they may do on the account, and on every folder."},
    )


@part.get("/account")
@needs("settings.manage")
@part.response(200, AccountSchema)
def show_account() -> dict[str, Any]:
    """Show what is set of the account."""
    return lists.one(caller().account_id)


@part.patch("/account")
@previewable
@needs("settings.manage")
@part.arguments(AccountChange)
@part.response(200, AccountSchema)
def change_account(body: dict[str, Any]) -> dict[str, Any]:
    """Change what is given of the account's settings."""
    with writing() as work:
        for name, wanted in body.items():
            SWITCHES[name](work, wanted)
        return lists.one(work.account_id)


@part.get("/me")
@needs(None)
@part.response(200, CallerSchema)
def show_caller() -> dict[str, Any]:
    """Show who asks, and what they may do."""
    who = caller()
    account = lists.one(who.account_id)
    return {
        "type": who.actor.type,
        "id": who.actor.id,
        "name": who.actor.name,
        "account": {"id": account["id"], "name": account["name"]},
        "permissions": sorted(who.permissions & ACTIONS),
    }
