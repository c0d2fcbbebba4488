"""Changing the own password."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.console.pages import page, section, visitor, writing
from app.console.passwords import too_many
from app.console.telling import told
from app.directory import attempts, passwords
from app.directory.attempts import Counted, TooManyAttempts
from app.security.passwords import LONGEST, WeakPassword, check, hash_password, verify
from app.security.sessions import SignedIn
from app.store.types import now

blueprint = section("own_password", __name__, "/me/password")

FRESH = timedelta(minutes=15)
"""How long after a sign-in by link a first password may be set without another proof."""


@blueprint.get("")
@page()
def shown() -> Response:
    """Show the form to change the own password."""
    return _page(visitor().person)


@blueprint.post("")
@page()
def change() -> Response:
    """Change the own password; the other sessions end."""
    person = visitor().person
    try:
        problem = _unproven(person)
    except TooManyAttempts as wait:
        return too_many(wait)
    if problem:
        return _page(person, problem)
    try:
        about = (person.user_name, person.display_name, person.account_name)
        password_hash = hash_password(check(request.form.get("password", ""), about))
    except WeakPassword as weak:
        return _page(person, told(weak))
    with writing() as work:
        passwords.set_password(work, person.user_id, password_hash, keep_session=person.session_id)
    flash(_("Saved. You are signed out everywhere else."), "success")
    return redirect(url_for("own_password.shown"), 303)


def _unproven(person: SignedIn) -> str | None:
    """Return why somebody may not change the password now; None when they may.

    :raises TooManyAttempts: When the next try has to wait.
    """
    stored = passwords.hash_of(person.account_id, person.user_id)
    if stored is None:
        fresh = person.method == "link" and person.created_at > now() - FRESH
        advice = _("You have no password yet. Sign out and use “Forgotten password?”.")
        return None if fresh else str(advice)
    counted = [Counted(f"own password:{person.user_id}", 5)]
    attempts.begin(counted)
    given = request.form.get("current", "")
    if len(given) > LONGEST or not verify(stored, given):
        return str(_("The current password is wrong."))
    attempts.succeeded(counted)
    return None


def _page(person: SignedIn, problem: str | None = None) -> Response:
    page = render_template(
        "console/me/password.html",
        person=person,
        problem=problem,
        has_password=passwords.has_password(person.account_id, person.user_id),
    )
    return make_response(page, 400 if problem else 200)
