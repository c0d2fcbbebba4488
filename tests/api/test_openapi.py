"""The description of the API is complete, and what people browse is the same."""

from __future__ import annotations

from lxml import html

from app.access.permissions import ACTIONS
from app.api.openapi import METHODS, document


def operations():
    for path, item in document()["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def test_it_is_served(app):
    answer = app.test_client().get("/api/openapi.json")
    assert answer.json["openapi"] == "3.1.0"
    assert "/api/v1/users/{user_id}" in answer.json["paths"]


def test_every_operation_says_what_it_does_and_needs():
    for path, method, operation in operations():
        assert operation["summary"], (method, path)
        assert operation.get("x-needs") in ACTIONS | {None}
        assert {"401", "403", "404", "422"} <= operation["responses"].keys()


def test_every_member_of_an_answer_is_always_there():
    """Clients need not ask whether it is: what is not known is null."""
    schemas = document()["components"]["schemas"]
    for _, _, operation in operations():
        for status, answer in operation["responses"].items():
            if status.startswith("2") and "content" in answer:
                name = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                schema = schemas[name]
                assert set(schema["properties"]) == set(schema.get("required", ())), name


def test_the_page_shows_every_operation(app):
    answer = app.test_client().get("/api/docs")
    page = html.fromstring(answer.text)
    shown = {
        (each.xpath("string(.//code)"), each.xpath("string(.//span)").lower())
        for each in page.xpath("//details/summary")
    }
    assert shown == {(path, method) for path, method, _ in operations()}
    assert "script-src" not in answer.headers["Content-Security-Policy"]


def test_every_operation_stands_in_its_part():
    names = {tag["name"] for tag in document()["tags"]}
    for _, _, operation in operations():
        assert len(operation["tags"]) == 1 and set(operation["tags"]) <= names
    assert {tag for *_, each in operations() for tag in each["tags"]} == names


DECIDE_THEMSELVES = {
    ("get", "/api/v1/me"),
    ("get", "/api/v1/permissions"),
    ("get", "/api/v1/me/access"),
    ("get", "/api/v1/trash"),
    ("post", "/api/v1/trash/{tombstone_id}/restore"),
    ("get", "/api/v1/reviews"),
    ("get", "/api/v1/reviews/{review_id}"),
    ("get", "/api/v1/reviews/{review_id}/items"),
    ("post", "/api/v1/reviews/{review_id}/decisions"),
}
"""Operations about oneself, about nobody, that need one of several permissions, or that reviewers
may do."""


def test_every_operation_needs_a_permission_or_asks_by_folder():
    for path, method, operation in operations():
        if (method, path) in DECIDE_THEMSELVES or "/folders" in path or "/grants" in path:
            continue
        assert operation.get("x-needs") in ACTIONS, (method, path)
