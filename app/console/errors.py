"""What a person reads when something went wrong."""

from __future__ import annotations

from flask import Response, make_response, render_template
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app.console.telling import told
from app.security.requests import request_id
from app.words import say

ERRORS = {
    400: (
        say("This request cannot be understood"),
        say("Go back, load the page again and send it once more."),
    ),
    403: (say("This is not for you"), say("Ask an administrator of your account for access.")),
    404: (say("This is not there"), say("Check the address, or begin at the start page.")),
    405: (say("This cannot be done here"), say("Go back and load the page again.")),
    413: (say("This is too large"), say("Send less at once.")),
    429: (say("Too many requests"), say("Wait a little, then try again.")),
    500: (
        say("Something went wrong here"),
        say("It is written down. Try again; if it happens again, ask for help."),
    ),
    503: (say("Too much is going on here"), say("Try again in a moment.")),
    507: (
        say("There is no room for this here"),
        say("Ask whoever runs the server to make room for temporary files, then send it again."),
    ),
}
"""What errors of HTTP are for people, and what to do."""


def error_page(status: int, title: str, advice: str) -> Response:
    """Return a page that says what went wrong and what to do, with the id of the request.

    It reads neither the session nor the database, so that it can be shown whatever failed.

    :param advice: One or two sentences. Empty: none.
    """
    page = render_template(
        "console/error.html", title=title, advice=advice, request_id=request_id()
    )
    return make_response(page, status)


def http_error_page(error: HTTPException) -> Response:
    """Return the page of an error of HTTP, with what whoever raised it says."""
    status = error.code or 500
    title, advice = ERRORS.get(status, (error.name, ""))
    if isinstance(error, CSRFError):  # a form that is too old, or that another site made
        title = say("This form has expired")
    elif error.description != type(error).description:
        advice = error.description or ""
    return error_page(status, told(title), told(advice))
