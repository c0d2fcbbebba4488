"""How a user comes to sign in, as an administrator helps with it."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import insert

from app.directory import invitations
from app.store.database import db
from app.store.models import Session, SignInLink, TotpDevice, User
from app.store.types import new_id, now
from tests.api.v1.client import Api, an_api_token
from tests.conftest import write
from tests.factories import a_connection, a_master_admin, a_session, a_user, an_account
from tests.inspection import audit, row, rows

LINKS = ["invitation", "password-reset"]
ALL = [("post", each) for each in LINKS] + [
    ("delete", "second-factors"),
    ("put", "break-glass"),
    ("delete", "break-glass"),
]


@pytest.fixture
def ada(account) -> str:
    emails = [{"value": "ada@example.com", "primary": True}]
    return a_user(account, "ada", values={"emails": emails})


@pytest.fixture
def mails(monkeypatch) -> list[tuple[str, str]]:
    """The mails that were sent: to whom, and the text."""
    found: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "app.mail.send", lambda settings, to, subject, text: found.append((to, text))
    )
    return found


def secret_in(text: str) -> str:
    return re.search(r"/sign-in/set-password/(\S+)", text)[1]


@pytest.mark.parametrize("what", LINKS)
def test_a_link_is_mailed_and_not_shown(account, api, ada, mails, what):
    answer = api.post(f"/users/{ada}/{what}", Idempotency_Key="k")
    assert answer.status_code == 201
    assert (answer.json["email"], answer.json["link"]) == ("ada@example.com", None)
    ((to, text),) = mails
    assert to == "ada@example.com"
    assert invitations.holder_of(secret_in(text), now()).user_id == ada
    again = api.post(f"/users/{ada}/{what}", Idempotency_Key="k")
    assert again.json == answer.json and len(mails) == len(rows(SignInLink)) == 1
    event = audit(account)[-1]
    assert event.action.endswith("_link.created") and event.target_id == ada
    assert event.surface == "api" and secret_in(text) not in str(event)


@pytest.mark.parametrize("what", LINKS)
def test_a_link_is_shown_once(api, ada, mails, what):
    answer = api.post(f"/users/{ada}/{what}", {"send": False}, Idempotency_Key="k").json
    assert answer["email"] is None and mails == []
    assert invitations.holder_of(secret_in(answer["link"]), now()).user_id == ada
    again = api.post(f"/users/{ada}/{what}", {"send": False}, Idempotency_Key="k").json
    assert again == answer | {"link": None}


@pytest.mark.parametrize("email", [None, "ada", "a@x\r\nBcc: eve@x", "a@x, eve@x", "<eve@x>"])
def test_nothing_is_sent_where_there_is_no_address(account, api, mails, email):
    emails = [{"value": email, "primary": True}] if email else []
    bob = a_user(account, "bob", values={"emails": emails})
    refused = api.post(f"/users/{bob}/invitation")
    assert refused.status_code == 422 and mails == rows(SignInLink) == []
    assert api.post(f"/users/{bob}/invitation", {"send": False}).status_code == 201


def test_who_is_out_of_use_is_not_invited(account, api, mails):
    gone = a_user(account, active=False)
    assert api.post(f"/users/{gone}/invitation", {"send": False}).status_code == 404


def test_no_link_where_saml_is_required(account, api, ada):
    a_connection(account, "saml")
    bob = a_user(account, "bob")
    assert api.put(f"/users/{bob}/break-glass").status_code == 204
    api.patch("/account", {"requires_saml": True})
    assert api.post(f"/users/{ada}/invitation", {"send": False}).status_code == 403
    assert api.post(f"/users/{bob}/password-reset", {"send": False}).status_code == 201
    assert api.delete(f"/users/{bob}/break-glass").status_code == 422  # the last one who may
    assert api.put(f"/users/{ada}/break-glass").status_code == 204
    assert api.delete(f"/users/{bob}/break-glass").status_code == 204
    assert [each.break_glass for each in rows(User)] == [True, False]
    actions = [each.action for each in audit(account) if each.action.startswith("break_glass")]
    assert actions == ["break_glass.allowed"] * 2 + ["break_glass.taken_back"]


def test_second_factors_are_reset(account, api, ada):
    with_a_device(account, ada)
    a_session(account, ada, second_factor="totp")
    answer = api.delete(f"/users/{ada}/second-factors?reason=Lost+telephone")
    assert answer.status_code == 204
    assert rows(TotpDevice) == []
    assert row(Session).revoked_at is not None
    (event,) = audit(account, "second_factor.removed")
    assert event.after["reason"] == "Lost telephone"
    assert api.delete(f"/users/{ada}/second-factors").status_code == 204


def with_a_device(account: str, user_id: str) -> None:
    device = {"account_id": account, "id": new_id(), "user_id": user_id, "name": "Telephone"}
    with write(account):
        values = {"sealed_secret": "x", "confirmed_at": now()}
        db.session.execute(insert(TotpDevice), [device | values])


@pytest.mark.parametrize(("method", "what"), ALL)
def test_nobody_takes_over_who_may_do_more(app, account, mails, method, what):
    admin = a_master_admin(account)
    with_a_device(account, admin)
    helpdesk = Api(app, an_api_token(account, {"user.view", "user.manage"}))
    body = {"send": False} if method == "post" else None
    refused = helpdesk.call(method.upper(), f"/users/{admin}/{what}", body)
    assert refused.status_code == 403
    assert rows(SignInLink) == [] and len(rows(TotpDevice)) == 1
    assert row(User).break_glass is False
    viewer = Api(app, an_api_token(account, {"user.view"}))
    assert viewer.call(method.upper(), f"/users/{admin}/{what}", body).status_code == 403


@pytest.mark.parametrize(("method", "what"), ALL)
def test_another_accounts_user_does_not_exist(api, mails, method, what):
    theirs = an_account()
    stranger = a_user(theirs)
    with_a_device(theirs, stranger)
    body = {"send": False} if method == "post" else None
    assert api.call(method.upper(), f"/users/{stranger}/{what}", body).status_code == 404
    assert rows(SignInLink) == [] and len(rows(TotpDevice)) == 1
