"""The description of the API, for programs (OpenAPI 3.1) and for people to browse."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from flask import Blueprint, Flask, Response, render_template
from flask_smorest import Api

from app.api.v1 import whole

blueprint = Blueprint("openapi", __name__, template_folder="templates")

DESCRIPTION = """\
Everything an administrator does, for programs.

Send a token of the API (`gatehouse token create ACCOUNT --api …`) as `Authorization: Bearer …`.
Its scopes are actions, such as `user.view`; each operation says which it needs. Nobody can give
more than they hold.
"""
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "object"},
    },
}
PROBLEMS = {
    "400": "The request cannot be read.",
    "401": "Nobody we know asks.",
    "403": "The caller may not do this.",
    "404": "There is no such thing in this account.",
    "409": "It does not go with what is there.",
    "412": "It has been changed since (If-Match).",
    "413": "The body is too large.",
    "415": "The body is not application/json.",
    "422": "The request is not as described.",
    "429": "Too many requests.",
    "503": "Try again after the seconds of Retry-After.",
}


@cache
def document() -> dict[str, Any]:
    """Return the description. Made when it is asked for first: it takes a while."""
    app = Flask("description")
    app.config.update(API_TITLE="Gatehouse", API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    api = _Described(app, spec_kwargs={"info": {"description": DESCRIPTION}})
    api.register_blueprint(whole())
    described: dict[str, Any] = api.spec.to_dict()
    described["security"] = [{"token": []}]
    components = described["components"]
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    components["schemas"]["Problem"] = PROBLEM
    components["responses"] = {
        f"Problem{status}": {
            "description": text,
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
        for status, text in PROBLEMS.items()
    }
    for path in described["paths"].values():
        for method, operation in path.items():
            if method != "parameters":
                _add_problems(operation)
    return described


class _Described(Api):
    """An API that is described and answers nothing."""

    def _register_error_handlers(self) -> None:
        """Register none: ours are those of the application."""


def _add_problems(operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    answers.pop("default", None)
    for status in PROBLEMS:
        answers[status] = {"$ref": f"#/components/responses/Problem{status}"}


@blueprint.get("/api/openapi.json")
def as_json() -> Response:
    """Return the description as a document."""
    return Response(orjson.dumps(document()), content_type="application/json")


@blueprint.get("/api/docs")
def as_page() -> str:
    """Return the description as a page."""
    return render_template("api/docs.html", api=document())
