"""``Prefer: dry-run`` on a write: what would change, and nothing is written.

It is a preference of ours, in the form of RFC 7240. The answer holds the one that would have been
given, what would be written to the audit, and who would gain or lose which roles and folders.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import request
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse

from app.access.difference import UserChange
from app.directory.preview import Preview, preview
from app.directory.work import Actor, Work
from scim.authentication import Identity
from scim.journal import Journal
from scim.projection import Document
from scim.serving import handler

SCHEMA = "urn:gatehouse:scim:api:messages:2.0:DryRun"
PREFERENCE = "dry-run"
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_EVENTS_SHOWN = 1000


def is_asked_for() -> bool:
    """Tell whether the request is a write that asks to be a dry run."""
    stated = ",".join(request.headers.getlist("Prefer")).split(",")
    names = {each.partition(";")[0].partition("=")[0].strip().lower() for each in stated}
    return request.method in _WRITES and PREFERENCE in names and not _is_search()


def answer(asked: ScimRequest, identity: Identity, actor: Actor, journal: Journal) -> ScimResponse:
    """Return what the request would change.

    :raises SCIMException: As the request itself would.
    """

    def write(work: Work) -> ScimResponse:
        journal.notes.clear()
        return handler(identity, actor, journal, work).handle(asked)

    seen = preview(identity.account_id, actor, write)
    return ScimResponse(HTTPStatus.OK, _document(seen, journal), {"Preference-Applied": PREFERENCE})


def _is_search() -> bool:
    return request.path.endswith("/.search")


def _document(seen: Preview[ScimResponse], journal: Journal) -> Document:
    document: Document = {"schemas": [SCHEMA], "status": str(int(seen.result.status))}
    if seen.result.body is not None:
        document["response"] = seen.result.body
    document["changes"] = [_event(event) for event in seen.events[:_EVENTS_SHOWN]]
    document["access"] = [_change(change) for change in seen.access.changes]
    document["truncated"] = seen.access.truncated or len(seen.events) > _EVENTS_SHOWN
    if journal.notes:
        document["notes"] = journal.notes
    return document


def _event(event: dict[str, Any]) -> Document:
    return {
        "action": event["action"],
        "target": {
            "type": event["target_type"],
            "value": event["target_id"],
            "display": event["target_name"],
        },
        "before": event["before"],
        "after": event["after"],
    }


def _change(change: UserChange) -> Document:
    return {
        "user": {"value": change.user_id, "display": change.user_name},
        "gains": _rights(change.gained_roles, change.gained_folders),
        "loses": _rights(change.lost_roles, change.lost_folders),
    }


def _rights(roles: Any, folders: Any) -> Document:
    return {
        "accountRoles": sorted(roles),
        "folders": [
            {"value": folder.id, "display": folder.path, "roles": sorted(folder.roles)}
            for folder in folders
        ],
    }
