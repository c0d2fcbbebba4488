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


@blueprint.route("/profile", methods=["GET", "POST"])
@page()
def profile() -> str | Response:
    """Show the person what the account knows of them, and let them change what is theirs."""
    who = visitor()
    user = existing(users.one(who.account_id, who.person.user_id), "user", who.person.user_id)
    form = NamesForm(data=_names(who.account_id, user)) if user["origin"] == "manual" else None
    if form is not None and form.validate_on_submit():
        wanted = Names(**form.entered())

        def change(work: Work) -> bool:
            details.change_own(work, wanted, expected_version=form.version.data)
            return True

        if attempt(form, change):
            flash(_("Saved."), "success")
            return redirect(url_for("me.profile"), 303)
    return render_template(
        "console/me/profile.html",
        person=who.person,
        user=user,
        form=form,
        groups=group_names(who.account_id, who.person.user_id),
    )


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


def _names(account_id: str, user: dict[str, Any]) -> dict[str, Any]:
    return vars(details.read(account_id, user["id"])) | {"version": user["version"]}
