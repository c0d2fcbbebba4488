"""How the API writes: versions in ETags, and a POST done once however often it is sent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import orjson
from flask import Response, g, request
from marshmallow import Schema

from app.api.callers import caller
from app.directory import idempotency
from app.directory.errors import VersionMismatch
from app.directory.idempotency import Answer
from app.directory.work import Work, transaction

SECRETS = ("secret", "token", "link", "codes")
"""Members of answers that are shown once: in an answer sent again they are null."""


def writing() -> AbstractContextManager[Work]:
    """Open the write transaction of this request, in the caller's name.

    In a dry run it is the one that will be undone (see ``app.api.v1.dry_run``).
    """
    if "undone_work" in g:
        return nullcontext(g.undone_work)
    who = caller()
    return transaction(who.account_id, who.actor)


def expected_version() -> int | None:
    """Return the version that ``If-Match`` names; None where any will do.

    :raises VersionMismatch: When it names none that there can be.
    """
    header = request.headers.get("If-Match", "").strip()
    if header in ("", "*"):
        return None
    tag = header.removeprefix("W/").strip('"')
    if not tag.isascii() or not tag.isdigit() or len(tag) > 9:
        raise VersionMismatch
    return int(tag)


def etag(document: Any) -> dict[str, str]:
    """Return the header that says the version of what is shown."""
    return {"ETag": f'"{document["version"]}"'}


def post(
    do: Callable[[Work], dict[str, Any]],
    schema: Schema,
    location: Callable[[dict[str, Any]], str] | None = None,
    *,
    body: str | None = None,
) -> Response:
    """Do something and answer 201 with what there is now.

    With the header ``Idempotency-Key`` it is done once: the same request with the same key is
    answered the same for a day, but for secrets.

    :param do: It writes, and returns what to show.
    :param location: Where what it made can be read; None where it made nothing of its own.
    :param body: What stands for the body of the request, such as its digest; None: all of it.
    """
    key = request.headers.get("Idempotency-Key") if "undone_work" not in g else None
    sent = request.get_data(as_text=True) if body is None else body
    asked = f"{request.method} {request.full_path}\n{sent}"
    with writing() as work:
        earlier = idempotency.find(work, key, asked) if key is not None else None
        if earlier is not None:
            return _answer(earlier, earlier.body)
        document = do(work)
        shown = schema.dump(document)
        version = document.get("version")
        answer = Answer(
            201,
            {name: None if name in SECRETS else value for name, value in shown.items()},
            location(document) if location else None,
            f'"{version}"' if version is not None else None,
        )
        if key is not None:
            idempotency.keep(work, key, asked, answer)
    return _answer(answer, shown)


def _answer(answer: Answer, body: dict[str, Any]) -> Response:
    response = Response(orjson.dumps(body), answer.status, content_type="application/json")
    if answer.location:
        response.headers["Location"] = answer.location
    if answer.etag:
        response.headers["ETag"] = answer.etag
    return response
