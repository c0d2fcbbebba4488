"""Replays a conversation of ``idp-fixtures/scim`` against a running server.

``idp-fixtures/README.md`` explains the form of a conversation.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import requests
from urllib3.util import SKIP_HEADER

Json = dict[str, Any]

TIMEOUT_SECONDS = 10
PARTS_OF_STEP = {"name", "sign_in", "request", "save", "expect", "store"}
_VARIABLE = re.compile(r"\{\{([^{}]+)\}\}")
_DEFAULT_HEADERS = ("User-Agent", "Accept-Encoding")
"""What the HTTP library sends of its own accord, unless told not to."""


class Anything:
    """Stands for ``{{any}}``: a value that is there, whatever it is."""

    def __repr__(self) -> str:
        return "{{any}}"


@dataclass(frozen=True)
class Conversation:
    """What one client sends, from the connection test to the last removal."""

    file: str
    client: str
    headers: dict[str, str]
    steps: list[Json]


class Directory(Protocol):
    """What a replay needs to know of the directory behind the server."""

    def state(self) -> Json:
        """Return all that is stored of the account now.

        ``users``: SCIM attributes by userName. ``groups``: userNames of the members by
        displayName. ``signed_in``: userNames of those whose session still works.
        """

    def sign_in(self, user_name: str) -> None:
        """Open a session for a user."""


def load(path: Path) -> Conversation:
    """Read a conversation.

    :raises ValueError: When it has parts that no replay would look at.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    for step in content["steps"]:
        unknown = step.keys() - PARTS_OF_STEP
        if unknown:
            raise ValueError(f"{path.name}: {step['name']}: unknown parts {sorted(unknown)}")
    return Conversation(path.name, content["client"], content["headers"], content["steps"])


def replay(conversation: Conversation, base: str, token: str, directory: Directory) -> None:
    """Send every step and compare what is answered and what is stored after it.

    :param base: The SCIM root, without a slash at its end.
    :raises AssertionError: At the first step that differs. The message names the file, the step
        and each difference.
    """
    __tracebackhide__ = True
    known: Json = {"base": base, "any": Anything()}
    stored: Json = {"users": {}, "groups": {}, "signed_in": []}
    with requests.Session() as http:
        http.trust_env = False  # no proxy, and no password of somebody's .netrc
        http.headers.clear()
        http.headers.update(dict.fromkeys(_DEFAULT_HEADERS, SKIP_HEADER))
        http.headers.update(conversation.headers | {"Authorization": f"Bearer {token}"})
        for number, step in enumerate(conversation.steps, 1):
            found = _perform(http, base, step, known, directory)
            stored = merged(stored, filled(step.get("store", {}), known))
            found += store_differences(stored, directory.state())
            where = f"{conversation.file}, step {number}: {step['name']}"
            assert not found, "\n  ".join([where, *found])


def _perform(
    http: requests.Session, base: str, step: Json, known: Json, directory: Directory
) -> list[str]:
    """Do what a step says and return how the answer differs from what it expects."""
    if "sign_in" in step:
        directory.sign_in(step["sign_in"])
    if "request" not in step:
        return []
    answer = _send(http, base, filled(step["request"], known))
    body = answer.json() if answer.content else None
    if "save" in step:
        known[step["save"]] = body
    found = _general_differences(answer, body)
    found += differences(filled(step["expect"], known), _seen(answer, body), "answer")
    if found:
        found.append(f"it answered {answer.status_code} {answer.text[:2000]}")
    return found


def _send(http: requests.Session, base: str, request: Json) -> requests.Response:
    body = request.get("body")
    return http.request(
        request["method"],
        base + request["path"],
        headers=request.get("headers"),
        data=None if body is None else json.dumps(body).encode(),
        timeout=TIMEOUT_SECONDS,
        allow_redirects=False,
    )


def _seen(answer: requests.Response, body: Any) -> Json:
    return {"status": answer.status_code, "body": body}


def _general_differences(answer: requests.Response, body: Any) -> list[str]:
    """Return what no answer of SCIM may lack, whatever was asked (RFC 7644 §3.1, §3.3)."""
    found = []
    content_type = answer.headers.get("Content-Type", "")
    if body is not None and not content_type.startswith("application/scim+json"):
        found.append(f"answer: the Content-Type is {content_type!r}")
    if answer.status_code == 201 and answer.headers.get("Location") != body["meta"]["location"]:
        found.append("answer: the Location is not that of the body")
    return found


# -- Variables ------------------------------------------------------------


def filled(value: Any, known: Json) -> Any:
    """Put what is known in the place of ``{{name.attribute}}``, at every level.

    A text that is one variable and nothing else becomes its value, of whatever type.
    """
    if isinstance(value, dict):
        return {key: filled(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, known) for item in value]
    if not isinstance(value, str):
        return value
    whole = _VARIABLE.fullmatch(value)
    if whole:
        return _looked_up(whole[1], known)
    return _VARIABLE.sub(lambda match: str(_looked_up(match[1], known)), value)


def _looked_up(path: str, known: Json) -> Any:
    found: Any = known
    for part in path.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return found


# -- Comparing ------------------------------------------------------------


def differences(expected: Any, found: Any, where: str) -> list[str]:
    """Return how a value differs from what is expected, one line for each difference.

    An object must have the keys that are expected, and may have more; null expects that there
    is nothing; a list must have exactly these items in this order, unless it is expected as
    ``{"{{some}}": [...]}``: then each of these must be in it. Types count: 1 is not true.
    """
    if isinstance(expected, Anything):
        return [f"{where}: there is none"] if found is None else []
    if isinstance(expected, dict) and "{{some}}" in expected:
        return _missing(expected["{{some}}"], found, where)
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            line
            for key, item in expected.items()
            for line in differences(item, found.get(key), f"{where}.{key}")
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            line
            for index, (item, other) in enumerate(zip(expected, found, strict=True))
            for line in differences(item, other, f"{where}[{index}]")
        ]
    if type(expected) is type(found) and expected == found:
        return []
    return [f"{where}: expected {_shown(expected)}, found {_shown(found)}"]


def _missing(expected: list[Any], found: Any, where: str) -> list[str]:
    items = found if isinstance(found, list) else []
    return [
        f"{where}: {_shown(item)} is not among {_shown(found)}"
        for item in expected
        if all(differences(item, other, "") for other in items)
    ]


def store_differences(expected: Json, found: Json) -> list[str]:
    """Return how the directory differs: exactly these users and groups must be there.

    A user or group that is expected as null must be gone.
    """
    users = {name: item for name, item in expected["users"].items() if item is not None}
    groups = {name: sorted(item) for name, item in expected["groups"].items() if item is not None}
    members = {name: sorted(item) for name, item in found["groups"].items()}
    return [
        *differences(sorted(users), sorted(found["users"]), "store: the users"),
        *differences(users, found["users"], "store.users"),
        *differences(sorted(groups), sorted(members), "store: the groups"),
        *differences(groups, members, "store.groups"),
        *differences(
            sorted(expected["signed_in"]), sorted(found["signed_in"]), "store: those signed in"
        ),
    ]


def merged(before: Any, change: Any) -> Any:
    """Return what holds after a change: objects grow key by key, all else is replaced."""
    if not isinstance(before, dict) or not isinstance(change, dict):
        return change
    return before | {key: merged(before.get(key), item) for key, item in change.items()}


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=repr)
