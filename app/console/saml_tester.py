"""What a SAML response would do, check by check: the tester of a connection."""

from __future__ import annotations

from flask import render_template
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from app.console.one_connection import read_saml
from app.console.pages import note, page, section
from app.directory.errors import DirectoryError
from app.saml_parts import saml_part

blueprint = section("saml_tester", __name__, "/connections/<connection_id>/test")

LONGEST_RESPONSE = 500_000


class TestForm(FlaskForm):
    response = TextAreaField(
        _l("What the provider sent"),
        [DataRequired(), Length(1, LONGEST_RESPONSE)],
        description=_l("The form field SAMLResponse as it was sent, or the XML in it."),
        render_kw={"rows": 6, "spellcheck": "false"},
    )


@blueprint.route("", methods=["GET", "POST"])
@page("connection.manage")
def test(connection_id: str) -> str:
    """Say of a response what it would do, check by check. Nobody is signed in."""
    connection, form, report = read_saml(connection_id), TestForm(), None
    if form.validate_on_submit():
        try:
            given = form.response.data.encode(errors="replace")
            report = saml_part("tester").test_of(connection_id, given)
        except DirectoryError as error:
            note(form, error)
    return render_template(
        "console/connections/test.html", connection=connection, form=form, report=report
    )
