"""The options of a SAML connection: each with what it does, its safe default, and what it risks."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import pgettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import (
    BooleanField,
    Form,
    FormField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.console import asked
from app.console.one_connection import read_saml
from app.console.pages import attempt, page, section, visitor
from app.console.providers import PROVIDERS
from app.console.telling import role, told
from app.directory.work import Work
from app.lists import roles
from app.saml_parts import saml_part

blueprint = section("saml_options", __name__, "/connections/<connection_id>/options")

LONGEST_TEXT = 1000
LONGEST_LIST = 20_000
ROLES_SHOWN = 500
_FORMAT_NAMES = {
    "emailAddress": _l("e-mail address"),
    "persistent": _l("persistent: the same each time, and says nothing else"),
    "transient": _l("transient: another one each time"),
    "unspecified": _l("unspecified: whatever is agreed there"),
}
_GIVEN_ON = {"account": _l("%(role)s on the whole account"), "folder": _l("%(role)s on folders")}


def _attribute(label: Any, help: Any = "") -> StringField:
    return StringField(label, [Optional(), Length(0, LONGEST_TEXT)], description=help)


class AttributesForm(Form):
    """What the provider calls each attribute of ours. A field is called as ours is."""

    userName = _attribute(_l("User name"), _l("Empty: the NameID, or the e-mail address."))
    email = _attribute(_l("E-mail address"))
    givenName = _attribute(_l("Given name"))
    familyName = _attribute(_l("Family name"))
    displayName = _attribute(_l("Display name"))
    groups = _attribute(_l("Groups"), _l("Mappings give them roles."))
    accountRole = _attribute(_l("Role on the account"), _l("The name of one role."))
    folders = _attribute(_l("Roles on folders"), _l("Such as editor:/Brand, or /Brand to view."))


class OptionsForm(FlaskForm):
    """A field is called as its option is, but for ``names``: the ``attribute_names``."""

    match_email = BooleanField(
        _l("Find people by an e-mail attribute too"),
        description=_l("Besides the NameID, an e-mail attribute may say who signs in."),
    )
    provisioning = SelectField(
        _l("People nobody pushed"),
        choices=[
            SelectChoice("off", _l("are refused")),
            SelectChoice("create", _l("are added at their first sign-in")),
            SelectChoice("update", _l("are added, and kept up to date at each sign-in")),
        ],
        description=_l("Leave it at refused where the provider pushes people over SCIM."),
    )
    names = FormField(AttributesForm)
    may_give = SelectMultipleField(
        _l("Roles that attributes may give at the most"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l("A sign-in that names another role is refused."),
    )
    sign_requests = BooleanField(
        _l("Sign our requests"), description=_l("The provider can tell that they are ours.")
    )
    name_id_format = SelectField(
        _l("NameID format we ask for"),
        description=_l("In which form the provider is asked to say who signs in."),
    )
    force_authn = BooleanField(
        _l("People prove who they are each time"),
        description=_l("Also those who are signed in at the provider still."),
    )
    authn_contexts = TextAreaField(
        _l("Ways of signing in that are good enough"),
        [Optional(), Length(0, LONGEST_LIST)],
        description=_l("URIs, one on each line. Others are refused. Empty: any way."),
        render_kw={"rows": 2, "spellcheck": "false"},
    )
    require_encryption = BooleanField(
        _l("Take encrypted assertions only"),
        description=_l("The provider must know our certificate, and encrypt for it."),
    )
    allow_unsolicited = BooleanField(
        _l("Let people begin at the provider's portal"),
        description=_l("Responses that nobody here asked for are taken (IdP-initiated)."),
    )
    second_factor_contexts = TextAreaField(
        _l("Ways of signing in that count as a second factor"),
        [Optional(), Length(0, LONGEST_LIST)],
        description=_l("URIs, one on each line. Empty: none counts, and people are asked here."),
        render_kw={"rows": 2, "spellcheck": "false"},
    )
    session_hours = IntegerField(
        _l("Longest life of a session, in hours"),
        [InputRequired()],
        description=_l("0: as the installation says. The provider may make it shorter."),
    )
    clock_skew_seconds = IntegerField(
        _l("How far the provider's clock may be from ours, in seconds"),
        [InputRequired()],
        description=_l("More than two minutes mean that a clock should be put right."),
    )
    landing = StringField(
        _l("Where people go who asked for no page"),
        [InputRequired(), Length(1, LONGEST_TEXT)],
        description=_l("A path of this site, such as /folders."),
    )
    single_logout = BooleanField(
        _l("Sign out at the provider too"),
        description=_l("Who signs out here is signed out there, where the provider knows how."),
    )

    @property
    def options(self) -> dict[str, Any]:
        """Return what ``setup.configure`` takes."""
        given = {name: self[name].data for name in OPTIONS}
        for name in ("authn_contexts", "second_factor_contexts"):
            given[name] = (given[name] or "").split()
        given["attribute_names"] = {
            ours: theirs.strip() for ours, theirs in self.names.data.items() if theirs
        }
        return given


RISKS = {
    "match_email": _l(
        "Whoever can change their e-mail address at the provider can sign in as somebody else."
    ),
    "provisioning": _l("Whoever can sign in at the provider gets in here, without being invited."),
    "may_give": _l("Whoever can change the attribute at the provider gives these roles."),
    "allow_unsolicited": _l(
        "Another site can then sign somebody in as another person without their noticing."
    ),
}
"""What is weaker where an option is not at its default."""
OPTIONS = (
    *("match_email", "provisioning", "may_give", "sign_requests", "name_id_format", "force_authn"),
    *("authn_contexts", "require_encryption", "allow_unsolicited", "second_factor_contexts"),
    *("session_hours", "clock_skew_seconds", "landing", "single_logout"),
)
"""The options that are a field each."""


@blueprint.route("", methods=["GET", "POST"])
@page("connection.manage")
def changed(connection_id: str) -> str | Response:
    """Show all options of a connection, and change them."""
    connection = read_saml(connection_id)
    presets = saml_part("attributes").PRESETS
    preset = asked.one_of("preset", list(presets))
    form = _form(connection["settings"], presets.get(preset))
    if form.validate_on_submit() and attempt(form, lambda work: _save(work, connection, form)):
        flash(_("The options are saved, and count from the next sign-in on."), "success")
        return redirect(request.path, 303)
    return render_template(
        "console/connections/options.html",
        connection=connection,
        form=form,
        risks=RISKS,
        defaults=_defaults(form),
        presets={key: told(PROVIDERS[key].label) for key in presets},
        preset=preset,
    )


def _form(settings: dict[str, Any], names: dict[str, str] | None) -> OptionsForm:
    """Return the form as the settings are.

    :param names: Those of the attributes, where others are wished than are set.
    """
    module = saml_part("options")
    stands = module.Options.from_settings(settings).as_settings()
    for name in ("authn_contexts", "second_factor_contexts"):
        stands[name] = "\n".join(stands[name])
    form = OptionsForm(data=stands | {"names": names or stands["attribute_names"]})
    formats = {uri: _FORMAT_NAMES[uri.rpartition(":")[2]] for uri in module.NAME_ID_FORMATS}
    form.name_id_format.choices = [
        SelectChoice("", _("the provider's choice")),
        *(SelectChoice(uri, label) for uri, label in formats.items()),
    ]
    form.may_give.choices = [
        SelectChoice(each["id"], _GIVEN_ON[each["scope"]] % {"role": role(each["name"])})
        for each in roles.listed(visitor().account_id, limit=ROLES_SHOWN).items
    ]
    return form


def _save(work: Work, connection: dict[str, Any], form: OptionsForm) -> bool:
    given = form.options
    offered = {each.value for each in form.may_give.choices}
    given["may_give"] = [
        *(form.may_give.data or ()),
        *(each for each in connection["settings"].get("may_give", ()) if each not in offered),
    ]
    saml_part("setup").configure(work, connection["id"], **given)
    return True


def _defaults(form: OptionsForm) -> dict[str, str]:
    """Return the default of each option, in words."""
    defaults = saml_part("options").Options().as_settings()
    return {name: _in_words(form[name], defaults[name]) for name in OPTIONS}


def _in_words(field: Any, default: Any) -> str:
    if isinstance(default, bool):
        return str(pgettext("a rule", "on") if default else pgettext("a rule", "off"))
    if field.type == "SelectField":
        return str(next(each.label for each in field.choices if each.value == default))
    return str(default) if default or isinstance(default, int) else str(_("none"))
