"""The web console: pages for people, rendered on the server."""

from __future__ import annotations

from flask import Flask, request
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from app.console.applications import blueprint as applications
from app.console.own_factors import blueprint as own_factors
from app.console.own_sessions import blueprint as own_sessions
from app.console.passwords import blueprint as passwords
from app.console.routes import blueprint
from app.console.second_factor import blueprint as second_factor

WITHOUT_FORMS = frozenset({"scim", "saml", "saml_logout", "oauth", "forward_auth", "v1", "authzen"})
"""Blueprints whose requests prove themselves (a token, a signed assertion, a client secret),
which change nothing whatever the method, or which check themselves (``app.api.callers``)."""


def init_console(app: Flask) -> None:
    """Add the console to the application, and the check of forged forms to every other face."""
    app.static_url_path = "/static"  # Bootstrap-Flask puts its own under /bootstrap/static.
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)
    _refuse_forged_forms(app)
    for each in (blueprint, own_sessions, own_factors, second_factor, applications, passwords):
        app.register_blueprint(each)


def _refuse_forged_forms(app: Flask) -> None:
    """Refuse what another site may have sent, wherever it is not told that this cannot harm."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # It could only exempt what is registered by now.
    csrf = CSRFProtect(app)

    @app.before_request
    def check() -> None:
        if request.endpoint and WITHOUT_FORMS.isdisjoint(request.blueprints):
            csrf.protect()
