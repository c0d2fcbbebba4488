"""The people of the account: a list to search, and a form to add somebody."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import DataRequired, Length, Optional, Regexp

from app.console import asked
from app.console.forms import LONGEST_NAME
from app.console.groups import ORIGINS
from app.console.pages import attempt, page, section, visitor
from app.directory import users
from app.directory.users import Profile
from app.lists import roles
from app.lists import users as lists
from app.lists.users import UserFilter

blueprint = section("people", __name__, "/people")

SHOWN = 50
"""How many people a page of the list has."""
STATUS: dict[str, dict[str, Any]] = {
    "active": {"enabled": True},
    "pending": {"pending": True},
    "deactivated": {"enabled": False},
}
SORTED = ("user_name", "display_name", "-created_at", "-last_login_at")


class NewPersonForm(FlaskForm):
    user_name = StringField(
        _l("User name"),
        [DataRequired(), Length(1, LONGEST_NAME)],
        description=_l("What they sign in with, mostly their e-mail address."),
    )
    display_name = StringField(_l("Name"), [Optional(), Length(0, LONGEST_NAME)])
    email = StringField(
        _l("E-mail address"),
        [
            Optional(),
            Length(3, LONGEST_NAME),
            Regexp(r"^[^@\s]+@[^@\s]+$", message=_l("It must look like ada@example.com.")),
        ],
    )


@blueprint.get("")
@page("user.view")
def listed() -> str:
    """List people, narrowed by what is asked for."""
    account_id = visitor().account_id
    wanted = UserFilter(
        prefix=asked.text("prefix"),
        origin=asked.one_of("origin", ORIGINS),
        role=asked.id_("role"),
        **STATUS.get(request.args.get("status", ""), {}),
    )
    found = lists.listed(
        account_id,
        wanted,
        **asked.order(SORTED),
        cursor=request.args.get("cursor"),
        limit=SHOWN,
    )
    roles_of_account = roles.listed(account_id, limit=500).items
    return render_template("console/people/list.html", found=found, roles=roles_of_account)


@blueprint.route("/new", methods=["GET", "POST"])
@page("user.manage")
def new() -> str | Response:
    """Add somebody by hand."""
    form = NewPersonForm()
    if form.validate_on_submit():
        profile = Profile(form.user_name.data.strip(), display_name=form.display_name.data or None)
        if form.email.data:
            email = {"value": form.email.data, "type": "work", "primary": True}
            profile.values["emails"] = [email]
        user_id = attempt(form, lambda work: users.create(work, profile))
        if user_id is not None:
            flash(_("%(name)s is added.", name=profile.user_name), "success")
            return redirect(url_for("person.shown", user_id=user_id), 303)
    return render_template("console/people/new.html", form=form)
