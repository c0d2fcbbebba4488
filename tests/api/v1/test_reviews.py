"""``/api/v1/reviews``."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.access.permissions import ACTIONS
from app.directory.reviews import due, export
from app.directory.reviews.start import REVIEWERS_LIMIT
from app.security.signing_keys import public_key
from app.store.models import Grant, Review, ReviewItem
from app.store.types import now
from tests.api.v1.client import Api, an_api_token, signed_in
from tests.factories import a_folder, a_grant, a_group, a_review, a_user, an_account
from tests.inspection import audit, fingerprint, row, rows, rows_of

DUE = (now() + timedelta(days=7)).isoformat()
ROLES = {"name": "Autumn", "what": "account_roles", "due_at": DUE}


@pytest.fixture
def brand(account) -> str:
    """A folder that ada, bob and cyd see."""
    folder = a_folder(account, "Brand")
    for name in ("ada", "bob", "cyd"):
        a_grant(account, a_user(account, name), "viewer", folder)
    return folder


def of_folder(folder: str, **more) -> dict:
    return ROLES | {"what": "folder", "target_id": folder} | more


def items_of(api: Api, path: str, query: str = "") -> dict[str, str]:
    """The ids of the items of a review, by who holds them."""
    return {each["holder"]["name"]: each["id"] for each in api.all(f"{path}/items?{query}")}


def test_a_review_is_begun_decided_ended_and_exported(account, api, brand):
    eve = a_user(account, "eve")
    begun = api.post("/reviews", of_folder(brand, undecided="revoke", reviewers=[eve]))
    assert begun.status_code == 201
    path = begun.headers["Location"].removeprefix("/api/v1")
    shown = api.get(path).json
    assert shown == begun.json
    assert shown["target"] == {"id": brand, "name": "Brand"}
    assert shown["reviewers"] == [{"id": eve, "name": "eve"}]
    assert (shown["state"], shown["counts"]) == ("open", {"open": 3, "keep": 0, "revoke": 0})
    assert shown["over"] is False
    there = items_of(api, path)
    assert list(there) == ["ada", "bob", "cyd"]
    kept = {"items": [there["ada"]], "decision": "keep"}
    assert api.post(f"{path}/decisions", kept).json == {"decided": 1}
    revoked = {"items": [there["bob"], "none"], "decision": "revoke", "comment": "left"}
    assert api.post(f"{path}/decisions", revoked).json == {"decided": 1}
    assert len(rows(Grant, folder_id=brand)) == 2
    (item,) = api.all(f"{path}/items?state=revoke")
    assert (item["holder"]["name"], item["outcome"], item["comment"]) == ("bob", "revoked", "left")
    assert item["folder"] == {"id": brand, "path": "/Brand"} and item["role"]["id"] == "viewer"
    assert (item["decided_by"], item["decided_by_id"]) == ("tests", None)
    assert list(items_of(api, path, "prefix=C")) == ["cyd"]
    assert list(items_of(api, path, "state=keep&prefix=c")) == []
    ended = api.post(f"{path}/end")
    assert ended.status_code == 201 and (ended.json["state"], ended.json["over"]) == ("open", True)
    due.close_due()
    shown = api.get(path).json
    assert (shown["state"], shown["counts"]["revoke"]) == ("closed", 2) and shown["closed_at"]
    assert (shown["outcomes"]["kept"], shown["outcomes"]["revoked"]) == (1, 2)
    assert shown["due_at"] == begun.json["due_at"]
    assert shown["ended_at"] and shown["ended_by"] == "tests"
    assert api.post(f"{path}/end").status_code == 404
    assert api.post(f"{path}/decisions", kept).status_code == 422
    answer = api.get(f"{path}/export")
    assert answer.headers["Content-Disposition"] == "attachment; filename=review.jsonl"
    claims = export.verify(answer.get_data().splitlines(keepends=True), public_key)
    assert (claims["review"], claims["lines"]) == (shown["id"], 4)
    assert [each.surface for each in audit(account, "review.started", "review.exported")] == [
        *("api", "api")
    ]


def test_of_what_it_may_be(account, api):
    group = a_group(account, "Designers", members=[a_user(account, "ada")])
    a_grant(account, group, "reports")
    of_group = api.post("/reviews", ROLES | {"what": "group", "target_id": group}).json
    (item,) = api.all(f"/reviews/{of_group['id']}/items")
    assert (item["kind"], item["role"], item["folder"]) == ("membership", None, None)
    of_role = api.post("/reviews", ROLES | {"what": "role", "target_id": "reports"}).json
    (item,) = api.all(f"/reviews/{of_role['id']}/items")
    assert item["holder"] == {"type": "group", "id": group, "name": "Designers"}
    of_all = api.post("/reviews", ROLES).json
    assert of_all["target"] is None and of_all["item_count"] == 1
    listed = [each["id"] for each in api.all("/reviews")]
    assert listed == [of_all["id"], of_role["id"], of_group["id"]]


def test_a_reviewer_without_rights_sees_and_decides_what_others_hold_in_their_own(
    app, account, api, brand
):
    eve = a_user(account, "eve")
    a_grant(account, eve, "viewer", brand)
    own = a_review(account, "folder", brand, reviewers=[eve])
    others = a_review(account, "folder", brand)
    by_eve = signed_in(app, account, eve)
    assert [each["id"] for each in by_eve.all("/reviews")] == [own]
    assert by_eve.get(f"/reviews/{own}").json["item_count"] == 4
    there = items_of(by_eve, f"/reviews/{own}")
    assert list(there) == ["ada", "bob", "cyd"]
    decision = {"items": [there["cyd"]], "decision": "revoke"}
    assert by_eve.post(f"/reviews/{own}/decisions", decision).json == {"decided": 1}
    assert row(ReviewItem, review_id=own, holder_name="cyd").decided_by_id == eve
    before = fingerprint()
    hers = {"items": [items_of(api, f"/reviews/{own}")["eve"]], "decision": "keep"}
    assert by_eve.post(f"/reviews/{own}/decisions", hers).status_code == 403
    for rest in ("", "/items"):
        assert by_eve.get(f"/reviews/{others}{rest}").status_code == 404
    assert by_eve.post(f"/reviews/{others}/decisions", decision).status_code == 404
    for review in (own, others):
        assert by_eve.post(f"/reviews/{review}/end").status_code == 403
        assert by_eve.get(f"/reviews/{review}/export").status_code == 403
    assert by_eve.post("/reviews", of_folder(brand)).status_code == 403
    assert fingerprint() == before
    a_grant(account, eve, "admin")
    assert {each["id"] for each in by_eve.all("/reviews")} == {own, others}


def test_a_program_needs_the_permission(app, account, brand):
    review = a_review(account, "folder", brand)
    item = row(ReviewItem, review_id=review, holder_name="ada").id
    program = Api(app, an_api_token(account, ACTIONS - {"role.assign"}))
    before = fingerprint()
    for rest in ("", f"/{review}", f"/{review}/items", f"/{review}/export"):
        assert program.get(f"/reviews{rest}").status_code == 403
    decision = {"items": [item], "decision": "revoke"}
    for rest, body in (("", of_folder(brand)), ("/decisions", decision), ("/end", {})):
        path = f"/reviews/{review}{rest}" if rest else "/reviews"
        assert program.post(path, body).status_code == 403
    assert fingerprint() == before


def test_a_program_takes_nothing_back_by_a_review_that_it_could_not_without(app, account, brand):
    path = f"/reviews/{a_review(account, 'folder', brand, undecided='revoke')}"
    item = row(ReviewItem, holder_name="ada").id
    program = Api(app, an_api_token(account, {"role.assign"}))
    before = fingerprint()
    assert program.delete(f"/grants/{item}").status_code == 403
    for rest, body in (("decisions", {"items": [item], "decision": "revoke"}), ("end", {})):
        answer = program.post(f"{path}/{rest}", body)
        assert answer.status_code == 403 and "asset.view" in answer.json["detail"]
    assert fingerprint() == before


def test_nobody_begins_one_of_what_they_could_not_take_back(app, account, api):
    a_grant(account, a_user(account), "master_admin")
    program = Api(app, an_api_token(account, {"role.assign", "user.manage"}))
    answer = program.post("/reviews", ROLES)
    assert answer.status_code == 403 and "billing.manage" in answer.json["detail"]
    assert rows(Review) == [] and api.post("/reviews", ROLES).status_code == 201


def test_things_of_another_account_are_not_there(account, api, brand):
    theirs = an_account("Theirs")
    folder = a_folder(theirs)
    a_grant(theirs, a_user(theirs), "viewer", folder)
    user, review = a_user(theirs), a_review(theirs, "folder", folder)
    own = a_review(account, "folder", brand)
    item = row(ReviewItem, review_id=review).id
    before = rows_of(theirs)
    assert api.post("/reviews", of_folder(folder)).status_code == 404
    assert api.post("/reviews", of_folder(brand, reviewers=[user])).status_code == 404
    decision = {"items": [item], "decision": "revoke"}
    assert api.post(f"/reviews/{review}/decisions", decision).status_code == 404
    assert api.post(f"/reviews/{own}/decisions", decision).json == {"decided": 0}
    assert [each["id"] for each in api.all("/reviews")] == [own]
    assert rows_of(theirs) == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        ROLES | {"name": ""},
        ROLES | {"name": "\0"},
        ROLES | {"name": "\ud800"},
        ROLES | {"what": "users"},
        ROLES | {"target_id": "reports"},
        ROLES | {"what": "role"},
        ROLES | {"what": "role", "target_id": "contributor"},
        ROLES | {"due_at": "2001-01-01T00:00:00Z"},
        ROLES | {"due_at": "9999-12-31T23:59:59-12:00"},
        ROLES | {"due_at": (now() + timedelta(days=500)).isoformat()},
        ROLES | {"undecided": "ask"},
        ROLES | {"reviewers": ["x"] * (REVIEWERS_LIMIT + 1)},
        ROLES | {"more": 1},
    ],
)
def test_what_cannot_be_is_refused(account, api, body):
    a_grant(account, a_user(account), "reports")
    assert api.post("/reviews", body).status_code == 422
    assert rows(Review) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": [], "decision": "keep"},
        {"items": ["x"] * 501, "decision": "keep"},
        {"items": ["x"], "decision": "perhaps"},
        {"items": ["x"], "decision": "keep", "comment": "x" * 1025},
        {"items": ["x"], "decision": "keep", "comment": "\0"},
        {"items": [None], "decision": "keep"},
    ],
)
def test_what_is_no_decision_is_refused(account, api, body):
    review = a_review(account)
    assert api.post(f"/reviews/{review}/decisions", body).status_code == 422
    assert row(ReviewItem).decision is None


def test_lists_refuse_what_they_do_not_know(account, api):
    path = f"/reviews/{a_review(account)}/items"
    for query in ("state=gone", "prefix=", "limit=0", "cursor=x", "own=1"):
        assert api.get(f"{path}?{query}").status_code == 422
    assert api.get(f"{path}?prefix=%00").json["items"] == []


def test_a_dry_run_says_who_would_lose_what_and_decides_nothing(account, api, brand):
    seen = api.post("/reviews", of_folder(brand), Prefer="dry-run").json
    assert (seen["status"], seen["answer"]["item_count"]) == (201, 3)
    assert [each["action"] for each in seen["changes"]] == ["review.started"]
    assert rows(Review) == []
    path = f"/reviews/{a_review(account, 'folder', brand)}"
    before = fingerprint()
    decision = {"items": [items_of(api, path)["bob"]], "decision": "revoke"}
    seen = api.post(f"{path}/decisions", decision, Prefer="dry-run").json
    assert seen["answer"] == {"decided": 1}
    (lost,) = seen["access"]
    assert lost["user"]["name"] == "bob" and lost["lost_folders"][0]["path"] == "/Brand"
    seen = api.post(f"{path}/end", Prefer="dry-run").json
    assert [each["action"] for each in seen["changes"]] == ["review.ended"]
    assert fingerprint() == before


def test_it_is_done_once(account, api, brand):
    made = [api.post("/reviews", of_folder(brand), Idempotency_Key="k").json for _ in range(2)]
    assert made[0] == made[1] and len(rows(Review)) == 1
    path = f"/reviews/{made[0]['id']}"
    decision = {"items": [items_of(api, path)["bob"]], "decision": "revoke"}
    for _ in range(2):
        answer = api.post(f"{path}/decisions", decision, Idempotency_Key="d")
        assert answer.json == {"decided": 1}
    assert api.post(f"{path}/decisions", decision).json == {"decided": 0}
