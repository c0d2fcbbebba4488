"""Access reviews: what is held is written down, decided by others, taken back, ended, signed."""

from __future__ import annotations

import io
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import update

from app.access.decisions import check
from app.directory.errors import Invalid, NotFound
from app.directory.reviews import export
from app.lists import reviews as lists
from app.lists.reviews import ItemFilter
from app.security.signing_keys import public_key
from app.store.database import db
from app.store.models import Grant, Group, Membership, NestedGroup, Review, ReviewItem
from app.store.types import now
from tests.conftest import write
from tests.directory.reviewing import a_review, decide, end, exported, holders, ids, person
from tests.factories import a_connection, a_folder, a_grant, a_group, a_mapping, a_user
from tests.inspection import audit, row, rows


def test_it_writes_down_what_is_held(account, boss):
    brand, press = a_folder(account, "Brand"), a_group(account, "Press")
    inner, other = a_folder(account, "2026", parent=brand), a_folder(account, "Other")
    ada = a_user(account, "ada")
    for who, role, where in (
        (ada, "viewer", inner),
        (press, "editor", brand),
        (ada, "editor", other),
        (ada, "reports", None),
    ):
        a_grant(account, who, role, where)
    a_grant(account, a_user(account, "late"), "viewer", brand, expires_at=now() + timedelta(0, 1))
    with write(account):
        old = {"expires_at": now() - timedelta(1)}
        db.session.execute(update(Grant).where(Grant.expires_at.is_not(None)).values(**old))
    review = a_review(account, "folder", brand)
    found = lists.items(account, review, ItemFilter()).items
    assert [(each["holder_name"], each["role_name"], each["folder"]) for each in found] == [
        ("ada", "viewer", "/Brand/2026"),
        ("Press", "editor", "/Brand"),
    ]
    assert holders(account, a_review(account, "role", "editor")) == ["ada", "Press"]
    assert holders(account, a_review(account, "account_roles")) == ["ada", "boss"]
    (event, *_) = audit(account, "review.started")
    assert event.after["items"] == 2 and event.target_name == "Autumn"


def test_no_takes_a_grant_back_at_once(account, boss):
    brand = a_folder(account)
    ada, bob, eve = (a_user(account, name) for name in ("ada", "bob", "eve"))
    for who in (ada, bob):
        a_grant(account, who, "viewer", brand)
    # Eve may do nothing on the folder herself: who began the review could take it back.
    review = a_review(account, "folder", brand, by=boss, reviewers=[eve])
    there = ids(account, review)
    assert decide(account, person(eve, "eve"), review, [there["ada"]], "revoke", "left") == 1
    assert decide(account, person(eve, "eve"), review, [there["bob"]], "keep") == 1
    assert not check(account, ada, "folder.view", brand).allowed
    assert check(account, bob, "folder.view", brand).allowed
    (event,) = audit(account, "grant.revoked")
    assert event.actor_name == "eve" and event.after == {"review": {"id": review, "name": "Autumn"}}
    told = audit(account, "review.decided")[0]
    assert told.after["items"] == {there["ada"]: "revoked"} and told.after["comment"] == "left"
    item = row(ReviewItem, id=there["ada"])
    assert (item.decision, item.outcome, item.comment, item.decided_by_id) == (
        *("revoke", "revoked", "left", eve),
    )
    # What was kept can be revoked still; what was revoked stays.
    eves = person(eve, "eve")
    assert decide(account, eves, review, list(there.values()), "revoke") == 1
    assert decide(account, eves, review, list(there.values()), "keep") == 0
    assert rows(Grant, folder_id=brand) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"what": "all"}, "what must be"),
        ({"what": "role"}, "Say which"),
        ({"what": "account_roles", "target": "viewer"}, "Say which"),
        ({"what": "role", "target": "viewer"}, "nothing to review"),
        ({"what": "role", "target": "editor", "undecided": "x"}, "undecided must be"),
        ({"what": "role", "target": "editor", "due_at": now()}, "due within"),
        ({"what": "role", "target": "nosuch"}, "no role"),
        ({"what": "account_roles", "reviewers": ["nosuch"]}, "no user"),
        ({"what": "account_roles", "name": ""}, "name"),
    ],
)
def test_what_is_no_review_is_refused(account, boss, options, said):
    with pytest.raises((Invalid, NotFound), match=said):
        a_review(account, **options)
    assert rows(Review) == []


def test_members_are_taken_out_where_that_is_ours(account, boss):
    ada, inner = a_user(account, "ada"), a_group(account, "Inner")
    ours = a_group(account, "Ours", members=[ada, inner])
    review = a_review(account, "group", ours)
    there = ids(account, review)
    assert sorted(there) == ["Inner", "ada"]
    assert decide(account, boss, review, list(there.values()), "revoke") == 2
    assert rows(Membership, group_id=ours) == rows(NestedGroup, group_id=ours) == []
    (event,) = audit(account, "group.members_removed")
    assert event.after["members"] == sorted([ada, inner])
    okta = a_connection(account)
    theirs = a_group(account, "Theirs", members=[ada])
    with write(account):
        db.session.execute(update(Group).where(Group.id == theirs).values(connection_id=okta))
    review = a_review(account, "group", theirs)
    decide(account, boss, review, [ada], "revoke")
    assert row(ReviewItem, review_id=review).outcome == "provider"
    assert len(rows(Membership, group_id=theirs)) == 1


def test_what_came_by_a_mapping_or_is_gone_is_told(account, boss):
    brand, group = a_folder(account), a_group(account, "Designers")
    a_mapping(account, "Designers", "viewer", brand)
    ada = a_user(account, "ada")
    a_grant(account, ada, "viewer", brand)
    review = a_review(account, "role", "viewer")
    there = ids(account, review)
    with write(account):
        db.session.execute(Grant.__table__.delete().where(Grant.user_id == ada))
    decide(account, boss, review, list(there.values()), "revoke")
    outcomes = {each.holder_name: each.outcome for each in rows(ReviewItem, review_id=review)}
    assert outcomes == {"Designers": "may_return", "ada": "gone"}
    found = lists.one(account, review)
    assert found["counts"] == {"open": 0, "keep": 0, "revoke": 2}
    assert {each: count for each, count in found["outcomes"].items() if count} == {
        "may_return": 1,
        "gone": 1,
    }
    assert rows(Grant, group_id=group) == []


def test_an_export_is_signed_and_whoever_changes_it_is_found_out(account, boss, monkeypatch):
    monkeypatch.setattr(lists, "AT_ONCE", 2)
    brand = a_folder(account, "Brand")
    for number in range(5):
        a_grant(account, a_user(account, f"user{number}"), "viewer", brand)
    review = a_review(account, "folder", brand)
    decide(account, boss, review, [ids(account, review)["user0"]], "revoke", "why")
    lines = exported(account, review)
    first, *items, _ = [orjson.loads(line) for line in lines]
    assert first["review"]["name"] == "Autumn" and first["review"]["counts"]["revoke"] == 1
    assert [each["item"]["holder_name"] for each in items] == [f"user{n}" for n in range(5)]
    assert items[0]["item"]["comment"] == "why" and items[0]["item"]["folder"] == "/Brand"
    told = export.verify(io.BytesIO(b"".join(lines)), public_key)
    assert (told["review"], told["lines"], told["iss"]) == (review, 6, "https://g.example.com")
    assert told["state"] == "open"
    end(account, review)
    assert export.verify(exported(account, review), public_key)["state"] == "closed"
    forged = [*lines[:2], lines[2].replace(b"user1", b"user9"), *lines[3:]]
    for changed in (forged, [*lines[:2], *lines[3:]], [lines[0], *lines]):
        with pytest.raises(Invalid, match="changed"):
            export.verify(changed, public_key)
    for broken in ([], lines[:-1], [b'{"signature": "a.b.c"}'], [b'{"signature": 1}'], [b"\xff"]):
        with pytest.raises(Invalid, match="no signature"):
            export.verify(broken, public_key)
    with pytest.raises(Invalid, match="not known"):
        export.verify(lines, lambda key_id: None)
