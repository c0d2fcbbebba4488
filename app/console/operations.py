"""What the pages of long operations share: reading one, stopping it, and the rows it refused."""

from __future__ import annotations

from typing import Any

from flask import Response, flash
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from app.console.forms import LONGEST_NAME
from app.console.pages import visitor, writing
from app.directory import operations
from app.directory.errors import NotFound, existing
from app.downloads import attachment
from app.lists import operations as lists
from app.lists import spreadsheets
from app.store.types import storable


def read(kind: str, what: str, operation_id: str) -> dict[str, Any]:
    """Return an operation of a kind.

    :param what: What people call it.
    :raises NotFound: When the visitor's account has none of the kind.
    """
    found = lists.one(visitor().account_id, operation_id)
    return existing(found if found and found["kind"] == kind else None, what, operation_id)


def cancel(operation_id: str) -> None:
    """Stop an operation; what it has done stays."""
    try:
        with writing() as work:
            operations.cancel(work, operation_id)
    except NotFound:
        flash(_("It was over already."), "info")


def problems(operation_id: str) -> Response:
    """Hand out the rows that were refused."""
    lines = lists.problems_as_csv(visitor().account_id, operation_id)
    return attachment(lines, spreadsheets.CONTENT_TYPE, "refused.csv")


def name_of(sent: FileStorage) -> str:
    """Return the name of a file that was sent, without its folder."""
    name = (sent.filename or "").replace("\\", "/").rpartition("/")[2][:LONGEST_NAME]
    return name if storable(name) else ""
