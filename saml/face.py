"""The addresses of SAML. What answers them is loaded when the first is asked for.

It brings a sixth of a process's memory along, which one without SAML can do without.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from flask import Blueprint, Response

sign_in = Blueprint(
    "saml", __name__, url_prefix="/saml", template_folder="templates", static_folder="static"
)
logout = Blueprint("saml_logout", __name__, url_prefix="/saml")


def _add(blueprint: Blueprint, path: str, view: str, *methods: str) -> None:
    """Answer an address by a function of a module of this package.

    :param view: ``module.function``; the endpoint has the function's name.
    """
    module, _, name = view.partition(".")

    def answer(connection_id: str) -> Response:
        function: Callable[[str], Response] = getattr(import_module(f"saml.{module}"), name)
        return function(connection_id)

    blueprint.add_url_rule(f"/<connection_id>/{path}", name, answer, methods=methods or ("GET",))


_add(sign_in, "metadata", "routes.metadata")
_add(sign_in, "login", "routes.login")
_add(sign_in, "acs", "routes.acs", "POST")
_add(logout, "logout", "logout_routes.end_at_provider")
_add(logout, "slo", "logout_routes.slo", "GET", "POST")
