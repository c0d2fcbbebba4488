"""Everyone's own pages: who they are, and what they can reach."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.access.identity import group_names
from app.access.reach import Branch, branch_of
from app.console import asked
from app.console.pages import attempt, page, section, visitor
from app.console.person_profile import NamesForm
from app.directory import details, folders
from app.directory.details import Names
from app.directory.errors import existing
from app.directory.work import Work
from app.lists import users

blueprint = section("me", __name__, "/me")

SHOWN = 100
"""How many folders a branch shows at once."""


@blueprint.get("/profile")
@page()
def profile() -> str:
    """Show the person what the account knows of them."""
    user = _user()
    return _profile_page(user, _form(user))


@blueprint.post("/profile")
@page()
def change_names() -> str | Response:
    """Give the person the names they want, where no provider says what they are called."""
    user = _user()
    form = _form(user)

    def change(work: Work) -> bool:
        names = Names(**form.entered())
        details.change_own(work, names, expected_version=form.version.data)
        return True

    if not form.validate_on_submit() or not attempt(form, change):
        return _profile_page(user, form)
    flash(_("Saved."), "success")
    return redirect(url_for("me.profile"), 303)


@blueprint.get("/access")
@page()
def access() -> str:
    """Show the person what is shared with them, and why: a branch, what lies in ``in``."""
    return access_page(_("What you can reach"))


def access_page(heading: str) -> str:
    """Return the page, under a heading."""
    return render_template(
        "console/me/access.html", person=visitor().person, branch=own_branch(), heading=heading
    )


def own_branch() -> Branch:
    """Return what the visitor reaches in the folder ``in``, or in the root.

    :raises NotFound: When they reach nothing there.
    """
    who = visitor()
    folder_id = asked.id_("in") or folders.root_of(who.account_id)
    branch = branch_of(
        who.account_id,
        who.person.user_id,
        folder_id,
        after=asked.text("after"),
        limit=SHOWN,
    )
    return existing(branch, "folder", folder_id)


def _user() -> dict[str, Any]:
    person = visitor().person
    return existing(users.one(person.account_id, person.user_id), "user", person.user_id)


def _form(user: dict[str, Any]) -> NamesForm:
    """Return the form with what is stored, as far as it was not sent."""
    stored = details.read(visitor().account_id, user["id"])
    return NamesForm(data=vars(stored) | {"version": user["version"]})


def _profile_page(user: dict[str, Any], form: NamesForm) -> str:
    person = visitor().person
    return render_template(
        "console/me/profile.html",
        person=person,
        user=user,
        form=form,
        groups=group_names(person.account_id, person.user_id),
    )
