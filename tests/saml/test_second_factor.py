"""The second factor of people who sign in through a provider: the provider's own, or ours."""

from __future__ import annotations

import pytest

from app.directory import second_factor
from app.directory.errors import Invalid
from app.security.requests import settings
from app.security.sessions import cookie_name, half_signed_in
from app.store.models import Session
from saml import setup
from saml.options import Options
from tests.conftest import write
from tests.factories import a_grant
from tests.inspection import audit, row, statements
from tests.saml.conftest import connect
from tests.saml.provider import find
from tests.second_factors import a_totp

MFA = "https://refeds.org/profile/mfa"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
ASK = "/sign-in/second-factor"


def require(account_id: str, role: str | None = None) -> None:
    with write(account_id) as work:
        second_factor.require(work, True, role)


def with_context(context: str | None):
    def change(root):
        element = find(root, "AuthnContextClassRef")
        if context is None:
            element.tag = element.tag.replace("AuthnContextClassRef", "AuthnContextDeclRef")
        else:
            element.text = context

    return change


def sign_in(browser, provider, context: str | None = PASSWORD, **query: str):
    asked = browser.start(**query)
    return browser.post(provider.response(browser.sp, asked, before=with_context(context)))


def test_a_context_of_the_list_counts(app, account, ada, provider):
    browser = connect(app, account, provider, second_factor_contexts=(MFA,))
    require(account)
    answer = sign_in(browser, provider, MFA, next="/x")
    assert (answer.status_code, answer.location) == (303, "/x")
    assert browser.session() == "Ada@example.com"
    session = row(Session)
    assert (session.awaits, session.second_factor) == (None, "provider")
    assert audit(account, "session.opened")[0].after["second_factor"] == "provider"


@pytest.mark.parametrize("context", [PASSWORD, MFA + "x", MFA.upper(), MFA[:-1], "", None])
def test_no_other_context_does(app, account, ada, provider, context):
    browser = connect(app, account, provider, second_factor_contexts=(MFA,))
    require(account)
    answer = sign_in(browser, provider, context)
    assert (answer.status_code, answer.location) == (303, ASK)
    assert browser.session() is None
    assert row(Session).awaits == "enrolment"


def test_none_counts_unless_it_is_said(app, account, ada, provider):
    assert Options().second_factor_contexts == ()
    browser = connect(app, account, provider)
    require(account)
    assert sign_in(browser, provider, MFA).location == ASK
    assert browser.session() is None


def test_the_path_asked_for_is_kept(app, account, ada, provider):
    browser = connect(app, account, provider)
    a_totp(account, ada)
    require(account)
    answer = sign_in(browser, provider, next="/folders?x=1")
    assert answer.location == f"{ASK}?next=%2Ffolders%3Fx%3D1"
    cookie = browser.client.get_cookie(cookie_name(settings()))
    assert half_signed_in(cookie.value).user_id == ada


def test_who_need_not_have_one_is_asked_by_the_provider_alone(app, account, ada, provider):
    browser = connect(app, account, provider)
    a_totp(account, ada)
    assert sign_in(browser, provider).location == "/"
    assert browser.session() == "Ada@example.com"


def test_a_role_asks_for_it_too(app, account, ada, provider):
    browser = connect(app, account, provider, second_factor_contexts=(MFA,))
    a_grant(account, ada, "admin")
    require(account, "admin")
    assert sign_in(browser, provider, PASSWORD).location == ASK
    assert sign_in(browser, provider, MFA).location == "/"


def test_it_costs_a_sign_in_two_statements(app, account, ada, provider):
    browser = connect(app, account, provider)
    response = provider.response(browser.sp, browser.start())
    with statements() as seen:
        browser.post(response)
    assert len([each for each in seen if "awaits" in each and each.startswith("SELECT")]) == 1
    assert len([each for each in seen if "totp_devices" in each]) == 1


@pytest.mark.parametrize("contexts", [("no uri",), ("urn:x:" + "x" * 2000,), ("urn:a:b",) * 11])
def test_what_is_no_list_of_contexts_is_refused(app, account, provider, contexts):
    browser = connect(app, account, provider)
    with write(account) as work, pytest.raises(Invalid):
        setup.configure(work, browser.connection_id, second_factor_contexts=contexts)
