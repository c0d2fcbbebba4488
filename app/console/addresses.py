"""From which addresses the console, the API and SCIM may be reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, RadioField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from app.console.forms import LONGEST_NAME, LastDayField, ahead, of_the_calendar
from app.console.pages import attempt, note, page, section, visitor
from app.directory import address_preview, addresses
from app.directory.address_preview import DAYS, Preview
from app.directory.addresses import Rule
from app.directory.errors import Invalid
from app.directory.work import Work
from app.security.addresses import SURFACES, parsed, within
from app.security.requests import client_address
from app.store.types import now

blueprint = section("addresses", __name__, "/addresses")

SURFACE_NAMES = {"console": _l("This console"), "api": _l("The API"), "scim": "SCIM"}
A_NETWORK = 64


class RuleForm(FlaskForm):
    """What can be changed of a rule."""

    network = StringField(
        _l("Network"),
        [DataRequired(), Length(1, A_NETWORK)],
        description=_l("Such as 203.0.113.0/24, 203.0.113.7 or 2001:db8::/32."),
    )
    note = StringField(_l("Note"), [Optional(), Length(0, LONGEST_NAME)])
    expires_at = LastDayField(
        _l("Until"),
        [Optional(), of_the_calendar, ahead],
        description=_l("The last day (UTC). Empty: no end. What ends closes; it never opens."),
    )
    confirm = BooleanField(_l("Do it although it shuts out the address I come from"))

    @property
    def terms(self) -> dict[str, Any]:
        """Return what ``app.directory.addresses`` takes."""
        return {
            "network": self.network.data,
            "note": self.note.data or "",
            "expires_at": self.expires_at.moment,
            "confirm": self.confirm.data,
        }


class NewRuleForm(RuleForm):
    surface = RadioField(
        _l("For"), choices=[SelectChoice(name, label) for name, label in SURFACE_NAMES.items()]
    )


@blueprint.get("")
@page("address.manage")
def listed() -> str:
    """Show the rules of each surface, and what they say to the visitor's own address."""
    rules = addresses.listed(visitor().account_id)
    surfaces = [
        _surface(name, [rule for rule in rules if rule.surface == name]) for name in SURFACES
    ]
    return render_template(
        "console/addresses/list.html", surfaces=surfaces, address=client_address()
    )


@blueprint.route("/new", methods=["GET", "POST"])
@page("address.manage")
def new() -> str | Response:
    """Let a network reach a surface; first shown is who would be refused then."""
    asked = request.args.get("surface", "")
    form = NewRuleForm(surface=asked if asked in SURFACES else "console")
    own = client_address()
    if not form.is_submitted() and own and form.surface.data == "console":
        form.network.data = own

    def add(work: Work) -> Rule:
        return addresses.add(work, form.surface.data, **form.terms)

    return _page(form, add, form.surface.data, _("The rule is added, and counts from now on."))


@blueprint.route("/<rule_id>", methods=["GET", "POST"])
@page("address.manage")
def changed(rule_id: str) -> str | Response:
    """Change a rule."""
    rule = addresses.find(visitor().account_id, rule_id)
    form = RuleForm(network=rule.network, note=rule.note)
    if not form.is_submitted() and rule.expires_at:
        form.expires_at.show(rule.expires_at)

    def change(work: Work) -> Rule:
        return addresses.change(work, rule_id, **form.terms)

    return _page(form, change, rule.surface, _("The rule is changed."), rule)


@blueprint.route("/<rule_id>/remove", methods=["GET", "POST"])
@page("address.manage")
def remove(rule_id: str) -> str | Response:
    """Take a rule away. Without the last one its surface is open."""
    rule = addresses.find(visitor().account_id, rule_id)
    form = FlaskForm()
    if form.validate_on_submit():
        confirm = "confirm" in request.form
        if attempt(form, lambda work: addresses.remove(work, rule_id, confirm=confirm)):
            flash(_("The rule is gone."), "success")
            return redirect(url_for("addresses.listed"), 303)
    rules = addresses.listed(visitor().account_id, rule.surface)
    return render_template(
        "console/addresses/remove.html", form=form, rule=rule, is_last=len(rules) == 1
    )


def _page(
    form: RuleForm,
    write: Callable[[Work], Rule],
    surface: str,
    done: str,
    rule: Rule | None = None,
) -> str | Response:
    """Try the rule of a form where that was asked, or write it.

    :param done: What is said when it is written.
    :param rule: The one that is there already, if it is changed.
    """
    tried = None
    if form.validate_on_submit():
        if "preview" in request.form:
            tried = _tried(form, surface, rule.id if rule else None)
        elif attempt(form, write):
            flash(done, "success")
            return redirect(url_for("addresses.listed"), 303)
    return render_template("console/addresses/rule.html", form=form, tried=tried, rule=rule)


def _surface(name: str, rules: list[Rule]) -> dict[str, Any]:
    at = now()
    in_force = parsed(rule.network for rule in rules if rule.in_force(at))
    return {
        "name": name,
        "label": SURFACE_NAMES[name],
        "rules": [asdict(rule) | {"in_force": rule.in_force(at)} for rule in rules],
        "lets_in": not rules or within(in_force, client_address()),
    }


def _tried(form: RuleForm, surface: str, rule_id: str | None = None) -> dict[str, Any] | None:
    """Return who would be refused with the rule as the form has it; None: it says what is wrong."""
    account_id, at = visitor().account_id, now()
    others = [
        rule.network
        for rule in addresses.listed(account_id, surface)
        if rule.in_force(at) and rule.id != rule_id
    ]
    try:
        networks = [*others, addresses.cleaned(form.network.data)]
        found: Preview = address_preview.preview(account_id, surface, networks)
    except Invalid as error:
        note(form, error)
        return None
    return {
        "preview": found,
        "days": DAYS,
        "address": client_address(),
        "lets_in": within(parsed(networks), client_address()),
    }
