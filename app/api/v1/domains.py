"""``/domains``: which connection the people of an e-mail domain sign in through.

Whose a domain is says who runs the installation (``gatehouse domain add``): an account could
otherwise take another's. What is done here is done to domains the account has.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from app.api.callers import caller, needs
from app.api.v1.blueprint import ListQuery, Part, Strict, page_schema, plain
from app.api.v1.dry_run import previewable
from app.api.v1.writing import writing
from app.directory import domains
from app.directory.errors import NotFound
from app.lists import domains as lists

part = Part("domains", __name__, url_prefix="/domains", description="E-mail domains.")


class DomainSchema(Schema):
    domain = fields.String(required=True)
    connection_id = fields.String(required=True)
    connection = fields.String(required=True, metadata={"description": "Name of the connection."})
    created_at = fields.AwareDateTime(required=True)


class Route(Strict):
    connection_id = fields.String(
        required=True,
        validate=validate.Length(1, 36),
        metadata={"description": "The SAML connection its people sign in through."},
    )


@part.get("")
@needs("connection.view")
@part.arguments(ListQuery, location="query")
@part.response(200, page_schema(DomainSchema))
def list_domains(query: dict[str, Any]) -> dict[str, Any]:
    """List the domains of the account by name."""
    return plain(lists.listed(caller().account_id, **query))


@part.put("/<domain>")
@previewable
@needs("connection.manage")
@part.arguments(Route)
@part.response(200, DomainSchema)
def move_domain(body: dict[str, Any], domain: str) -> dict[str, Any]:
    """Send the people of a domain the account has to another of its SAML connections.

    Whose a domain is says who runs the installation, with `gatehouse domain add`.
    """
    with writing() as work:
        domains.move(work, domain, body["connection_id"])
        found = lists.one(work.account_id, domains.normalised(domain))
        if found is None:
            raise NotFound("domain", domain)
        return found


@part.delete("/<domain>")
@previewable
@needs("connection.manage")
@part.response(204)
def remove_domain(domain: str) -> None:
    """Send the people of a domain nowhere any more."""
    with writing() as work:
        domains.remove(work, domain)
