"""What a person reads when something went wrong."""

from __future__ import annotations

from flask import Response, make_response, render_template

from app.security.requests import request_id


def error_page(status: int, title: str, advice: str) -> Response:
    """Return a page that says what went wrong and what to do, with the id of the request.

    It reads neither the session nor the database, so that it can be shown whatever failed.

    :param advice: One or two sentences. Empty: none.
    """
    page = render_template(
        "console/error.html", title=title, advice=advice, request_id=request_id()
    )
    return make_response(page, status)
