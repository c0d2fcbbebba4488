"""Roles: what the built-in ones permit, and the account's own, made here."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import SelectMultipleField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.access.permissions import ACTIONS, DESCRIPTIONS, FOLDER_ACTIONS
from app.console.forms import LONGEST_NAME, LONGEST_REASON, VersionField
from app.console.pages import answered, attempt, page, section, visitor, writing
from app.console.telling import told
from app.directory import roles
from app.directory.errors import existing
from app.directory.work import Work
from app.lists import roles as lists

blueprint = section("roles", __name__, "/roles")

SHOWN = 500
SCOPES = {"account": ACTIONS, "folder": FOLDER_ACTIONS}


class RoleForm(FlaskForm):
    name = StringField(_l("Name"), [DataRequired(), Length(1, LONGEST_NAME)])
    description = StringField(_l("What it is for"), [Optional(), Length(0, LONGEST_REASON)])
    permissions = SelectMultipleField(
        _l("It permits"),
        [DataRequired(_l("Choose at least one."))],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    version = VersionField()


@blueprint.get("")
@page("user.view")
def listed() -> str:
    """Show all roles beside each other, with what they permit."""
    found = lists.listed(visitor().account_id, limit=SHOWN).items
    return render_template(
        "console/roles/list.html",
        roles={scope: [each for each in found if each["scope"] == scope] for scope in SCOPES},
        actions={scope: list(filter(SCOPES[scope].__contains__, DESCRIPTIONS)) for scope in SCOPES},
        descriptions=DESCRIPTIONS,
    )


@blueprint.route("/new/<any(account, folder):scope>", methods=["GET", "POST"])
@page("role.manage")
def new(scope: str) -> str | Response:
    """Make a role of the account's own."""
    form = _form(scope)
    if form.validate_on_submit():
        role_id = attempt(
            form,
            lambda work: roles.create(
                work,
                scope,
                form.name.data,
                form.permissions.data,
                description=form.description.data or "",
            ),
        )
        if role_id is not None:
            flash(_("The role %(name)s is there to be given.", name=form.name.data), "success")
            return redirect(url_for("roles.listed"), 303)
    return render_template("console/roles/edit.html", form=form, role=None, preview=None)


@blueprint.route("/<role_id>", methods=["GET", "POST"])
@page("role.manage")
def changed(role_id: str) -> str | Response:
    """Change a role of the account's own: it counts at once for all who hold it."""
    role = _read(role_id)
    form = _form(role["scope"], role)

    def change(work: Work) -> bool:
        roles.replace(
            work,
            role_id,
            form.name.data,
            form.permissions.data,
            description=form.description.data or "",
            expected_version=form.version.data,
        )
        return True

    done, seen = answered(form, change)
    if done:
        flash(_("The role is changed."), "success")
        return redirect(url_for("roles.listed"), 303)
    return render_template("console/roles/edit.html", form=form, role=role, preview=seen)


@blueprint.post("/<role_id>/delete")
@page("role.manage")
def delete(role_id: str) -> Response:
    """Delete a role that nobody holds."""
    role = _read(role_id)
    with writing() as work:
        roles.delete(work, role_id)
    flash(_("The role %(name)s is deleted.", name=role["name"]), "success")
    return redirect(url_for("roles.listed"), 303)


def _form(scope: str, role: dict[str, Any] | None = None) -> RoleForm:
    """Return the form, with what may be ticked: what the visitor may do, and the role does."""
    form, held = RoleForm(data=role), set(role["permissions"] if role else ())
    form.permissions.choices = [
        SelectChoice(action, f"{action}: {told(description)}")
        for action, description in DESCRIPTIONS.items()
        if action in SCOPES[scope] and (visitor().may(action) or action in held)
    ]
    return form


def _read(role_id: str) -> dict[str, Any]:
    return existing(lists.one(visitor().account_id, role_id), "role", role_id)
