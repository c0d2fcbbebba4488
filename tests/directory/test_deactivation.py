"""Who is deactivated is out at the very next call."""

from __future__ import annotations

import pytest

from app.access.decisions import account_roles, check, permissions_on
from app.access.folders import folders_visible_to
from app.directory import sessions, users
from app.directory.errors import NotFound
from app.directory.users import Profile
from app.security.requests import settings
from app.security.sessions import signed_in
from app.store.models import Session, SignInLink
from tests.conftest import write
from tests.factories import (
    HOUR,
    a_folder,
    a_grant,
    a_group,
    a_link,
    a_master_admin,
    a_session,
    a_user,
)
from tests.inspection import audit, epoch, fingerprint, rows


def deactivate(account_id: str, user_id: str) -> None:
    with write(account_id) as work:
        assert users.set_active(work, user_id, False)


def replace_as_inactive(account_id: str, user_id: str) -> None:
    with write(account_id) as work:
        assert users.replace(work, user_id, Profile("ada", active=False))


def delete(account_id: str, user_id: str) -> None:
    with write(account_id) as work:
        users.delete(work, user_id)


@pytest.fixture(params=[deactivate, replace_as_inactive, delete])
def take_out(request):
    """Each way to take someone's access away."""
    return request.param


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


def test_sessions_end_at_the_next_call(account, ada, take_out):
    cookies = [a_session(account, ada) for _ in range(3)]
    others = a_session(account, a_user(account))
    assert signed_in(cookies[0], settings()).user_id == ada
    take_out(account, ada)
    assert [signed_in(cookie, settings()) for cookie in cookies] == [None, None, None]
    assert signed_in(others, settings())


def test_links_die(account, ada, take_out):
    link = a_link(account, ada)
    take_out(account, ada)
    assert rows(SignInLink) == []
    with pytest.raises(NotFound), write(account) as work:
        sessions.use_link(work, link, lifetime=HOUR)


def test_decisions_become_no(account, ada, take_out):
    folder = a_folder(account)
    a_grant(account, ada, "manager", folder)
    a_grant(account, a_group(account, members=[ada]), "admin")
    assert check(account, ada, "asset.delete", folder).allowed
    before = epoch(account)
    take_out(account, ada)
    assert epoch(account) == before + 1
    assert not check(account, ada, "asset.delete", folder).allowed
    assert not check(account, ada, "user.manage", None).allowed
    assert permissions_on(account, ada, folder) == frozenset()
    assert account_roles(account, ada) == folders_visible_to(account, ada) == []


def test_no_session_or_link_for_the_inactive(account, ada):
    deactivate(account, ada)
    before = fingerprint()
    for call in (sessions.open_session, sessions.create_link):
        options = {"method": "saml"} if call is sessions.open_session else {}
        with pytest.raises(NotFound), write(account) as work:
            call(work, ada, lifetime=HOUR, **options)
    assert fingerprint() == before


def test_activation_brings_the_grants_back_but_no_session(account, ada):
    folder = a_folder(account)
    a_grant(account, ada, "viewer", folder)
    cookie = a_session(account, ada)
    deactivate(account, ada)
    before = epoch(account)
    with write(account) as work:
        assert users.set_active(work, ada, True)
    assert epoch(account) == before + 1
    assert check(account, ada, "folder.view", folder).allowed
    assert signed_in(cookie, settings()) is None


def test_it_is_audited_with_the_sessions_it_ended(account, ada):
    a_session(account, ada)
    a_session(account, ada)
    deactivate(account, ada)
    (ended,) = audit(account, "session.revoked")
    assert ended.after == {"reason": "user deactivated", "sessions": 2}
    (event,) = audit(account, "user.deactivated")
    assert (event.before, event.after) == ({"active": True}, {"active": False})
    assert all(session.revoked_at for session in rows(Session))


def test_replacing_says_deactivated_and_what_else_changed(account, ada):
    with write(account) as work:
        users.replace(work, ada, Profile("ada", active=False, display_name="Ada"))
    (event,) = audit(account, "user.deactivated")
    assert event.before == {"active": True, "displayName": None}
    assert event.after == {"active": False, "displayName": "Ada"}


def test_twice_is_once(account, ada):
    deactivate(account, ada)
    before = fingerprint()
    with write(account) as work:
        assert not users.set_active(work, ada, False)
    assert fingerprint() == before


def test_of_two_administrators_one_may_go(account):
    first, second = a_master_admin(account), a_master_admin(account)
    deactivate(account, first)
    assert check(account, second, "user.manage", None).allowed
