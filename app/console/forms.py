"""Fields that several forms of the console have.

Forms are Flask-WTF's; ``{{ render_form(form) }}`` of Bootstrap-Flask shows them. Choices that come
from the store are set by the view.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, Optional, StopValidation, ValidationError

LONGEST_NAME = 256
LONGEST_REASON = 1024
LONGEST_PATH = 2048
EMAILS_AT_MOST = 20
OR_THE_ACCOUNT = _l("Its path, such as /Brand/2026. Empty for a role on the whole account.")


class VersionField(HiddenField):
    """The version that was read, so that nobody overwrites what they have not seen.

    ``data`` is a number; None: any version will do.
    """

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = str(valuelist[0]) if valuelist else ""
        is_number = text.isascii() and text.isdigit() and len(text) < 10
        self.data: int | None = int(text) if is_number else None


class DayField(DateField):
    """A day; ``moment`` is when it begins, in UTC."""

    @property
    def moment(self) -> datetime | None:
        return None if self.data is None else datetime.combine(self.data, time(), UTC)


class LastDayField(DayField):
    """The last day of something; ``moment`` is when that day is over, in UTC."""

    @property
    def moment(self) -> datetime | None:
        begins = super().moment
        return begins and begins + timedelta(days=1)

    def show(self, moment: datetime) -> None:
        """Show the day that a moment ends, or lies in."""
        self.data = (moment.astimezone(UTC) - timedelta(microseconds=1)).date()


def of_the_calendar(form: FlaskForm, field: DayField) -> None:
    """Refuse a day at the ends of the calendar, where the day after is none."""
    if field.data is not None and not 1970 <= field.data.year <= 9998:
        raise StopValidation(_l("Choose a day between 1970 and 9998."))


def ahead(form: FlaskForm, field: DayField) -> None:
    """Refuse a day that is over."""
    moment = field.moment
    if moment is not None and moment <= datetime.now(UTC):
        raise ValidationError(_l("This day is over."))


class PathField(StringField):
    """The path of a folder, suggested while one types."""

    def __init__(self, label: Any, validators: Any, **options: Any) -> None:
        told = {"data-suggest": "folder", "autocomplete": "off"}
        super().__init__(label, [*validators, Length(0, LONGEST_PATH)], render_kw=told, **options)


AN_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def of_an_email(form: FlaskForm, field: Any) -> None:
    """Refuse what is no e-mail address, or a line that is none."""
    for line in (field.data or "").splitlines():
        if line.strip() and not (len(line) <= LONGEST_NAME and AN_EMAIL.fullmatch(line.strip())):
            raise ValidationError(_("%(text)s does not look like ada@example.com.", text=line[:64]))


class EmailField(StringField):
    """An e-mail address."""

    def __init__(self, label: Any, validators: Any, **options: Any) -> None:
        super().__init__(label, [*validators, of_an_email], **options)


class EmailsField(TextAreaField):
    """E-mail addresses, one on each line; ``addresses`` is a list of them."""

    def __init__(self, label: Any, validators: Any, **options: Any) -> None:
        bounds = Length(0, EMAILS_AT_MOST * LONGEST_NAME)
        told = {"rows": 2, "spellcheck": "false"}
        super().__init__(label, [*validators, bounds, of_an_email], render_kw=told, **options)

    @property
    def addresses(self) -> list[str]:
        return [line.strip() for line in (self.data or "").splitlines() if line.strip()]


class TermsForm(FlaskForm):
    """From when, until when and why somebody holds a role."""

    not_before = DayField(
        _l("From"), [Optional(), of_the_calendar], description=_l("Empty: at once.")
    )
    expires_at = LastDayField(
        _l("Until"),
        [Optional(), of_the_calendar, ahead],
        description=_l("The last day (UTC). Empty: no end."),
    )
    reason = StringField(
        _l("Why"),
        [Optional(), Length(0, LONGEST_REASON)],
        description=_l("Everyone who sees the access sees the reason."),
    )

    @property
    def terms(self) -> dict[str, Any]:
        """Return what ``app.directory.grants`` takes."""
        return {
            "reason": self.reason.data or "",
            "not_before": self.not_before.moment,
            "expires_at": self.expires_at.moment,
        }


class PrincipalForm(TermsForm):
    """To whom, and the terms."""

    type = RadioField(
        lazy_pgettext("a recipient", "To"),
        choices=[SelectChoice("user", _l("a person")), SelectChoice("group", _l("a group"))],
        default="user",
    )
    name = StringField(
        _l("Who"),
        [DataRequired(), Length(1, LONGEST_NAME)],
        description=_l("User name of the person, or name of the group."),
        render_kw={"data-suggest": "type", "autocomplete": "off"},
    )
