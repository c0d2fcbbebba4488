"""How the API says that something went wrong: problem details (RFC 9457)."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, Response
from werkzeug.exceptions import UnprocessableEntity

from app.access.past import NotInHistory
from app.directory import errors
from app.lists.paging import BadCursor
from app.security.requests import request_id

REFUSALS: dict[type[errors.DirectoryError], tuple[int, str]] = {
    errors.NotFound: (404, "Not found"),
    errors.Invalid: (422, "Invalid"),
    errors.Taken: (409, "Taken"),
    errors.NotEmpty: (409, "Not empty"),
    errors.Forbidden: (403, "Forbidden"),
    errors.LastMasterAdmin: (409, "Last master admin"),
    errors.WouldLockOut: (409, "Would lock out"),
    errors.VersionMismatch: (412, "Changed since"),
}
"""Status and title of what the directory refuses; anything else it refuses is a 409."""


def problem(status: int, title: str, detail: str, **members: Any) -> Response:
    """Return a problem document.

    Its type is ``about:blank``: the status says all there is to the kind of problem. The member
    ``request_id`` is what an administrator looks for in the logs.

    :param title: What went wrong, the same words each time.
    :param detail: What to know of this time. Never anything internal.
    :param members: Others, such as ``errors``: what is wrong with which field.
    """
    document = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": request_id(),
        **members,
    }
    # ``errors`` has the places of a list's items as numbers, which JSON writes as texts.
    body = orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)
    return Response(body, status, content_type="application/problem+json")


def refusal(error: errors.DirectoryError) -> Response:
    """Return the problem that the directory has with a write."""
    status, title = next(
        (REFUSALS[kind] for kind in type(error).__mro__ if kind in REFUSALS), (409, "Refused")
    )
    field = getattr(error, "field", None)
    members = {"errors": {field: [str(error)]}} if field else {}
    return problem(status, title, str(error), **members)


def not_as_described(error: UnprocessableEntity) -> Response:
    """Return the problem with a request that is not as the API describes it.

    ``errors`` says by place (``json``, ``query``) and field what is wrong.
    """
    messages = getattr(error, "data", {}).get("messages", {})
    return problem(422, "Invalid", "The request is not as described.", errors=messages)


def leads_nowhere(error: BadCursor) -> Response:
    return problem(422, "Invalid", str(error), errors={"cursor": [str(error)]})


def not_in_history(error: NotInHistory) -> Response:
    return problem(404, "Not found", str(error))


def answer_refusals(blueprint: Blueprint) -> None:
    """Let the views of a blueprint, and of those in it, answer with problem documents."""
    blueprint.register_error_handler(errors.DirectoryError, refusal)
    blueprint.register_error_handler(UnprocessableEntity, not_as_described)
    blueprint.register_error_handler(BadCursor, leads_nowhere)
    blueprint.register_error_handler(NotInHistory, not_in_history)
