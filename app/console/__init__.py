"""The web console: pages for people, rendered on the server."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

from flask import Flask, request
from flask_babel import format_timedelta
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from app.console.languages import init_languages
from app.console.navigation import menu_for
from app.console.pages import visitor
from app.console.telling import init_telling
from app.security.requests import current_request
from app.store.types import now

WITHOUT_FORMS = frozenset(
    {"scim", "saml", "saml_logout", "oauth", "forward_auth", "v1", "authzen", "events"}
)
"""Blueprints whose requests prove themselves (a token, a signed assertion, a client secret),
which change nothing whatever the method, or which check themselves (``app.api.callers``)."""

PAGES = (
    "routes",
    "passwords",
    "second_factor",
    "applications",
    "own_factors",
    "own_sessions",
    "own_password",
    "me",
    "finder",
    "people",
    "imports",
    "drift",
    "giving",
    "one_person",
    "person_profile",
    "groups",
    "one_group",
    "folders",
    "one_folder",
    "matrix",
    "reviews",
    "roles",
    "mappings",
    "guide",
    "connections",
    "one_connection",
    "saml_options",
    "saml_metadata",
    "saml_keys",
    "saml_tester",
    "failed_sign_ins",
    "provisioning",
    "domains",
    "policy",
    "addresses",
    "tokens",
    "clients",
    "streams",
    "trash",
    "audit",
    "activity",
)
"""The modules of this package with pages: each has its ``blueprint``."""


def init_console(app: Flask) -> None:
    """Add the console to the application, and the check of forged forms to every other face."""
    app.static_url_path = "/static"  # Bootstrap-Flask puts its own under /bootstrap/static.
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)
    init_languages(app)
    init_telling(app)
    _help_templates(app)
    _refuse_forged_forms(app)
    for name in PAGES:
        app.register_blueprint(import_module(f"{__name__}.{name}").blueprint)


def _help_templates(app: Flask) -> None:
    app.jinja_env.globals.update(
        visitor=visitor, menu_for=menu_for, in_words=in_words, days_until=days_until, here=here
    )


def in_words(at: datetime) -> str:
    """Return how long ago a time is, or how far ahead, in the language of the page."""
    words: str = format_timedelta(at - now(), add_direction=True)
    return words


def days_until(at: datetime) -> int:
    """Return how many whole days are left until a time; less than none: it is over."""
    return (at - now()).days


def here(**changes: Any) -> str:
    """Return the address of this page with some of its query changed; None takes one away."""
    query = request.args.to_dict() | changes
    kept = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{request.path}?{urlencode(kept)}" if kept else request.path


def _refuse_forged_forms(app: Flask) -> None:
    """Refuse what another site may have sent, wherever it is not told that this cannot harm."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # It could only exempt what is registered by now.
    csrf = CSRFProtect(app)

    @app.before_request
    def check() -> None:
        asked = current_request()
        if asked.url_rule and WITHOUT_FORMS.isdisjoint(asked.blueprints):
            csrf.protect()
