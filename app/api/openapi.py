"""The description of the API, for programs (OpenAPI 3.1) and for people to browse."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from flask import Blueprint, Flask, Response, render_template
from flask_smorest import Api

from app.api.v1 import parts, whole

blueprint = Blueprint("openapi", __name__, template_folder="templates")

METHODS = ("get", "post", "put", "patch", "delete")
DESCRIPTION = """\
Everything an administrator does, for programs.

Send a token of the API as `Authorization: Bearer …`. Its scopes are actions, such as `user.view`;
each operation says which it needs. Nobody can give more than they hold.

Lists come in pages: `next` is the `cursor` of the following one. A write takes `If-Match` with the
`ETag` of what was read, and is refused (412) where that has changed since. A POST with an
`Idempotency-Key` is done once, however often it is sent within a day.
"""
DRY_RUN = "With the header `Prefer: dry-run` it tells what it would change, and changes nothing."
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
    "411": "The length of a body that is a file is not stated (Content-Length).",
    "412": "It has been changed since (If-Match).",
    "413": "The body is too large.",
    "415": "The body is of a type that is not described.",
    "422": "The request is not as described.",
    "429": "Too many requests.",
    "503": "Try again after the seconds of Retry-After.",
    "507": "The server has no room for the file that was sent.",
}


class _Described(Api):
    """An API that is described and answers nothing."""

    def _register_error_handlers(self) -> None:
        """Register none: ours are those of the application."""


@cache
def document() -> dict[str, Any]:
    """Return the description. Made when it is asked for first: it takes a while."""
    app = Flask("description")
    app.config.update(API_TITLE="Gatehouse", API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    api = _Described(app, spec_kwargs={"info": {"description": DESCRIPTION}})
    api.register_blueprint(whole())
    described: dict[str, Any] = api.spec.to_dict()
    described["security"] = [{"token": []}]
    described["tags"] = [{"name": part.name, "description": part.description} for part in parts()]
    _add_components(described["components"])
    for rule in app.url_map.iter_rules():
        path = described["paths"].get(rule.rule.replace("<", "{").replace(">", "}"), {})
        for method in path.keys() & {each.lower() for each in rule.methods or ()}:
            _complete(path[method], app.view_functions[rule.endpoint])
    return described


def _add_components(components: dict[str, Any]) -> None:
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    for unused in ("Error", "PaginationMetadata"):
        components["schemas"].pop(unused, None)
    components["schemas"]["Problem"] = PROBLEM
    shown = {"schema": {"$ref": "#/components/schemas/Problem"}}
    components["responses"] = {
        f"Problem{status}": {"description": text, "content": {"application/problem+json": shown}}
        for status, text in PROBLEMS.items()
    }


def _complete(operation: dict[str, Any], view: Any) -> None:
    """Add what an operation needs, and the problems it may answer with."""
    needs = getattr(view, "needs", None)
    said = [operation.get("description", "")]
    if needs:
        operation["x-needs"] = needs
        said.append(f"Needs `{needs}`.")
    if getattr(view, "previewable", False):
        said.append(DRY_RUN)
    operation["description"] = "\n\n".join(filter(None, said))
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
    described = document()
    shown = [(tag, list(_operations(described, tag["name"]))) for tag in described["tags"]]
    return render_template("api/docs.html", about=DESCRIPTION, parts=shown)


def _operations(described: dict[str, Any], tag: str) -> Any:
    """Return the operations of one part, as the page shows them."""
    schemas = described["components"]["schemas"]
    for path, item in described["paths"].items():
        for method in METHODS:
            operation = item.get(method)
            if operation is None or tag not in operation.get("tags", ()):
                continue
            given = [*item.get("parameters", ()), *operation.get("parameters", ())]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            yield {
                "method": method.upper(),
                "path": path,
                "anchor": f"{method}{path}".replace("/", "-"),
                "summary": operation.get("summary", ""),
                "description": operation["description"],
                "parameters": [_member(each["name"], each, each["schema"]) for each in given],
                "body": _members(body["schema"], schemas) if body else [],
                "answer": _answer(operation["responses"], schemas),
            }


def _answer(answers: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return what an operation answers with when it does what it is asked."""
    status = min(each for each in answers if each.startswith("2"))
    shown = answers[status].get("content", {}).get("application/json")
    return {"status": status, "members": _members(shown["schema"], schemas) if shown else []}


def _members(schema: dict[str, Any], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the members of an object; those of a page are those of its items."""
    schema = _resolved(schema, schemas)
    items = schema.get("properties", {}).get("items")
    if items is not None:
        schema = _resolved(items["items"], schemas)
    required = schema.get("required", ())
    return [
        _member(name, {"required": name in required}, _resolved(each, schemas))
        for name, each in schema.get("properties", {}).items()
    ]


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    found: dict[str, Any] = schemas[reference.rpartition("/")[2]] if reference else schema
    return found


def _member(name: str, described: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    types = schema.get("type", "object")
    return {
        "name": name,
        "type": " or ".join(types) if isinstance(types, list) else types,
        "format": schema.get("format", ""),
        "values": [each for each in schema.get("enum", ()) if each is not None],
        "required": described.get("required", False),
        "description": described.get("description") or schema.get("description", ""),
    }
