from __future__ import annotations

import pytest

from tests.console.client import Browser
from tests.factories import a_grant, a_session, a_user


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
