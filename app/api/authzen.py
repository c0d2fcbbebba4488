"""The decision API: the OpenID AuthZEN Authorization API 1.0, over HTTPS and JSON (§10.1).

Subjects are of type ``user``: their id is ours, or their userName in any case. Resources are of
type ``folder`` (our id, or a path that begins with ``/``) and ``account`` (the id or the name of
the caller's account). Actions are ours. What is unknown, here or because it is another account's,
is answered with a no.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Blueprint, Response, request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from app.access.decisions import Question, check, check_many, is_allowed, permissions_on
from app.access.explanation import explain
from app.access.folders import folders_where
from app.access.names import ids_of
from app.access.permissions import ACCOUNT_ACTIONS, FOLDER_ACTIONS
from app.access.powers import permissions_of
from app.access.who import who_can
from app.api.authzen_schemas import (
    SEMANTICS,
    ActionSearchSchema,
    EvaluationSchema,
    EvaluationsSchema,
    ResourceSearchSchema,
    SubjectSearchSchema,
    loaded,
)
from app.api.callers import caller, needs
from app.api.problems import problem
from app.security.requests import current_request, settings
from app.web import ReadyResponse

blueprint = Blueprint("authzen", __name__)

ASKS = "access.check"
EXPLAINED_LIMIT = 50
"""How many evaluations of one request are explained: each takes some statements."""
DEFAULT_LIMIT, LONGEST_PAGE = 100, 500
LONGEST_REQUEST_ID = 256
ACTIONS_ON = {"folder": FOLDER_ACTIONS, "account": ACCOUNT_ACTIONS}
"""Which actions there are on a resource of a type."""
ENDPOINTS = {
    "access_evaluation_endpoint": "/access/v1/evaluation",
    "access_evaluations_endpoint": "/access/v1/evaluations",
    "search_subject_endpoint": "/access/v1/search/subject",
    "search_resource_endpoint": "/access/v1/search/resource",
    "search_action_endpoint": "/access/v1/search/action",
}

Evaluation = dict[str, Any]
"""``subject``, ``action``, ``resource`` and perhaps ``context``, as their schema loads them."""
Entity = dict[str, Any]


@blueprint.get("/.well-known/authzen-configuration")
def configuration() -> Response:
    """Return the metadata (§9)."""
    base = settings().public_url
    urls = {name: f"{base}{path}" for name, path in ENDPOINTS.items()}
    answer = _json({"policy_decision_point": base, **urls})
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer


@blueprint.post("/access/v1/evaluation")
@needs(ASKS)
def evaluation() -> Response:
    """Answer one question (§6)."""
    return _json(_evaluated([_asked(EvaluationSchema)])[0])


@blueprint.post("/access/v1/evaluations")
@needs(ASKS)
def evaluations() -> Response:
    """Answer many questions (§7); without a list of them, one as :func:`evaluation` does."""
    asked = _asked(EvaluationsSchema)
    semantic = asked.pop("options", {}).get("evaluations_semantic", SEMANTICS[0])
    listed = asked.pop("evaluations", None)
    if not listed:
        return _json(_evaluated([asked])[0])
    answers = _evaluated([asked | each for each in listed], semantic)
    return _json({"evaluations": answers})


@blueprint.post("/access/v1/search/subject")
@needs(ASKS)
def search_subject() -> Response:
    """Return who may do an action on a resource (§8.4)."""

    def find(asked: dict[str, Any], after: str | None, limit: int) -> list[Entity]:
        place = _place(asked["resource"])
        action = asked["action"]["name"]
        if asked["subject"]["type"] != "user" or place is None:
            return []
        if action not in ACTIONS_ON[asked["resource"]["type"]]:
            return []
        found = who_can(caller().account_id, action, place.folder_id, after=after, limit=limit)
        return [
            {"type": "user", "id": each.user_id, "properties": {"userName": each.user_name}}
            for each in found
        ]

    return _searched(SubjectSearchSchema, "id", find)


@blueprint.post("/access/v1/search/resource")
@needs(ASKS)
def search_resource() -> Response:
    """Return the resources on which a subject may do an action (§8.5)."""

    def find(asked: dict[str, Any], after: str | None, limit: int) -> list[Entity]:
        account_id, type_ = caller().account_id, asked["resource"]["type"]
        action, user_id = asked["action"]["name"], _user_id(asked["subject"])
        if user_id is None or action not in ACTIONS_ON.get(type_, ()):
            return []
        if type_ == "folder":
            found = folders_where(account_id, user_id, action, after=after, limit=limit)
            return [
                {"type": "folder", "id": each.id, "properties": {"path": each.path}}
                for each in found
            ]
        allowed = after is None and check(account_id, user_id, action, None).allowed
        return [{"type": "account", "id": account_id}] if allowed else []

    return _searched(ResourceSearchSchema, "id", find)


@blueprint.post("/access/v1/search/action")
@needs(ASKS)
def search_action() -> Response:
    """Return the actions that a subject may do on a resource (§8.6)."""

    def find(asked: dict[str, Any], after: str | None, limit: int) -> list[Entity]:
        account_id, user_id = caller().account_id, _user_id(asked["subject"])
        place = _place(asked["resource"])
        if user_id is None or place is None:
            return []
        if place.folder_id is not None:
            names = permissions_on(account_id, user_id, place.folder_id)
        else:
            names = permissions_of(account_id, user_id) & ACCOUNT_ACTIONS
        return [{"name": name} for name in sorted(names) if name > (after or "")][:limit]

    return _searched(ActionSearchSchema, "name", find)


@blueprint.after_request
def say_which_request(response: Response) -> Response:
    """Send back the id the caller gave the request (§10.1.3)."""
    given = request.environ.get("HTTP_X_REQUEST_ID", "")
    if given.isascii() and given.isprintable() and 0 < len(given) <= LONGEST_REQUEST_ID:
        response.headers["X-Request-ID"] = given
    return response


@blueprint.errorhandler(ValidationError)
def not_as_described(error: ValidationError) -> Response:
    """Answer a request that lacks something, or has it in the wrong form (§10.1.2)."""
    detail = "The request is not as the specification describes it."
    return problem(400, "Bad Request", detail, errors=error.messages)


# -- Evaluations ------------------------------------------------------------------


def _evaluated(asked: Sequence[Evaluation], semantic: str = SEMANTICS[0]) -> list[dict[str, Any]]:
    """Return the decisions, as far as the semantic wants them."""
    if len(asked) == 1 and (allowed := _at_once(asked[0])) is not None:
        return [{"decision": allowed}]
    account_id, understood = caller().account_id, _understood(asked)
    questions = [each for each in understood if not isinstance(each, str)]
    if len(questions) == 1:
        answers = iter([check(account_id, *questions[0])])
    else:
        answers = iter(check_many(account_id, questions))
    found = []
    for evaluation, question in zip(asked, understood, strict=True):
        allowed = not isinstance(question, str) and next(answers).allowed
        found.append((evaluation, question, allowed))
        if (semantic, allowed) in (("deny_on_first_deny", False), ("permit_on_first_permit", True)):
            break
    wants = [each.get("context", {}).get("explain") is True for each, _, _ in found]
    if sum(wants) > EXPLAINED_LIMIT:
        raise BadRequest(f"At most {EXPLAINED_LIMIT} evaluations of one request are explained.")
    return [
        _decision(question, allowed, with_reason=wanted)
        for (_, question, allowed), wanted in zip(found, wants, strict=True)
    ]


def _at_once(asked: Evaluation) -> bool | None:
    """Return a decision that takes one statement; None where it takes more, or none.

    That is about a folder by its id or the account by its id, with no reason wanted.
    """
    account_id, action = caller().account_id, asked["action"]["name"]
    type_, id_ = asked["resource"]["type"], asked["resource"]["id"]
    if asked["subject"]["type"] != "user" or asked.get("context", {}).get("explain") is True:
        return None
    if action not in ACTIONS_ON.get(type_, ()):
        return None
    if type_ == "folder" and not id_.startswith("/"):
        return is_allowed(account_id, asked["subject"]["id"], action, id_)
    if type_ == "account" and id_ == account_id:
        return is_allowed(account_id, asked["subject"]["id"], action, None)
    return None


def _decision(question: Question | str, allowed: bool, *, with_reason: bool) -> dict[str, Any]:
    if not with_reason:
        return {"decision": allowed}
    if isinstance(question, str):
        return {"decision": False, "context": {"reason": question}}
    explained = explain(caller().account_id, *question)
    reason = " ".join(explained.sentences())
    return {"decision": explained.allowed, "context": {"reason": reason}}


def _understood(asked: Sequence[Evaluation]) -> list[Question | str]:
    """Return what is to be decided, or in a sentence why it is a no without asking."""
    subjects = [each["subject"]["id"] for each in asked if each["subject"]["type"] == "user"]
    by_type: dict[str, list[str]] = {"folder": [], "account": []}
    for each in asked:
        by_type.get(each["resource"]["type"], []).append(each["resource"]["id"])
    paths = [id_ for id_ in by_type["folder"] if id_.startswith("/")]
    ids = ids_of(caller().account_id, subjects, paths, by_type["account"])

    def question(each: Evaluation) -> Question | str:
        subject, action, resource = each["subject"], each["action"]["name"], each["resource"]
        if subject["type"] != "user":
            return "Subjects are of type user."
        if resource["type"] not in ACTIONS_ON:
            return "Resources are of type folder or account."
        if action not in ACTIONS_ON[resource["type"]]:
            return f"There is no such action on a resource of type {resource['type']}."
        if subject["id"] not in ids.users:
            return "There is no such user."
        if resource["type"] == "account":
            known = resource["id"] in ids.accounts
            return (ids.users[subject["id"]], action, None) if known else "No such account."
        is_path = resource["id"].startswith("/")
        folder_id = ids.folders.get(resource["id"]) if is_path else resource["id"]
        if folder_id is None:
            return "There is no such folder."
        return (ids.users[subject["id"]], action, folder_id)

    return [question(each) for each in asked]


# -- Searches ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Place:
    """Something of the caller's account: a folder, or without one the account itself."""

    folder_id: str | None


def _place(resource: Entity) -> _Place | None:
    """Return what a resource is; None for what there is not."""
    account_id, type_, id_ = caller().account_id, resource["type"], resource["id"]
    if type_ == "account":
        return _Place(None) if ids_of(account_id, [], accounts=[id_]).accounts else None
    if type_ != "folder":
        return None
    folder_id = ids_of(account_id, [], [id_]).folders.get(id_) if id_.startswith("/") else id_
    return None if folder_id is None else _Place(folder_id)


def _user_id(subject: Entity) -> str | None:
    if subject["type"] != "user":
        return None
    return ids_of(caller().account_id, [subject["id"]]).users.get(subject["id"])


def _searched(
    schema: type[Schema],
    key: str,
    find: Callable[[dict[str, Any], str | None, int], list[Entity]],
) -> Response:
    """Answer with one page (§8.2) of what is found.

    :param key: The member of a result by which they are in order.
    :param find: Returns results after a key, up to a number.
    """
    asked = _asked(schema)
    page = asked.pop("page")
    digest = _digest(asked)
    after, limit = None, min(page.get("limit", DEFAULT_LIMIT), LONGEST_PAGE)
    if page.get("token"):
        after, limit = _read_token(page["token"], digest, page.get("limit"))
    found = find(asked, after, limit + 1)
    results = found[:limit]
    token = ""
    if len(found) > limit:
        token = _token(digest, results[-1][key] if results else after, limit)
    shown = {"next_token": token, "count": len(results)}
    return _json({"page": shown, "results": results})


def _token(digest: str, after: str | None, limit: int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([digest, after, limit])).decode()


def _read_token(token: str, digest: str, limit: int | None) -> tuple[str | None, int]:
    """Return where a page begins and how long it is.

    :raises BadRequest: When it is no token of ours, or one of another search (§8.2).
    """
    try:
        of, after, length = orjson.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error):
        raise BadRequest("This page.token leads nowhere. Begin again without it.") from None
    if of != digest or (limit is not None and min(limit, LONGEST_PAGE) != length):
        raise BadRequest("This page.token is of another search. Begin again without it.")
    if not isinstance(after, str | None) or not isinstance(length, int):
        raise BadRequest("This page.token leads nowhere. Begin again without it.")
    return after, max(0, min(length, LONGEST_PAGE))


def _digest(asked: dict[str, Any]) -> str:
    """Return what tells this search from others."""
    try:
        text = orjson.dumps([request.path, asked], option=orjson.OPT_SORT_KEYS)
    except TypeError:  # It reads deeper nested documents than it writes.
        raise BadRequest("The context is nested too deep.") from None
    return hashlib.sha256(text).hexdigest()[:32]


# -- JSON -------------------------------------------------------------------------


def _asked(schema: type[Schema]) -> dict[str, Any]:
    """Return the body as a schema loads it.

    :raises UnsupportedMediaType: When it is not said to be JSON.
    :raises BadRequest: When it is not JSON.
    :raises ValidationError: When it is not as the schema says.
    """
    asked = current_request()
    if asked.content_type != "application/json" and not asked.is_json:
        raise UnsupportedMediaType("Send the request as application/json.")
    try:
        document = orjson.loads(asked.body())
    except ValueError:
        raise BadRequest("The body is not JSON.") from None
    return loaded(schema, document)


def _json(document: dict[str, Any]) -> Response:
    return ReadyResponse(orjson.dumps(document), {}, "application/json")
