"""How the API says that something went wrong: problem details (RFC 9457)."""

from __future__ import annotations

import orjson
from flask import Response

from app.security.requests import request_id


def problem(status: int, title: str, detail: str) -> Response:
    """Return a problem document.

    Its type is ``about:blank``: the status says all there is to the kind of problem. The member
    ``request_id`` is what an administrator looks for in the logs.

    :param title: What went wrong, the same words each time.
    :param detail: What to know of this time. Never anything internal.
    """
    document = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": request_id(),
    }
    return Response(orjson.dumps(document), status, content_type="application/problem+json")
