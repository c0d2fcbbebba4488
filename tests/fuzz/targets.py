"""What reads bytes from outside, each as one function of bytes: what a fuzzer feeds.

Each raises nothing for what is refused, and something for what should not be: a fault in our code,
or two ways of reading the same that differ.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from scim2_models import Context, SCIMException
from scim2_server.requests import ScimRequest
from scim2_server.routing import Operation
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from app.directory.work import Actor
from saml import responses
from saml.assertions import Answer, Expected
from saml.errors import BadMetadata, Refused
from saml.metadata import Provider, read_provider
from saml.options import Options
from saml.trace import Trace
from scim import dialects, filters, lookups, members, plain, unknown
from scim.bulk import BulkHandler
from scim.columns import Columns
from scim.resources import KINDS
from scim.service import service_for
from scim.storage import DirectoryStorage
from tests.scim.test_plain import check_user
from tests.scim.test_rendering import FULL_USER

CORPUS = Path(__file__).parent / "corpus"
SERVICE = service_for("x" * 32)
DIALECTS = (sqlite.dialect(), postgresql.dialect())
VALUES: list[Any] = ["x", True, None, {"value": "x"}, [{"value": "x", "type": "work"}], 1.5, []]
OPS = ("add", "replace", "remove")
AT = datetime(2026, 1, 1, tzinfo=UTC)
"""When the response in the corpus was signed. The key was thrown away."""
SP = "https://sp.example/saml/1"


def scim_filter(data: bytes) -> None:
    """A filter of each resource type, as SQL for both databases (RFC 7644 §3.4.2.2)."""
    text = data.decode("utf-8", "replace")
    for name, kind in KINDS.items():
        with SERVICE.provider:
            resource_type = SERVICE.get_resource_type(name)
            try:
                search, _ = SERVICE.read_search([resource_type], {"filter": text})
                columns = Columns(kind, "account", SERVICE.get_model(resource_type))
                condition = filters.condition(search.filter, columns)
            except SCIMException:
                forms = lookups._LOOKUPS.get(name, ())
                assert not any(each.of(text.strip(lookups._BLANKS)) for each in forms), (
                    "looked up, not read"
                )
                continue
        for dialect in DIALECTS:
            str(select(kind.table.id).where(condition).compile(dialect=dialect))


def scim_path(data: bytes) -> None:
    """The path of a PATCH (RFC 7644 §3.5.2); its first bytes choose operation and value."""
    op, value = (data + b"\0\0")[:2]
    operation = {
        "op": OPS[op % len(OPS)],
        "path": data[2:].decode("utf-8", "replace"),
        "value": VALUES[value % len(VALUES)],
    }
    _patch("User", {"Operations": [operation]})
    _patch("Group", {"Operations": [operation]})


def scim_body(data: bytes) -> None:
    """A body, read as each request that has one reads it."""
    request = ScimRequest(
        method="POST",
        base_url="https://sp.example/scim/v2",
        path="/Bulk",
        query={},
        headers=[("Content-Type", "application/scim+json")],
        body=data,
        subject=SimpleNamespace(scim_epoch=0, scopes=frozenset({"users", "groups"})),
    )
    try:
        payload = SERVICE.payload(request)
    except SCIMException:
        return
    check_user(payload)
    plain.group(payload)
    for name in ("User", "Group"):
        _resource(name, dict(payload))
        _patch(name, payload)
    _search(payload)
    _bulk(request, payload)


def saml_response(data: bytes) -> None:
    """The document in ``SAMLResponse``: refused, or it says exactly what was signed."""
    expected, answer = _genuine()
    try:
        found = responses.read(base64.b64encode(data).decode(), expected, Trace())
    except Refused:
        return
    assert found == answer


def authn_metadata(data: bytes) -> None:
    """The metadata of a provider: refused, or kept and read again as it was."""
    try:
        provider = read_provider(data)
    except BadMetadata:
        return
    assert Provider.from_settings(provider.as_settings()) == provider


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each
    for each in (scim_body, scim_filter, scim_path, saml_response, authn_metadata)
}


def _resource(name: str, payload: dict[str, Any]) -> None:
    with SERVICE.provider:
        resource_type = SERVICE.get_resource_type(name)
        model = SERVICE.get_model(resource_type)
        try:
            members.take(payload)
            payload = dialects.normalise_resource(payload, SERVICE.urns)
            known, _ = unknown.take(model, payload)
            SERVICE.resource_of(resource_type, known, Context.RESOURCE_CREATION_REQUEST)
        except SCIMException:
            return


def _patch(name: str, payload: dict[str, Any]) -> None:
    with SERVICE.provider:
        resource_type = SERVICE.get_resource_type(name)
        model = SERVICE.get_model(resource_type)
        try:
            operations = SERVICE.operations_of(payload)
            if name == "Group":
                _, operations = members.split(operations)
            operations, _ = unknown.take_from_operations(model, operations)
            if operations:
                patch = SERVICE.patch_of(resource_type, operations)
                SERVICE.apply(patch, _stored(name).model_copy(deep=True))
        except SCIMException:
            return


def _search(payload: dict[str, Any]) -> None:
    with SERVICE.provider:
        try:
            SERVICE.read_search([SERVICE.get_resource_type("User")], payload)
        except SCIMException:
            return


def _bulk(request: ScimRequest, payload: dict[str, Any]) -> None:
    actor = Actor(type="system", name="tests", surface="scim")
    storage = DirectoryStorage(SERVICE.provider, "account", actor, request.base_url)
    with SERVICE.provider:
        try:
            SERVICE.route(request, Operation.bulk)
            BulkHandler(SERVICE, storage)._plan(request, payload)
        except SCIMException:
            return


@cache
def _stored(name: str) -> Any:
    with SERVICE.provider:
        resource_type = SERVICE.get_resource_type(name)
        body = {"userName": "ada"} | FULL_USER if name == "User" else {"displayName": "Team"}
        return SERVICE.resource_of(
            resource_type,
            dialects.normalise_resource(body, SERVICE.urns),
            Context.RESOURCE_CREATION_REQUEST,
        )


@cache
def _genuine() -> tuple[Expected, Answer]:
    metadata = read_provider((CORPUS / "authn_metadata" / "genuine").read_bytes())
    expected = Expected(metadata, f"{SP}/metadata", f"{SP}/acs", f"{SP}/slo", AT, Options(), list)
    document = (CORPUS / "saml_response" / "genuine").read_bytes()
    return expected, responses.read(base64.b64encode(document).decode(), expected, Trace())
