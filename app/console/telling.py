"""What the layers below say, told in the language of the page.

They say it in English, as :class:`app.words.Said`. Names in it stay as they are, and so does plain
text.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask
from flask_babel import format_date, format_datetime, format_decimal, get_translations
from markupsafe import Markup

from app.access.permissions import role_named
from app.console.languages import language_shown
from app.console.recalling import recalled
from app.words import Said


def init_telling(app: Flask) -> None:
    """Let templates tell what other layers say, what logs keep of it, and what roles are called."""
    app.jinja_env.filters.update(told=told, kept=kept, role=role, stamped=stamped, day=day)


def told(said: Any) -> str:
    """Return a sentence, or that of an error, in the language of the page."""
    if isinstance(said, Exception):
        said = said.args[0] if said.args else ""
    if not isinstance(said, Said) or language_shown() == "en":
        return str(said)
    translations = get_translations()
    if said.one is None:
        template = translations.ugettext(said.template)
    else:
        template = translations.ungettext(said.one, said.template, said.values["num"])
    values = {name: _told_value(value) for name, value in said.values.items()}
    return str(template % values if values else template)


def kept(text: str | None) -> str:
    """Return what a log keeps: as :func:`told` where it is a sentence of ours, else as English."""
    if not text or language_shown() == "en":
        return text or ""
    said = text if isinstance(text, Said) else recalled(text)
    return told(said) if said else Markup('<span lang="en">{}</span>').format(text)


def role(name: str) -> str:
    """Return what a role is called; those that are built in are called otherwise elsewhere."""
    return told(role_named(name))


def stamped(at: datetime) -> str:
    """Return a time (UTC) as logs have it."""
    if language_shown() == "en":
        return f"{at:%Y-%m-%d %H:%M:%S}"
    return str(format_datetime(at))


def day(at: datetime) -> str:
    """Return the day (UTC) of a time."""
    return f"{at:%Y-%m-%d}" if language_shown() == "en" else str(format_date(at))


def _told_value(value: Any) -> Any:
    if isinstance(value, Said):
        return told(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(_told_value(each)) for each in value)
    if isinstance(value, datetime):
        return f"{format_datetime(value)} UTC"
    return format_decimal(value) if isinstance(value, int) else value
