"""``/users``: people, as an administrator finds, makes and changes them."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, Strict, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.writing import etag, expected_version, post, writing
from app.directory import users
from app.directory.errors import existing
from app.directory.users import Profile
from app.lists import users as lists
from app.lists.users import UserFilter
from app.store.types import comparison_key

part = Part("users", __name__, url_prefix="/users", description="People.")

AN_ADDRESS = [
    validate.Length(3, 256),
    validate.Regexp(r"^[^@\s]+@[^@\s]+$", error="It must look like ada@example.com."),
]


class EmailSchema(Schema):
    value = fields.String(required=True, allow_none=True)
    type = fields.String(required=True, allow_none=True)
    primary = fields.Boolean(required=True)


class UserSchema(Schema):
    id = fields.String(required=True)
    user_name = fields.String(required=True)
    display_name = fields.String(required=True, allow_none=True)
    emails = fields.List(fields.Nested(EmailSchema), required=True)
    external_id = fields.String(required=True, allow_none=True)
    active = fields.Boolean(required=True)
    status = fields.String(
        required=True,
        validate=validate.OneOf(["pending", "enabled", "disabled"]),
        metadata={"description": "pending: active, and has never signed in."},
    )
    has_password = fields.Boolean(required=True)
    break_glass = fields.Boolean(
        required=True,
        metadata={"description": "May sign in without SAML where the account requires it."},
    )
    origin = fields.String(required=True, validate=validate.OneOf(["manual", "scim", "saml"]))
    connection = fields.String(
        required=True, allow_none=True, metadata={"description": "Who provisioned it, by name."}
    )
    version = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)
    last_login_at = fields.AwareDateTime(required=True, allow_none=True)


class UserQuery(ListQuery):
    pending = fields.Boolean(metadata={"description": "Active, and has never signed in."})
    enabled = fields.Boolean(metadata={"description": "Active."})
    prefix = fields.String(
        validate=validate.Length(1, 256),
        metadata={"description": "How user name, display name or an e-mail address begins."},
    )
    last_login = fields.String(
        load_default="in",
        validate=validate.OneOf(["in", "out"]),
        metadata={
            "description": "Whether the last sign-in is to lie in the period of last_login_from "
            "and last_login_to, or out of it; who never signed in is out of it."
        },
    )
    last_login_from = fields.AwareDateTime()
    last_login_to = fields.AwareDateTime(metadata={"description": "Not included."})
    role = fields.String(
        validate=validate.Length(1, 36),
        metadata={"description": "Id of a role they hold, also through groups."},
    )
    group = fields.String(
        validate=validate.Length(1, 36),
        metadata={"description": "Id of a group they are in, also through groups."},
    )
    origin = fields.String(validate=validate.OneOf(["manual", "scim", "saml"]))
    sort = fields.String(
        load_default="user_name",
        validate=validate.OneOf([f"{sign}{name}" for name in lists.ORDERS for sign in ("", "-")]),
        metadata={"description": "A leading - turns it round."},
    )


class NewUser(Strict):
    user_name = fields.String(required=True, validate=validate.Length(1, 256))
    display_name = fields.String(allow_none=True, validate=validate.Length(0, 256))
    email = fields.String(
        allow_none=True,
        validate=AN_ADDRESS,
        metadata={"description": "Their one address, or in place of the primary one."},
    )
    external_id = fields.String(allow_none=True, validate=validate.Length(0, 256))
    active = fields.Boolean(load_default=True)


class UserChange(Strict):
    user_name = fields.String(validate=validate.Length(1, 256))
    display_name = fields.String(allow_none=True, validate=validate.Length(0, 256))
    email = fields.String(allow_none=True, validate=AN_ADDRESS)
    external_id = fields.String(allow_none=True, validate=validate.Length(0, 256))
    active = fields.Boolean(metadata={"description": "false ends their sessions at once."})


@part.get("")
@needs("user.view")
@part.arguments(UserQuery, location="query")
@part.response(200, page_schema(UserSchema))
def list_users(query: dict[str, Any]) -> dict[str, Any]:
    """List users."""
    sort = query.pop("sort")
    page = {name: query.pop(name, None) for name in ("cursor", "limit")}
    outside = query.pop("last_login") == "out"
    found = lists.listed(
        caller().account_id,
        UserFilter(**query, last_login_outside=outside),
        order=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        **page,
    )
    return plain(found)


@part.post("")
@previewable
@needs("user.manage")
@part.arguments(NewUser)
@part.response(201, UserSchema)
def create_user(body: dict[str, Any]) -> Any:
    """Add a user. Waiting mappings take effect."""
    profile = Profile(
        body["user_name"],
        external_id=body.get("external_id"),
        display_name=body.get("display_name"),
        active=body["active"],
    )
    _set_email(profile, body.get("email"))
    return post(
        lambda work: read(work.account_id, users.create(work, profile)),
        UserSchema(),
        lambda user: f"/api/v1/users/{user['id']}",
    )


@part.get("/<user_id>")
@needs("user.view")
@part.response(200, UserSchema)
def show_user(user_id: str) -> Any:
    """Show a user."""
    user = read(caller().account_id, user_id)
    return user, etag(user)


@part.patch("/<user_id>")
@previewable
@needs("user.manage")
@part.arguments(UserChange)
@part.response(200, UserSchema)
def change_user(body: dict[str, Any], user_id: str) -> Any:
    """Change what is given of a user."""
    with writing() as work:
        profile = users.profile_of(work, user_id)
        for name in body.keys() - {"email"}:
            setattr(profile, name, body[name])
        if "email" in body:
            _set_email(profile, body["email"])
        users.replace(work, user_id, profile, expected_version=expected_version())
        user = read(work.account_id, user_id)
    return user, etag(user)


@part.delete("/<user_id>")
@previewable
@needs("user.manage")
@part.response(204)
def delete_user(user_id: str) -> None:
    """Delete a user with their sessions, memberships and grants."""
    with writing() as work:
        users.delete(work, user_id, expected_version=expected_version())


def read(account_id: str, user_id: str) -> dict[str, Any]:
    """Return what is shown of a user.

    :raises NotFound: When the account has no such user.
    """
    return existing(lists.one(account_id, user_id), "user", user_id)


def _set_email(profile: Profile, email: str | None) -> None:
    """Put an address in the place of the primary one, or take that away."""
    emails = profile.values.get("emails", [])
    primary = next((each for each in emails if each.get("primary")), emails[0] if emails else None)
    others = [each for each in emails if each is not primary]
    if email is None:
        profile.values["emails"] = others
        return
    others = [e for e in others if comparison_key(str(e.get("value"))) != comparison_key(email)]
    kept = {"type": "work"} if primary is None else primary
    profile.values["emails"] = [kept | {"value": email, "primary": True}, *others]
