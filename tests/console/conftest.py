from __future__ import annotations

import pytest

from saml import setup
from saml.keys import new_key_pair
from tests.conftest import write
from tests.console.client import Browser
from tests.factories import a_grant, a_session, a_user
from tests.saml.provider import TestProvider


@pytest.fixture
def browser(app) -> Browser:
    return Browser(app)


@pytest.fixture
def admin(browser, account) -> Browser:
    """A browser in which somebody with the role ``admin`` is signed in."""
    user_id = a_user(account, "admin@example.com")
    a_grant(account, user_id, "admin")
    browser.sign_in(a_session(account, user_id))
    return browser


@pytest.fixture(scope="session")
def idp() -> TestProvider:
    """A SAML provider, and a key pair of ours, made once: that takes most of a second."""
    made = TestProvider()
    made.own_key, made.own_certificate = new_key_pair("Gatehouse")
    return made


@pytest.fixture
def okta(account, idp, monkeypatch) -> str:
    """The id of a SAML connection to it."""
    pair = (idp.own_key, idp.own_certificate)
    monkeypatch.setattr(setup, "new_key_pair", lambda common_name: pair)
    with write(account) as work:
        return setup.register(work, "Okta SAML", setup.from_metadata(idp.metadata()))
