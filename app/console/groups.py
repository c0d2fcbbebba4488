"""The groups of the account: a list to search, and a form to add one."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from app.console import asked
from app.console.forms import LONGEST_NAME, VersionField
from app.console.pages import attempt, page, section, visitor
from app.directory import groups
from app.directory.groups import GroupProfile
from app.lists import groups as lists
from app.lists.groups import GroupFilter

blueprint = section("groups", __name__, "/groups")

SHOWN = 50
ORIGINS = ("manual", "scim", "saml")
SORTED = ("display_name", "-created_at")


class GroupForm(FlaskForm):
    display_name = StringField(_l("Name"), [DataRequired(), Length(1, LONGEST_NAME)])
    version = VersionField()


@blueprint.get("")
@page("group.view")
def listed() -> str:
    """List groups, narrowed by what is asked for."""
    found = lists.listed(
        visitor().account_id,
        GroupFilter(prefix=asked.text("prefix"), origin=asked.one_of("origin", ORIGINS)),
        **asked.order(SORTED),
        cursor=request.args.get("cursor"),
        limit=SHOWN,
    )
    return render_template("console/groups/list.html", found=found)


@blueprint.route("/new", methods=["GET", "POST"])
@page("group.manage")
def new() -> str | Response:
    """Add a group by hand."""
    form = GroupForm()
    if form.validate_on_submit():
        profile = GroupProfile(form.display_name.data.strip())
        group_id = attempt(form, lambda work: groups.create(work, profile))
        if group_id is not None:
            flash(_("The group %(name)s is added.", name=profile.display_name), "success")
            return redirect(url_for("group.shown", group_id=group_id), 303)
    return render_template("console/groups/new.html", form=form)
