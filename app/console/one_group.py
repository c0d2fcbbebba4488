"""One group: who is in it, in which groups it is, and what it gives."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import RadioField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length

from app.console import asked
from app.console.forms import LONGEST_NAME
from app.console.groups import GroupForm
from app.console.naming import principal
from app.console.pages import attempt, back, page, section, visitor, writing
from app.directory import groups, memberships
from app.directory.errors import Invalid, NotFound, existing
from app.directory.groups import GroupProfile
from app.directory.work import Work
from app.lists import grants, users
from app.lists import groups as lists
from app.lists.grants import GrantFilter
from app.lists.groups import GroupFilter
from app.lists.users import UserFilter
from app.words import say

blueprint = section("group", __name__, "/groups/<group_id>")

SHOWN = 50
PARENTS_SHOWN = 20
ADDED_AT_ONCE = 500
"""How many names the form for members takes."""


class MembersForm(FlaskForm):
    type = RadioField(
        _l("Add"),
        choices=[SelectChoice("user", _l("people")), SelectChoice("group", _l("groups"))],
        default="user",
    )
    names = TextAreaField(
        _l("Who"),
        [DataRequired(), Length(1, ADDED_AT_ONCE * LONGEST_NAME)],
        description=_l("User names of people, or names of groups: one on each line."),
        render_kw={"rows": 3},
    )


@blueprint.get("")
@page("group.view")
def shown(group_id: str) -> str:
    """Show who is in a group, page by page, and what it gives."""
    return _page(group_id, MembersForm())


@blueprint.post("/members")
@page("group.manage")
def add_members(group_id: str) -> str | Response:
    """Put people or groups into the group, all that are named or none."""
    group, form = _read(group_id), MembersForm()
    if not form.validate_on_submit():
        return _page(group_id, form)

    def add(work: Work) -> int:
        names = _names(form.names.data)
        ids = [principal(form.type.data, name, "names").id for name in names]
        memberships.add(work, group_id, ids)
        return len(ids)

    count = attempt(form, add)
    if count is None:
        return _page(group_id, form)
    named = {"group": group["display_name"]}
    done = ngettext("One is in %(group)s now.", "%(num)s are in %(group)s now.", count, **named)
    flash(done, "success")
    return redirect(url_for("group.shown", group_id=group_id), 303)


@blueprint.post("/members/<member_id>/remove")
@page("group.manage")
def remove_member(group_id: str, member_id: str) -> Response:
    """Take a person or a group out of the group."""
    with writing() as work:
        if not memberships.remove(work, group_id, [member_id]):
            raise NotFound("member", member_id)
    flash(_("They are no longer in the group."), "success")
    return back(url_for("group.shown", group_id=group_id))


@blueprint.route("/edit", methods=["GET", "POST"])
@page("group.manage")
def edit(group_id: str) -> str | Response:
    """Give the group another name. Mappings follow it."""
    group = _read(group_id)
    form = GroupForm(data=group)

    def rename(work: Work) -> bool:
        stored = groups.locked_row(work, group_id)
        profile = GroupProfile(form.display_name.data, stored.external_id, stored.attributes)
        groups.replace(work, group_id, profile, expected_version=form.version.data)
        return True

    if form.validate_on_submit() and attempt(form, rename):
        flash(_("The group is called %(name)s now.", name=form.display_name.data), "success")
        return redirect(url_for("group.shown", group_id=group_id), 303)
    return render_template("console/groups/edit.html", form=form, group=group)


@blueprint.post("/delete")
@page("group.manage")
def delete(group_id: str) -> Response:
    """Delete the group with what it gives. Who is in it stays."""
    group = _read(group_id)
    with writing() as work:
        groups.delete(work, group_id)
    name = group["display_name"]
    flash(_("%(name)s is deleted. For 30 days the trash can bring it back.", name=name), "success")
    return redirect(url_for("groups.listed"), 303)


def _page(group_id: str, form: MembersForm) -> str:
    account_id = visitor().account_id
    group = _read(group_id)
    prefix = asked.text("prefix")
    return render_template(
        "console/groups/group.html",
        group=group,
        form=form,
        members=lists.members(account_id, group_id, cursor=request.args.get("cursor"), limit=SHOWN),
        sought=_sought(account_id, group_id, prefix) if prefix else None,
        parents=lists.listed(account_id, GroupFilter(member=group_id), limit=PARENTS_SHOWN),
        grants=grants.listed(
            account_id, GrantFilter(group=group_id), cursor=request.args.get("grants"), limit=SHOWN
        ),
    )


def _sought(account_id: str, group_id: str, prefix: str) -> Any:
    """Return the people in a group, or in a group in it, whose name begins so."""
    return users.listed(account_id, UserFilter(group=group_id, prefix=prefix), limit=SHOWN).items


def _read(group_id: str) -> dict[str, Any]:
    return existing(lists.one(visitor().account_id, group_id), "group", group_id)


def _names(text: str) -> list[str]:
    """Return the names on the lines of a text.

    :raises Invalid: When there are too many.
    """
    names = list(dict.fromkeys(filter(None, (line.strip() for line in text.splitlines()))))
    if len(names) > ADDED_AT_ONCE:
        sentence = say("Add %(limit)s at the most at once.", limit=ADDED_AT_ONCE)
        raise Invalid(sentence, field="names")
    return names
