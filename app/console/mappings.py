"""Mappings: which group, or which value, of a provider gives which role. They may wait for it."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from app.console import asked
from app.console.forms import OR_THE_ACCOUNT, PathField
from app.console.giving import role_choices
from app.console.naming import folder_at
from app.console.pages import answered, back, page, section, visitor, writing
from app.directory import mappings
from app.directory.mappings import MATCH_BY
from app.directory.work import Work
from app.lists import connections
from app.lists import mappings as lists
from app.lists.mapping_conflicts import conflicts_of
from app.lists.mappings import MappingFilter

blueprint = section("mappings", __name__, "/mappings")

SHOWN = 50
LONGEST_VALUE = 512
CONNECTIONS_SHOWN = 500
WORDS = {
    "display_name": _l("a group named"),
    "external_id": _l("a group with the external id"),
    "role": _l("people with the role"),
    "entitlement": _l("people with the entitlement"),
}
"""What a mapping matches, as the pages say it."""


class MappingForm(FlaskForm):
    match_by = RadioField(
        _l("When the provider pushes"),
        choices=[SelectChoice(name, words) for name, words in WORDS.items()],
        default="display_name",
    )
    match_value = StringField(
        _l("Named"),
        [DataRequired(), Length(1, LONGEST_VALUE)],
        description=_l("As the provider writes it. It need not have arrived yet."),
        render_kw={"data-suggest": "group", "autocomplete": "off"},
    )
    role = SelectField(_l("They get the role"), default="viewer")
    folder = PathField(_l("On the folder"), [Optional()], description=OR_THE_ACCOUNT)
    connection = SelectField(_l("Only what comes through"), [Optional()])


@blueprint.get("")
@page("connection.view")
def listed() -> str:
    """List mappings, with those that wait and those that say the same twice."""
    account_id = visitor().account_id
    wanted = MappingFilter(
        match_by=asked.one_of("match_by", MATCH_BY), connection=asked.id_("connection")
    )
    found = lists.listed(account_id, wanted, cursor=request.args.get("cursor"), limit=SHOWN)
    return render_template(
        "console/mappings/list.html",
        found=found,
        words=WORDS,
        conflicts=conflicts_of(account_id, [each["id"] for each in found.items]),
        connections=_connections(account_id),
    )


@blueprint.route("/new", methods=["GET", "POST"])
@page("connection.manage")
def new() -> str | Response:
    """Add a mapping. Those who match get the role at once; it waits for those who don't yet."""
    account_id = visitor().account_id
    form = MappingForm(
        match_value=request.args.get("group", "")[:LONGEST_VALUE],
        connection=asked.id_("connection"),
    )
    form.role.choices = role_choices(account_id)
    through = [SelectChoice(each["id"], each["name"]) for each in _connections(account_id)]
    form.connection.choices = [SelectChoice("", _("any provider")), *through]
    made, seen = answered(form, lambda work: _create(work, form))
    if made is not None:
        flash(_("The mapping is added. Who matches it has the role now."), "success")
        return redirect(url_for("mappings.listed"), 303)
    return render_template("console/mappings/new.html", form=form, preview=seen)


@blueprint.post("/<mapping_id>/delete")
@page("connection.manage")
def delete(mapping_id: str) -> Response:
    """Delete a mapping, and take back what it gave."""
    with writing() as work:
        mappings.delete(work, mapping_id)
    flash(_("The mapping is deleted, and what it gave is taken back."), "success")
    return back(url_for("mappings.listed"))


def _create(work: Work, form: MappingForm) -> str:
    return mappings.create(
        work,
        form.match_value.data,
        form.role.data,
        folder_at(form.folder.data, "folder") if (form.folder.data or "").strip() else None,
        match_by=form.match_by.data,
        connection_id=form.connection.data or None,
    )


def _connections(account_id: str) -> list[dict[str, Any]]:
    return connections.listed(account_id, limit=CONNECTIONS_SHOWN).items
