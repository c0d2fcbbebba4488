"""Changing what somebody is called, and which groups they are in."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import DataRequired, Length, Optional

from app.console.forms import LONGEST_NAME, EmailsField, VersionField
from app.console.naming import principal
from app.console.one_person import JoinForm, person_page
from app.console.pages import attempt, back, page, section, visitor, writing
from app.directory import details, memberships
from app.directory.details import Details
from app.directory.errors import Invalid, NotFound, Taken, existing
from app.directory.work import Work
from app.lists import about_user
from app.lists import groups as group_lists
from app.lists import users as lists

blueprint = section("person_profile", __name__, "/people/<user_id>")


class NamesForm(FlaskForm):
    display_name = StringField(
        _l("Name"), [Optional(), Length(0, LONGEST_NAME)], description=_l("As lists show it.")
    )
    given_name = StringField(_l("Given name"), [Optional(), Length(0, LONGEST_NAME)])
    family_name = StringField(_l("Family name"), [Optional(), Length(0, LONGEST_NAME)])
    version = VersionField()

    def entered(self) -> dict[str, Any]:
        """Return what was entered, by the names of the fields; None for what is empty."""
        texts = (field for field in self if field.type == "StringField")
        return {field.name: (field.data or "").strip() or None for field in texts}


class ProfileForm(NamesForm):
    user_name = StringField(
        _l("User name"),
        [DataRequired(), Length(1, LONGEST_NAME)],
        description=_l("What they sign in with, mostly their e-mail address."),
    )
    title = StringField(_l("Job title"), [Optional(), Length(0, LONGEST_NAME)])
    department = StringField(_l("Department"), [Optional(), Length(0, LONGEST_NAME)])
    emails = EmailsField(
        _l("E-mail addresses"),
        [Optional()],
        description=_l("One on each line. The first is where mail goes."),
    )

    def entered(self) -> dict[str, Any]:
        return super().entered() | {"emails": tuple(self.emails.addresses)}


@blueprint.route("/edit", methods=["GET", "POST"])
@page("user.manage")
def edit(user_id: str) -> str | Response:
    """Change what somebody is called, their job and their addresses."""
    user = _read(user_id)
    form = _form(user)
    if form.validate_on_submit():
        changed = attempt(form, lambda work: _change(work, user_id, form))
        if changed is not None:
            flash(_("Saved.") if changed else _("Nothing was to be changed."), "success")
            return redirect(url_for("person.shown", user_id=user_id), 303)
    written = []
    if user["origin"] != "manual":
        written = about_user.attributes_written(visitor().account_id, user_id, user["origin"])
    return render_template("console/people/edit.html", form=form, user=user, written=written)


@blueprint.post("/groups")
@page("group.manage")
def join(user_id: str) -> str | Response:
    """Put somebody into a group."""
    user, form = _read(user_id), JoinForm()
    if not form.validate_on_submit():
        return person_page(user_id, form)

    def add(work: Work) -> str:
        group = principal("group", form.group.data, "group")
        memberships.add(work, group.id, [user_id])
        return group.name

    group = attempt(form, add)
    if group is None:
        return person_page(user_id, form)
    flash(_("%(name)s is in %(group)s now.", name=user["user_name"], group=group), "success")
    return redirect(url_for("person.shown", user_id=user_id, _anchor="groups"), 303)


@blueprint.post("/groups/<group_id>/leave")
@page("group.manage")
def leave(user_id: str, group_id: str) -> Response:
    """Take somebody out of a group they are right in."""
    user = _read(user_id)
    group = existing(group_lists.one(visitor().account_id, group_id), "group", group_id)
    with writing() as work:
        if not memberships.remove(work, group_id, [user_id]):
            raise NotFound("member", user_id)
    told = {"name": user["user_name"], "group": group["display_name"]}
    flash(_("%(name)s is no longer in %(group)s.", **told), "success")
    return back(url_for("person.shown", user_id=user_id))


def _form(user: dict[str, Any]) -> ProfileForm:
    """Return the form with what is stored, as far as it was not sent."""
    stored = details.read(visitor().account_id, user["id"])
    told = vars(stored) | {"emails": "\n".join(stored.emails), "version": user["version"]}
    return ProfileForm(data=told)


def _change(work: Work, user_id: str, form: ProfileForm) -> bool:
    wanted = Details(**form.entered())
    try:
        return details.change(work, user_id, wanted, expected_version=form.version.data)
    except Taken as taken:
        raise Invalid(taken.sentence, field="user_name") from taken


def _read(user_id: str) -> dict[str, Any]:
    return existing(lists.one(visitor().account_id, user_id), "user", user_id)
