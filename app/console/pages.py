"""What the pages of people who are signed in have in common: who looks, what they may do, how
they write, and what they read when it is refused.

A page is a view of a blueprint made by :func:`section`, guarded by :func:`page`::

    blueprint = section("people", __name__, "/people")

    @blueprint.get("/")
    @page("user.view")
    def listed() -> str: ...
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, flash, g, redirect, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from werkzeug.exceptions import Forbidden as ForbiddenPage
from werkzeug.wrappers import Response

from app.access.powers import Powers, permissions_of
from app.console.errors import error_page
from app.console.person import actor, signed_in_person, take_refused_cookie_back
from app.console.telling import told
from app.directory.errors import DirectoryError, Forbidden, NotFound
from app.directory.preview import Preview, preview
from app.directory.work import Actor, Work, transaction
from app.lists.paging import BadCursor
from app.security.paths import same_site_path
from app.security.sessions import SignedIn
from app.words import Said, say

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Visitor(Powers):
    """Who looks at a page."""

    person: SignedIn

    @property
    def actor(self) -> Actor:
        return actor(self.person)


def section(name: str, import_name: str, url_prefix: str) -> Blueprint:
    """Return the blueprint of some pages that answer refusals as pages do."""
    blueprint = Blueprint(name, import_name, url_prefix=url_prefix)
    blueprint.after_request(take_refused_cookie_back)
    blueprint.register_error_handler(DirectoryError, _refused)
    blueprint.register_error_handler(BadCursor, _leads_nowhere)
    return blueprint


def page(action: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """Let a view answer people who are signed in, and may do an action on the account.

    Others are asked to sign in first, or told what is missing.

    :param action: None where the view decides itself, such as by the folder it is about
        (:meth:`Visitor.must`).
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            who = find_visitor()
            if who is None:
                here = request.full_path.rstrip("?") if request.method == "GET" else "/"
                return redirect(url_for("console.sign_in", next=here), 303)
            if action is not None and not who.may(action):
                raise ForbiddenPage(needed(action))
            return view(*args, **kwargs)

        guarded.needs = action  # type: ignore[attr-defined]  # a test asks for it
        return guarded

    return decorate


def needed(action: str) -> Said:
    """Return the sentence that says which permission is missing."""
    return say(
        "This needs the permission %(action)s. Ask an administrator of your account for a role "
        "that has it.",
        action=action,
    )


def find_visitor() -> Visitor | None:
    """Return who makes this request; None where nobody is signed in."""
    if "visitor" not in g:
        person = signed_in_person()
        g.visitor = person and Visitor(
            account_id=person.account_id,
            permissions=permissions_of(person.account_id, person.user_id),
            user_id=person.user_id,
            person=person,
        )
    found: Visitor | None = g.visitor
    return found


def visitor() -> Visitor:
    """Return who makes this request, in a view guarded by :func:`page`."""
    found = find_visitor()
    assert found is not None
    return found


def writing() -> AbstractContextManager[Work]:
    """Open a write transaction in the visitor's name."""
    who = visitor()
    return transaction(who.account_id, who.actor)


def attempt(form: FlaskForm, write: Callable[[Work], T]) -> T | None:
    """Do what a valid form asks for, and return what the write returns.

    Where the directory refuses, None: the form says why, at the field it is about, and is to be
    shown again.

    :raises NotFound: When what the page is about is not there.
    """

    def do() -> T:
        with writing() as work:
            return write(work)

    return _taken(form, do)


def previewed(form: FlaskForm, write: Callable[[Work], T]) -> Preview[T] | None:
    """Return what a form would change (``parts.html`` shows it as ``changes``); None as above."""
    who = visitor()
    return _taken(form, lambda: preview(who.account_id, who.actor, write))


def answered(form: FlaskForm, write: Callable[[Work], T]) -> tuple[T | None, Preview[T] | None]:
    """Do what a form asks for, or return what it would change where that was asked.

    :return: What the write returned, and the preview; None each where it was not this, or where
        the form says what is wrong.
    """
    if not form.validate_on_submit():
        return None, None
    if "preview" in request.form:
        return None, previewed(form, write)
    return attempt(form, write), None


def _taken(form: FlaskForm, do: Callable[[], R]) -> R | None:
    """Do something; what the directory refuses is put where the form shows it."""
    try:
        return do()
    except NotFound:
        raise
    except DirectoryError as error:
        note(form, error)
        return None


def note(form: FlaskForm, error: DirectoryError) -> None:
    """Put a refusal where the form shows it: at its field, or above all of them."""
    field = getattr(form, getattr(error, "field", None) or "", None)
    if field is not None and hasattr(field, "errors"):
        field.errors = [*field.errors, told(error)]
    else:
        form.form_errors.append(told(error))


def back(otherwise: str) -> Response:
    """Go back to the page whose form was sent, or to another one of ours."""
    there = urlsplit(request.headers.get("Referer", ""))
    path = there._replace(scheme="", netloc="", fragment="").geturl()
    from_here = f"{there.scheme}://{there.netloc}" == request.host_url.rstrip("/")
    return redirect(same_site_path(path) if from_here and path else otherwise, 303)


def _refused(error: DirectoryError) -> Response:
    """Answer a refusal that no form has taken: on the page it came from, where there is one."""
    if isinstance(error, NotFound):
        return error_page(404, _("This is not there"), told(error))
    if isinstance(error, Forbidden):
        return error_page(403, _("This is not for you"), told(error))
    if request.method == "GET" or "Referer" not in request.headers:
        return error_page(409, _("This cannot be done"), told(error))
    flash(told(error), "danger")
    return back(url_for("console.home"))


def _leads_nowhere(error: BadCursor) -> Response:
    flash(_("This page of the list is gone. Here is the first one."), "info")
    return redirect(request.path, 303)
