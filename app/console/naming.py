"""Whom and what a form names: found by its name, or said at the field that it is not there."""

from __future__ import annotations

from werkzeug.exceptions import NotFound as NoPage

from app.console.pages import visitor
from app.directory import folders, grants
from app.directory.errors import DirectoryError, Invalid, NotFound
from app.directory.grants import Principal
from app.words import say


def folder_at(path: str, field: str, action: str | None = None) -> str:
    """Return the id of the folder at a path.

    :param action: What the visitor must be allowed to do there.
    :raises Invalid: When there is none, or none the visitor may know of; at the field.
    :raises Forbidden: When the visitor sees it and may not do that.
    """
    path, who = path.strip(), visitor()
    try:
        folder_id = folders.find_by_path(who.account_id, path)
        if action is not None:
            who.must(action, folder_id)
    except (NotFound, NoPage):
        raise Invalid(say("There is no folder %(path)s.", path=path), field=field) from None
    return folder_id


def principal(type_: str, name: str, field: str) -> Principal:
    """Return the user or group that is called so.

    :raises Invalid: When nobody is, or several groups are; at the field.
    """
    try:
        return grants.principal_named(visitor().account_id, type_, name.strip())
    except DirectoryError as error:
        raise Invalid(error.sentence, field=field) from None
