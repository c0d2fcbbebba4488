"""An account with one of everything the API is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.directory import (
    addresses,
    clients,
    connections,
    deliveries,
    domains,
    folders,
    streams,
    users,
)
from app.directory.work import Work
from app.store.models import Connection, EventStream, Grant, OutgoingEvent, Session
from tests import drift
from tests.conftest import write
from tests.factories import (
    a_connection,
    a_custom_role,
    a_folder,
    a_grant,
    a_group,
    a_mapping,
    a_review,
    a_session,
    a_token,
    a_user,
)
from tests.imports import CONSOLE, a_file, begin
from tests.inspection import row, rows


def ids_of_everything(account_id: str) -> dict[str, list[str]]:
    """Make something of each kind, and return its id by the name paths have for it."""
    ids = {name: [make(account_id)] for name, make in MAKERS.items()}
    # The domain's: some operations are about connections of SAML alone.
    ids["connection_id"].append(row(Connection, account_id=account_id, kind="saml").id)
    return ids


def _a_user_with_grants(account_id: str) -> str:
    user_id = a_user(account_id)
    a_grant(account_id, user_id, "viewer", folders.root_of(account_id))
    return user_id


def _a_grant(account_id: str) -> str:
    user_id = _a_user_with_grants(account_id)
    return row(Grant, account_id=account_id, user_id=user_id).id


def _a_domain(account_id: str) -> str:
    domain = f"{account_id}.example.com"
    with write(account_id) as work:
        domains.add(work, domain, a_saml_connection(work))
    return domain


def a_saml_connection(work: Work) -> str:
    """A connection that nobody could sign in through: its provider is made up."""
    provider = {"entity_id": "https://idp.example", "sso_redirect": "https://idp.example/sso"}
    settings = provider | {"sso_post": None, "certificates": []}
    return connections.create(work, "saml", "SAML", settings=settings)


def _a_client(account_id: str) -> str:
    with write(account_id) as work:
        connection = connections.find_or_create_scim(work, "SCIM")
        return clients.create(work, connection, "Entra", ["users"]).id


def _a_session(account_id: str) -> str:
    user_id = a_user(account_id)
    a_session(account_id, user_id)
    return row(Session, account_id=account_id, user_id=user_id).id


def _an_address_rule(account_id: str) -> str:
    with write(account_id) as work:
        return addresses.add(work, "scim", "203.0.113.0/24").id


def _a_stream(account_id: str) -> str:
    with write(account_id) as work:
        return streams.create(work, "media").id


def _a_dead_letter(account_id: str) -> str:
    """Of every stream of the account there is, for it is made after the first."""
    event = rows(OutgoingEvent, account_id=account_id)[0]
    for stream in rows(EventStream, account_id=account_id):
        with write(account_id):
            deliveries.put_aside(account_id, stream.id, [(event, "no")])
    return event.id


def _a_deleted_user(account_id: str) -> str:
    user_id = a_user(account_id)
    with write(account_id) as work:
        users.delete(work, user_id)
    return user_id


MAKERS: dict[str, Callable[[str], str]] = {
    "user_id": _a_user_with_grants,
    "group_id": a_group,
    "member_id": a_user,
    "role_id": lambda account_id: a_custom_role(account_id, "folder", {"folder.view"}),
    "folder_id": a_folder,
    "grant_id": _a_grant,
    "mapping_id": lambda account_id: a_mapping(account_id, "Designers", "reports"),
    "connection_id": a_connection,
    "domain": _a_domain,
    "client_id": _a_client,
    "token_id": lambda account_id: a_token(account_id).id,
    "session_id": _a_session,
    "rule_id": _an_address_rule,
    "stream_id": _a_stream,
    "event_id": _a_dead_letter,
    "tombstone_id": _a_deleted_user,
    "operation_id": lambda account_id: begin(account_id, a_file(2), CONSOLE),
    "report_id": lambda account_id: drift.begin(
        account_id, a_connection(account_id), a_file(2), CONSOLE
    ),
    "review_id": a_review,
}
"""Makes what a path's parameter names. A parameter that is missing here fails a test."""

QUERIES = {
    "/api/v1/users/{user_id}/explanation": "action=user.view",
    "/api/v1/past/users/{user_id}/access": "at={now}",
    "/api/v1/past/folders/{folder_id}/access": "at={now}",
    "/api/v1/drift-reports": "connection_id={connection_id}",
}
"""The query by path, where there must be one. ``{now}`` is the time; others are ids."""

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/api/v1/groups/{group_id}/members"): {"members": ["none"]},
    ("put", "/api/v1/streams/{stream_id}/status"): {"status": "paused"},
    ("post", "/api/v1/streams/{stream_id}/replay"): {"event_id": "none"},
    ("put", "/api/v1/domains/{domain}"): {"connection_id": "none"},
    ("post", "/api/v1/reviews/{review_id}/decisions"): {"items": ["none"], "decision": "keep"},
}
"""What to send by method and path, where an empty object would not do."""
