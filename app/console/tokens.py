"""Tokens of programs: SCIM's are a connection's, the API's the account's, and never a person's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import IntegerField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.access.permissions import DESCRIPTIONS
from app.console import asked
from app.console.forms import LONGEST_NAME, LastDayField, ahead, of_the_calendar
from app.console.pages import attempt, back, page, section, visitor, writing
from app.console.telling import told
from app.directory import roles, tokens
from app.directory.errors import existing
from app.directory.networks import NETWORKS_LIMIT
from app.directory.tokens import ROTATION_OVERLAP, IssuedToken
from app.lists import connections
from app.lists import roles as role_lists
from app.lists import tokens as lists
from app.security.requests import settings
from app.security.tokens import SCOPES

blueprint = section("tokens", __name__, "/tokens")

SHOWN = 50
CONNECTIONS_SHOWN = 500
ROLES_SHOWN = 100
LONGEST_OVERLAP = 8760
HOUR = timedelta(hours=1)


SCOPE_WORDS = {
    "users": _l("people: read and write them"),
    "groups": _l("groups, and who is in them"),
    "folders": _l("folders"),
    "grants": _l("roles that came through SCIM: give them and take them back"),
    "admins": _l("with grants: roles that manage the account too"),
}
"""What a SCIM credential may do, as the pages say it."""
DEFAULT_SCOPES = ["users", "groups"]


class CredentialForm(FlaskForm):
    """What tokens of both kinds, and OAuth clients, have."""

    name = StringField(
        _l("Name"),
        [DataRequired(), Length(1, LONGEST_NAME)],
        description=_l("Where it is used, so that you know later."),
    )
    scopes = SelectMultipleField(
        _l("It may"),
        [DataRequired(_l("Choose at least one."))],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    networks = TextAreaField(
        _l("Only from"),
        [Optional(), Length(0, NETWORKS_LIMIT * 64)],
        description=_l("Networks such as 203.0.113.0/24, one on each line. Empty: from anywhere."),
        render_kw={"rows": 2},
    )

    @property
    def allowed(self) -> list[str]:
        return (self.networks.data or "").split()


class TokenForm(CredentialForm):
    expires_at = LastDayField(
        _l("Until"),
        [Optional(), of_the_calendar, ahead],
        description=_l("The last day (UTC). Empty: until somebody revokes it."),
    )

    @property
    def terms(self) -> dict[str, Any]:
        return {"allowed": self.allowed, "expires_at": self.expires_at.moment}


class ScimTokenForm(TokenForm):
    connection = SelectField(_l("Connection"), [InputRequired()])


class RotateForm(FlaskForm):
    overlap_hours = IntegerField(
        _l("Both work for this many hours"),
        [InputRequired(), NumberRange(0, LONGEST_OVERLAP)],
        default=ROTATION_OVERLAP // HOUR,
        description=_l("Time to put the new one where the old one is used. 0: the old one ends."),
    )


@blueprint.get("")
@page("token.manage")
def listed() -> str:
    """List the tokens that work, without their secrets."""
    found = lists.listed(
        visitor().account_id,
        surface=asked.one_of("surface", ("scim", "api")),
        connection=asked.id_("connection"),
        cursor=request.args.get("cursor"),
        limit=SHOWN,
    )
    return render_template("console/tokens/list.html", found=found)


@blueprint.route("/new/scim", methods=["GET", "POST"])
@page("token.manage")
def new_scim() -> str:
    """Issue a token for a provider, and show it this once."""
    form = ScimTokenForm(connection=asked.id_("connection"), scopes=DEFAULT_SCOPES)
    form.connection.choices = connection_choices(visitor().account_id)
    form.scopes.choices = scope_choices()
    if form.validate_on_submit():
        issued = attempt(
            form,
            lambda work: tokens.create(
                work, form.connection.data, form.name.data, form.scopes.data, **form.terms
            ),
        )
        if issued is not None:
            return _shown_once(issued)
    return render_template("console/tokens/new.html", form=form, surface="scim")


@blueprint.route("/new/api", methods=["GET", "POST"])
@page("token.manage")
def new_api() -> str:
    """Issue a token for a program of one's own, and show it this once."""
    who = visitor()
    as_role = asked.id_("role")
    form = TokenForm(scopes=roles.permissions(who.account_id, as_role) if as_role else ())
    form.scopes.choices = [
        SelectChoice(action, f"{action}: {told(description)}")
        for action, description in DESCRIPTIONS.items()
        if who.may(action)
    ]
    if form.validate_on_submit():
        issued = attempt(
            form,
            lambda work: tokens.create_for_api(
                work, form.name.data, form.scopes.data, **form.terms
            ),
        )
        if issued is not None:
            return _shown_once(issued)
    return render_template(
        "console/tokens/new.html",
        form=form,
        surface="api",
        roles=role_lists.listed(who.account_id, scope="account", limit=ROLES_SHOWN).items,
    )


@blueprint.route("/<token_id>/rotate", methods=["GET", "POST"])
@page("token.manage")
def rotate(token_id: str) -> str:
    """Issue a token in the place of this one, and show it this once. Both work for a while."""
    token, form = _read(token_id), RotateForm()
    if form.validate_on_submit():
        overlap = form.overlap_hours.data * HOUR
        issued = attempt(form, lambda work: tokens.rotate(work, token_id, overlap=overlap))
        if issued is not None:
            return _shown_once(issued)
    return render_template("console/tokens/rotate.html", form=form, token=token)


@blueprint.post("/<token_id>/revoke")
@page("token.manage")
def revoke(token_id: str) -> Response:
    """End a token at once."""
    token = _read(token_id)
    with writing() as work:
        tokens.revoke(work, token_id)
    flash(_("The token %(name)s works no more.", name=token["name"]), "success")
    return back(url_for("tokens.listed"))


def connection_choices(account_id: str) -> list[SelectChoice]:
    """Return the connections that push people, for a select field."""
    found = connections.listed(account_id, kind="scim", limit=CONNECTIONS_SHOWN).items
    return [SelectChoice(each["id"], each["name"]) for each in found]


def scope_choices() -> list[SelectChoice]:
    """Return the scopes of SCIM, for checkboxes."""
    return [SelectChoice(each, f"{each}: {SCOPE_WORDS[each]}") for each in SCOPES]


def _read(token_id: str) -> dict[str, Any]:
    return existing(lists.one(visitor().account_id, token_id), "live token", token_id)


def _shown_once(issued: IssuedToken) -> str:
    """Show a token's secret: in the answer to the form, and nowhere else."""
    base = settings().public_url
    return render_template("console/tokens/issued.html", issued=issued, base=base)
