"""Access reviews in the console: begun, decided many at once, ended, handed out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.directory.reviews import due, export
from app.security.signing_keys import public_key
from app.store.database import db
from app.store.models import Grant, Review, ReviewItem
from app.store.types import now
from tests.conftest import write
from tests.console.client import Browser
from tests.factories import (
    a_folder,
    a_grant,
    a_group,
    a_mapping,
    a_master_admin,
    a_review,
    a_session,
    a_user,
)
from tests.inspection import audit, row, rows

DAY = f"{now() + timedelta(days=9):%Y-%m-%d}"


@pytest.fixture
def brand(account) -> str:
    folder = a_folder(account, "Brand")
    for name in ("ada", "bob", "carl"):
        a_grant(account, a_user(account, name), "viewer", folder)
    return folder


def reviewer(app, account: str, name: str = "eve") -> tuple[Browser, str]:
    user_id = a_user(account, name)
    browser = Browser(app)
    browser.sign_in(a_session(account, user_id))
    return browser, user_id


def test_a_review_is_begun_and_decided_by_somebody_without_rights(admin, app, account, brand):
    eve, _ = reviewer(app, account)
    assert "There is no review for you." in eve.text("/reviews")
    fields = {"name": "Autumn", "what": "folder", "folder": "/Brand", "due_at": DAY}
    begun = admin.submit("/reviews/new", **fields, reviewers="eve\n")
    assert begun.status_code == 303
    assert "Autumn" in eve.text("/reviews") and "0 of 3" in eve.text("/reviews")
    page = begun.location
    assert "3 undecided, 0 kept, 0 revoked." in eve.text(page)
    there = {each.holder_name: each.id for each in rows(ReviewItem)}
    keep, revoke = f"{page}/decide/keep", f"{page}/decide/revoke"
    assert eve.submit(page, keep, item=[there["ada"], there["bob"]]).status_code == 303
    form = dict(eve.form(page, keep).form_values()) | {"item": there["carl"], "comment": "left"}
    headers = {"Referer": eve.base_url + page}
    assert eve.post(revoke, data=form, headers=headers).location == page
    text = eve.text(page)
    assert "0 undecided, 2 kept, 1 revoked." in text and "left" in text
    assert len(rows(Grant, folder_id=brand)) == 2
    assert [each.holder_name for each in rows(ReviewItem, decision="revoke")] == ["carl"]
    shown = eve.text(f"{page}?state=keep&prefix=A")
    assert "ada" in shown and "bob" not in shown
    assert eve.submit(page, keep).status_code == 303
    assert "Choose at least one." in eve.text(page)
    # What only administrators may do is not offered, and refused.
    assert "Export, signed" not in text
    for do in ("end", "export"):
        answer = eve.post(f"{page}/{do}", data=form, headers=headers)
        assert answer.status_code == 403


def test_who_is_no_reviewer_finds_nothing(app, account):
    eve, _ = reviewer(app, account)
    review = a_review(account)
    assert eve.get(f"/reviews/{review}").status_code == 404
    form = {"csrf_token": eve.page("/me/profile").xpath("//input[@name='csrf_token']/@value")[0]}
    item = row(ReviewItem, review_id=review).id
    path = f"/reviews/{review}/decide/revoke"
    headers = {"Referer": eve.base_url + "/reviews"}
    answer = eve.post(path, data=form | {"item": item}, headers=headers)
    assert answer.status_code == 404 and row(ReviewItem, review_id=review).decision is None


def test_what_one_holds_oneself_is_left_to_others(admin, app, account, brand):
    eve, eve_id = reviewer(app, account)
    a_grant(account, a_group(account, "Ours", members=[eve_id]), "editor", brand)
    review = a_review(account, "folder", brand, reviewers=[eve_id])
    page = f"/reviews/{review}"
    assert "Ours" not in eve.text(page) and "Ours" in admin.text(page)
    item = row(ReviewItem, holder_name="Ours").id
    answer = eve.submit(page, f"{page}/decide/keep", item=[item])
    assert answer.status_code == 403 and row(ReviewItem, id=item).decision is None


def test_it_is_said_of_what_none_of_the_reviewers_may_decide(admin, account, brand):
    a_user(account, "eve")
    fields = {"name": "Autumn", "what": "folder", "folder": "/Brand", "due_at": DAY}
    begun = admin.submit("/reviews/new", **fields, reviewers="ada")
    assert "None of the reviewers may decide 1 of these" in admin.text(begun.location)
    begun = admin.submit("/reviews/new", **fields, reviewers="ada\neve")
    assert "None of the reviewers" not in admin.text(begun.location)


def test_who_gives_roles_decides_only_of_what_they_could_take_back(app, account):
    eve, eve_id = reviewer(app, account)
    a_grant(account, eve_id, "admin")
    a_grant(account, a_user(account, "ada"), "reports")
    boss = a_master_admin(account, "boss")
    review = a_review(account, "account_roles", None, reviewers=[boss], undecided="revoke")
    page = f"/reviews/{review}"
    items = {each.holder_name: each.id for each in rows(ReviewItem)}
    asked = (
        ("decide/keep", {"item": [items["boss"]]}, "billing.manage"),
        ("end", {}, "hold themselves"),  # her own is undecided
    )
    for do, sent, says in asked:
        answer = eve.submit(page, f"{page}/{do}", **sent)
        assert answer.status_code == 403 and says in answer.get_data(as_text=True)
    assert eve.submit(page, f"{page}/decide/keep", item=[items["ada"]]).status_code == 303
    assert row(ReviewItem, id=items["boss"]).decision is None


def test_when_it_is_due_nothing_is_to_be_decided_from_then_on(admin, account, brand):
    page = f"/reviews/{a_review(account, 'folder', brand)}"
    assert "Keep what is chosen" in admin.text(page)
    assert "being closed" not in admin.text(page) + admin.text("/reviews")
    with write(account):
        db.session.execute(update(Review).values(due_at=now()))
    assert "being closed" in admin.text(page) and "being closed" in admin.text("/reviews")
    text = admin.text(page)
    assert "Keep what is chosen" not in text and "End it" not in text and "ada" in text


def test_it_is_ended_and_handed_out_signed(admin, account, brand):
    review = a_review(account, "folder", brand, undecided="revoke")
    page = f"/reviews/{review}"
    assert admin.submit(page, f"{page}/end").location == page
    due.close_due()
    assert row(Review).state == "closed" and rows(Grant, folder_id=brand) == []
    text = admin.text(page)
    assert "Nobody had decided when admin@example.com ended it early." in text
    assert "0 undecided, 0 kept, 3 revoked." in text
    assert "Ended early by admin@example.com" in text
    answer = admin.submit(page, f"{page}/export")
    assert answer.headers["Content-Disposition"] == "attachment; filename=review.jsonl"
    lines = answer.get_data().splitlines(keepends=True)
    (event,) = audit(account, "review.exported")
    assert export.verify(lines, public_key)["lines"] == 4
    assert event.actor_name == "admin@example.com"


def test_what_may_return_is_told_apart(admin, account):
    a_group(account, "Designers")
    a_mapping(account, "Designers", "viewer", a_folder(account))
    page = f"/reviews/{a_review(account, 'role', 'viewer')}"
    form = dict(admin.form(page, f"{page}/decide/keep").form_values())
    headers = {"Referer": admin.base_url + page}
    admin.post(f"{page}/decide/revoke", data=form | {"item": row(ReviewItem).id}, headers=headers)
    text = admin.text(page)
    assert "0 kept, 0 revoked. Revoked, but a mapping may give it again: 1." in text
    assert "once the provider changes the group" in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"what": "folder", "folder": "/Nothing"}, "There is no folder /Nothing."),
        ({"what": "role", "role": ""}, "Say which role, folder or group"),
        ({"what": "group", "group": "Nobodies"}, "Nobodies"),
        ({"what": "role", "role": "contributor"}, "there is nothing to review"),
        ({"what": "account_roles", "reviewers": "nobody"}, "nobody"),
        ({"what": "account_roles", "due_at": "2001-01-01"}, "This day is over."),
    ],
)
def test_what_cannot_be_is_said_at_the_form(admin, fields, said):
    answer = admin.submit("/reviews/new", **{"name": "R", "due_at": DAY} | fields)
    assert answer.status_code == 200 and said in answer.get_data(as_text=True)
    assert rows(Review) == []
