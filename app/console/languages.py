"""In which language a page is written: what the person chose, or what their browser asks for."""

from __future__ import annotations

from flask import Flask, request
from flask_babel import Babel, get_locale
from werkzeug.wrappers import Response

from app.security.requests import settings

LANGUAGES = {"en": "English", "de": "Deutsch"}
"""Those that are complete (a test compares), by code."""
COOKIE = "gatehouse_language"
_YEAR = 365 * 24 * 3600


def init_languages(app: Flask) -> None:
    """Let templates and views translate (``_``), and know the language."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "console/translations"
    Babel(app, locale_selector=language)
    app.jinja_env.globals.update(languages=LANGUAGES, language_shown=language_shown)


def language() -> str:
    """Return the language of this request, of ``LANGUAGES``."""
    chosen = request.cookies.get(COOKIE, "")
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES) or "en"


def language_shown() -> str:
    """Return the language for ``<html lang>``."""
    return str(get_locale() or "en")


def choose(chosen: str, answer: Response) -> Response:
    """Keep the language somebody chose in their browser.

    :param chosen: Of ``LANGUAGES``.
    """
    answer.set_cookie(
        COOKIE, chosen, max_age=_YEAR, secure=settings().https, httponly=True, samesite="Lax"
    )
    return answer
