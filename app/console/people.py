"""The people of the account: a list to search, and a form to add somebody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import DataRequired, Length, Optional

from app.console import asked
from app.console.forms import LONGEST_NAME, EmailField
from app.console.groups import ORIGINS
from app.console.pages import attempt, page, section, visitor
from app.directory import users
from app.directory.users import Profile
from app.lists import roles
from app.lists import users as lists
from app.lists.user_filters import SECOND_FACTORS
from app.lists.users import UserFilter
from app.store.types import now

blueprint = section("people", __name__, "/people")

SHOWN = 50
"""How many people a page of the list has."""
STATUS: dict[str, dict[str, Any]] = {
    "active": {"enabled": True},
    "pending": {"pending": True},
    "deactivated": {"enabled": False},
}
SIGNED_IN = ("lately", "long_ago", "never")
LATELY, LONG_AGO = timedelta(days=30), timedelta(days=90)
SORTED = (
    *("user_name", "display_name", "-created_at", "created_at"),
    *("-last_login_at", "last_login_at"),
)


class NewPersonForm(FlaskForm):
    user_name = StringField(
        _l("User name"),
        [DataRequired(), Length(1, LONGEST_NAME)],
        description=_l("What they sign in with, mostly their e-mail address."),
    )
    display_name = StringField(_l("Name"), [Optional(), Length(0, LONGEST_NAME)])
    email = EmailField(_l("E-mail address"), [Optional()])


@blueprint.get("")
@page("user.view")
def listed() -> str:
    """List people, narrowed by what is asked for."""
    account_id = visitor().account_id
    wanted = UserFilter(
        prefix=asked.text("prefix"),
        origin=asked.one_of("origin", ORIGINS),
        role=asked.id_("role"),
        group_named=asked.text("group"),
        second_factor=asked.one_of("second_factor", SECOND_FACTORS),
        **STATUS.get(request.args.get("status", ""), {}),
        **_signed_in(asked.one_of("signed_in", SIGNED_IN)),
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


def _signed_in(wanted: str | None) -> dict[str, Any]:
    """Return the filter by the last sign-in."""
    if wanted == "never":
        return {"never_signed_in": True}
    if wanted == "long_ago":
        return {"last_login_to": now() - LONG_AGO}
    return {"last_login_from": now() - LATELY} if wanted == "lately" else {}
