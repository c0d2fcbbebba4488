"""``/addresses``: the rules that say from where console, API and SCIM may be reached."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from marshmallow import Schema, fields, validate

from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, Strict, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.moments import ahead
from app.api.v1.writing import post, writing
from app.directory import address_preview, addresses
from app.directory.address_preview import DAYS, LONGEST
from app.directory.addresses import RULES_LIMIT
from app.directory.errors import existing
from app.lists import addresses as lists
from app.security.addresses import SURFACES

part = Part(
    "addresses",
    __name__,
    url_prefix="/addresses",
    description="From where console, API and SCIM may be reached. Without rules: from anywhere.",
)

A_NETWORK = validate.Length(1, 64)
IN_CIDR_FORM = {"description": "Such as 203.0.113.0/24, 203.0.113.7 or 2001:db8::/32."}


class RuleSchema(Schema):
    id = fields.String(required=True)
    surface = fields.String(required=True, validate=validate.OneOf(SURFACES))
    network = fields.String(required=True, metadata={"description": "In CIDR form."})
    note = fields.String(required=True)
    expires_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "From then on it lets nobody in; the surface stays closed."},
    )
    created_by = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)


class RuleQuery(ListQuery):
    surface = fields.String(validate=validate.OneOf(SURFACES))


class Confirmation(Strict):
    confirm = fields.Boolean(
        load_default=False,
        metadata={"description": "Do it although it shuts the caller's own address out."},
    )


class NewRule(Strict):
    surface = fields.String(required=True, validate=validate.OneOf(SURFACES))
    network = fields.String(required=True, validate=A_NETWORK, metadata=IN_CIDR_FORM)
    note = fields.String(load_default="", validate=validate.Length(0, 256))
    expires_at = fields.AwareDateTime(load_default=None, allow_none=True, validate=ahead)


class RuleChange(Strict):
    network = fields.String(validate=A_NETWORK, metadata=IN_CIDR_FORM)
    note = fields.String(validate=validate.Length(0, 256))
    expires_at = fields.AwareDateTime(allow_none=True, validate=ahead)


class Trial(Strict):
    surface = fields.String(required=True, validate=validate.OneOf(SURFACES))
    networks = fields.List(
        fields.String(validate=A_NETWORK),
        required=True,
        validate=validate.Length(max=RULES_LIMIT),
        metadata={"description": "All that the surface could be reached from; none: any."},
    )
    days = fields.Integer(
        load_default=DAYS,
        validate=validate.Range(1, LONGEST),
        metadata={"description": "How far to look back."},
    )


class RefusedAddressSchema(Schema):
    address = fields.String(
        required=True, allow_none=True, metadata={"description": "null: it could not be told."}
    )
    names = fields.List(
        fields.String(), required=True, metadata={"description": "Who came from there."}
    )
    events = fields.Integer(
        required=True, metadata={"description": "How many lines of the logs they left."}
    )
    last_seen = fields.AwareDateTime(required=True)


class TrialResultSchema(Schema):
    refused = fields.List(fields.Nested(RefusedAddressSchema), required=True)
    cut_off = fields.Boolean(
        required=True, metadata={"description": "There was more than was looked at, or is shown."}
    )


@part.get("")
@needs("address.manage")
@part.arguments(RuleQuery, location="query")
@part.response(200, page_schema(RuleSchema))
def list_rules(query: dict[str, Any]) -> dict[str, Any]:
    """List rules, the oldest first."""
    return plain(lists.listed(caller().account_id, **query))


@part.post("")
@previewable
@needs("address.manage")
@part.arguments(Confirmation, location="query")
@part.arguments(NewRule)
@part.response(201, RuleSchema)
def add_rule(query: dict[str, Any], body: dict[str, Any]) -> Any:
    """Let a network reach a surface. The first rule shuts out every other address."""
    return post(
        lambda work: asdict(addresses.add(work, **body, **query)),
        RuleSchema(),
        lambda rule: f"/api/v1/addresses/{rule['id']}",
    )


@part.post("/preview")
@needs("address.manage")
@part.arguments(Trial)
@part.response(200, TrialResultSchema)
def preview(body: dict[str, Any]) -> dict[str, Any]:
    """Tell who would be refused, by who came from where lately. It changes nothing."""
    return asdict(address_preview.preview(caller().account_id, **body))


@part.get("/<rule_id>")
@needs("address.manage")
@part.response(200, RuleSchema)
def show_rule(rule_id: str) -> dict[str, Any]:
    """Show a rule."""
    return existing(lists.one(caller().account_id, rule_id), "address rule", rule_id)


@part.patch("/<rule_id>")
@previewable
@needs("address.manage")
@part.arguments(Confirmation, location="query")
@part.arguments(RuleChange)
@part.response(200, RuleSchema)
def change_rule(query: dict[str, Any], body: dict[str, Any], rule_id: str) -> dict[str, Any]:
    """Change what is given of a rule; its surface stays."""
    with writing() as work:
        stored = asdict(addresses.find(work.account_id, rule_id))
        wanted = {name: stored[name] for name in ("network", "note", "expires_at")} | body
        return asdict(addresses.change(work, rule_id, **wanted, **query))


@part.delete("/<rule_id>")
@previewable
@needs("address.manage")
@part.arguments(Confirmation, location="query")
@part.response(204)
def remove_rule(query: dict[str, Any], rule_id: str) -> None:
    """Take a rule away. Without the last one the surface is open."""
    with writing() as work:
        addresses.remove(work, rule_id, **query)
