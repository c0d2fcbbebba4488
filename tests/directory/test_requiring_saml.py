"""Accounts that require SAML: who still gets in, and how loudly."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from app.directory import requiring_saml, users
from app.directory.errors import Forbidden, Invalid, NotFound
from app.store.models import Account, Session, User
from tests.conftest import write
from tests.factories import a_connection, a_link, a_session, a_user, an_account
from tests.inspection import audit, row, rows


@pytest.fixture
def ada(account) -> str:
    """She may break glass."""
    user_id = a_user(account, "ada")
    with write(account) as work:
        assert requiring_saml.set_break_glass(work, user_id, True)
    return user_id


@pytest.fixture
def eve(account) -> str:
    return a_user(account, "eve")


def require(account: str, required: bool = True) -> bool:
    with write(account) as work:
        return requiring_saml.require(work, required)


def test_it_needs_a_connection_and_somebody_who_breaks_glass(account):
    with pytest.raises(Invalid, match="Connect"):
        require(account)
    a_connection(account, "saml")
    with pytest.raises(Invalid, match="break-glass"):
        require(account)
    user_id = a_user(account)
    with write(account) as work:
        requiring_saml.set_break_glass(work, user_id, True)
        users.set_active(work, user_id, False)
    with pytest.raises(Invalid, match="break-glass"):
        require(account)
    assert row(Account).requires_saml is False


def test_only_saml_signs_in_from_then_on(account, ada, eve):
    a_connection(account, "saml")
    link = a_link(account, eve)
    by_link, by_saml = (a_session(account, eve, method=each) for each in ("link", "saml"))
    kept = a_session(account, ada, method="link")
    assert require(account) and not require(account)
    assert len(rows(Session, revoked_at=None)) == 2
    with pytest.raises(Forbidden):
        a_session(account, eve, method="link")
    with pytest.raises(Forbidden):
        a_link(account, eve)
    assert a_session(account, eve, method="saml")
    assert {by_link, by_saml, kept, link}
    (event,) = audit(account, "account.updated")
    assert (event.before, event.after) == ({"requires_saml": False}, {"requires_saml": True})
    (ended,) = audit(account, "session.revoked")
    assert (ended.target_id, ended.after) == (eve, {"reason": "SAML required"})
    assert require(account, False)
    assert a_session(account, eve, method="link")


def test_each_use_of_break_glass_is_written_down_loudly(account, ada):
    a_connection(account, "saml")
    require(account)
    with capture_logs() as lines:
        a_session(account, ada, method="link")
    (event,) = audit(account, "break_glass.used")
    assert (event.target_id, event.after) == (ada, {"method": "link"})
    (line,) = lines
    assert (line["event"], line["log_level"]) == ("break glass used", "warning")
    assert line["user"] == ada


def test_without_the_rule_nothing_is_written_down(account, ada):
    a_session(account, ada, method="link")
    assert audit(account, "break_glass.used") == []


def test_the_last_one_cannot_be_taken_back(account, ada, eve):
    a_connection(account, "saml")
    require(account)
    with pytest.raises(Invalid, match="somebody"), write(account) as work:
        requiring_saml.set_break_glass(work, ada, False)
    assert row(User, id=ada).break_glass
    with write(account) as work:
        requiring_saml.set_break_glass(work, eve, True)
        assert not requiring_saml.set_break_glass(work, eve, True)
        assert requiring_saml.set_break_glass(work, ada, False)
    with pytest.raises(Forbidden):
        a_session(account, ada, method="link")
    events = [each.action for each in audit(account) if "break_glass" in each.action]
    assert events == ["break_glass.allowed", "break_glass.allowed", "break_glass.taken_back"]


def test_users_of_another_account_are_not_found(account, eve):
    with pytest.raises(NotFound), write(an_account("Other")) as work:
        requiring_saml.set_break_glass(work, eve, True)
