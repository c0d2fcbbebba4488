"""What a SAML response would do, check by check: the tester of a connection."""

from __future__ import annotations

from flask import render_template
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import TextAreaField
from wtforms.validators import Length, Optional

from app.console.failed_sign_ins import ADVICE
from app.console.one_connection import read_saml
from app.console.pages import note, page, section
from app.console.provider_forms import only_one
from app.directory.errors import DirectoryError
from app.saml_parts import saml_part

blueprint = section("saml_tester", __name__, "/connections/<connection_id>/test")

LONGEST_RESPONSE = 1_000_000
UNDERSTOOD = {
    "user_name": _l("User name"),
    "email": _l("E-mail address"),
    "given_name": _l("Given name"),
    "family_name": _l("Family name"),
    "display_name": _l("Display name"),
    "groups": _l("Groups"),
    "account_role": _l("Role on the account"),
    "folders": _l("Roles on folders"),
}
"""What may be understood of the attributes (``saml.attributes.Person``), in words."""


class TestForm(FlaskForm):
    response = TextAreaField(
        _l("What the provider sent"),
        [Optional(), Length(1, LONGEST_RESPONSE)],
        description=_l("The form field SAMLResponse as it was sent, or the XML in it."),
        render_kw={"rows": 6, "spellcheck": "false"},
    )
    file = FileField(_l("Or a file with it"))

    @property
    def given(self) -> bytes:
        """Return what is to be tested.

        :raises Invalid: When there is nothing, or twice something.
        """
        pasted = (self.response.data or "").strip().encode(errors="replace")
        uploaded = self.file.data.read(LONGEST_RESPONSE + 1) if self.file.data else b""
        only_one(pasted, uploaded.strip())
        return pasted or uploaded


@blueprint.route("", methods=["GET", "POST"])
@page("connection.manage")
def test(connection_id: str) -> str:
    """Say of a response what it would do, check by check. Nobody is signed in."""
    connection, form, report = read_saml(connection_id), TestForm(), None
    if form.validate_on_submit():
        try:
            report = saml_part("tester").test_of(connection_id, form.given)
        except DirectoryError as error:
            note(form, error)
    return render_template(
        "console/connections/test.html",
        connection=connection,
        form=form,
        report=report,
        advice=ADVICE,
        labels=UNDERSTOOD,
    )
