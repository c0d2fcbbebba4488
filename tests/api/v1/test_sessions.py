"""``/api/v1/sessions``, and those of one user."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.store.database import db
from app.store.models import Session, SignInLink
from app.store.types import now
from tests.api.v1.client import Api, an_api_token, signed_in
from tests.conftest import write
from tests.factories import a_link, a_master_admin, a_session, a_user, an_account
from tests.inspection import audit, row, rows


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


def users(found) -> list[str]:
    return [each["user_name"] for each in found]


def test_who_is_signed_in(account, api, ada):
    secret = a_session(account, ada, method="saml", user_agent="Firefox")
    a_session(account, a_user(account, "bob"))
    shown = api.all("/sessions")
    assert users(shown) == ["bob", "ada"]
    assert shown[1].items() >= {"user_id": ada, "method": "saml", "user_agent": "Firefox"}.items()
    assert users(api.all(f"/sessions?user={ada}")) == ["ada"]
    listed = api.get("/sessions").text
    assert secret not in listed and row(Session, user_id=ada).hash not in listed


def test_what_is_over_is_not_listed(account, api, ada):
    a_session(account, ada, lifetime=timedelta(0))
    a_session(account, ada)
    a_session(account, ada)
    ended, idle = rows(Session)[1:]
    with write(account):
        at = {"revoked_at": now()}
        db.session.execute(update(Session).where(Session.id == ended.id).values(at))
        at = {"seen_at": now() - timedelta(days=30)}
        db.session.execute(update(Session).where(Session.id == idle.id).values(at))
    assert api.all("/sessions") == []
    for each in rows(Session):
        assert api.delete(f"/sessions/{each.id}").status_code == 404


def test_all_pages(account, api):
    for number in range(5):
        a_session(account, a_user(account, f"u{number}"))
    assert users(api.all("/sessions")) == ["u4", "u3", "u2", "u1", "u0"]


def test_a_session_ends_at_once(app, account, api, ada):
    her = signed_in(app, account, ada)
    a_session(account, ada)
    assert her.get("/users").status_code == 403
    first = api.all("/sessions")[-1]
    assert api.delete(f"/sessions/{first['id']}").status_code == 204
    assert her.get("/users").status_code == 401
    assert len(api.all("/sessions")) == 1
    (event,) = audit(account, "session.revoked")
    assert (event.target_id, event.surface) == (ada, "api")
    assert api.delete(f"/sessions/{first['id']}").status_code == 404


def test_all_sessions_of_a_user_end_and_no_link_is_left(account, api, ada):
    a_session(account, ada)
    a_session(account, ada)
    a_link(account, ada)
    a_session(account, a_user(account, "bob"))
    assert api.delete(f"/users/{ada}/sessions").status_code == 204
    assert users(api.all("/sessions")) == ["bob"]
    assert rows(SignInLink) == []
    assert api.delete(f"/users/{ada}/sessions").status_code == 204


def test_a_dry_run_ends_nothing(account, api, ada):
    a_session(account, ada)
    seen = api.delete(f"/users/{ada}/sessions", Prefer="dry-run").json
    assert seen["status"] == 204
    assert [each["action"] for each in seen["changes"]] == ["session.revoked"]
    assert users(api.all("/sessions")) == ["ada"]


def test_nobody_signs_out_who_may_do_more(app, account, api):
    admin = a_master_admin(account)
    a_session(account, admin)
    (session,) = api.all("/sessions")
    helpdesk = Api(app, an_api_token(account, {"user.view", "user.manage"}))
    assert helpdesk.delete(f"/sessions/{session['id']}").status_code == 403
    assert helpdesk.delete(f"/users/{admin}/sessions").status_code == 403
    assert len(api.all("/sessions")) == 1
    viewer = Api(app, an_api_token(account, {"user.view"}))
    assert viewer.delete(f"/users/{admin}/sessions").status_code == 403


def test_another_accounts_sessions_do_not_exist(api):
    theirs = an_account()
    stranger = a_user(theirs)
    a_session(theirs, stranger)
    assert api.all("/sessions") == []
    assert api.all(f"/sessions?user={stranger}") == []
    assert api.delete(f"/sessions/{row(Session).id}").status_code == 404
    assert api.delete(f"/users/{stranger}/sessions").status_code == 404
    assert row(Session).revoked_at is None
