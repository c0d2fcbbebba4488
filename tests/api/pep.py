"""An application that asks for decisions, for the tests (a policy enforcement point)."""

from __future__ import annotations

import orjson

from tests.api.v1.client import forget_the_last_request

EVALUATION, EVALUATIONS = "/access/v1/evaluation", "/access/v1/evaluations"
SEARCHES = [f"/access/v1/search/{kind}" for kind in ("subject", "resource", "action")]
ENDPOINTS = [EVALUATION, EVALUATIONS, *SEARCHES]


class Pep:
    """Asks with a token."""

    def __init__(self, app, token: str | None) -> None:
        self.client, self.token = app.test_client(), token

    def post(self, path: str, body, **headers: str):
        forget_the_last_request()
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            path, data=data, headers={"Content-Type": "application/json"} | headers
        )

    def ask(self, user: str, action: str, resource: dict, **context) -> dict:
        body = a_question(user, action, resource) | {"context": context}
        answer = self.post(EVALUATION, body)
        assert (answer.status_code, answer.content_type) == (200, "application/json")
        return answer.json

    def may(self, user: str, action: str, resource: dict) -> bool:
        answer = self.ask(user, action, resource)
        assert answer.keys() == {"decision"}
        return answer["decision"]

    def all(self, path: str, body: dict, limit: int = 2) -> list[dict]:
        """All results of a search, page by page."""
        found, page = [], {"limit": limit}
        while True:
            answer = self.post(path, body | {"page": page})
            assert answer.status_code == 200
            assert answer.json["page"]["count"] == len(answer.json["results"]) <= limit
            found += answer.json["results"]
            token = answer.json["page"]["next_token"]
            if not token:
                return found
            page = {"limit": limit, "token": token}


def user(id_: str) -> dict:
    return {"type": "user", "id": id_}


def folder(id_: str) -> dict:
    return {"type": "folder", "id": id_}


def account_of(id_: str) -> dict:
    return {"type": "account", "id": id_}


def a_question(who: str, action: str, resource: dict) -> dict:
    return {"subject": user(who), "action": {"name": action}, "resource": resource}
