"""An account with Ada in it, connected to a provider; and a browser that signs in."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from lxml import etree
from werkzeug.test import Client, TestResponse

from app.directory import users
from saml import setup
from saml.keys import new_key_pair
from tests.conftest import write
from tests.inspection import audit, rows
from tests.saml.logging_out import REDIRECT
from tests.saml.provider import TestProvider

HOST = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def keys() -> TestProvider:
    """Keys that are made once: a provider's, and our own."""
    made = TestProvider()
    made.own_key, made.own_certificate = new_key_pair("Gatehouse")
    return made


@pytest.fixture(autouse=True)
def ready_made_keys(keys, monkeypatch):
    """Connections get a key made before: making one takes most of a second."""
    pair = (keys.own_key, keys.own_certificate)
    monkeypatch.setattr(setup, "new_key_pair", lambda common_name: pair)


@pytest.fixture
def provider(keys) -> TestProvider:
    return TestProvider(key=keys.key, certificate=keys.certificate)


@dataclass
class Browser:
    """A browser at one connection."""

    app: Flask
    client: Client
    account_id: str
    connection_id: str

    @property
    def sp(self) -> str:
        return f"{HOST}/saml/{self.connection_id}"

    def start(self, **query: str) -> str:
        """Ask to sign in, and return the id of the request that goes to the provider."""
        answer = self.client.get(f"/saml/{self.connection_id}/login", query_string=query)
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return request_of(answer.location).get("ID")

    def post(self, response: str, **more: str) -> TestResponse:
        """Post a response to the assertion consumer."""
        data = {"SAMLResponse": response} | more
        return self.client.post(f"/saml/{self.connection_id}/acs", data=data)

    def session(self) -> Any:
        """Return who is signed in, or None."""
        answer = self.client.get("/api/session")
        return answer.get_json()["user"]["userName"] if answer.status_code == 200 else None

    def assert_refused(self, answer: TestResponse, says: str) -> None:
        """The one plain page, the reason in the audit, no session, nothing used up."""
        page = answer.get_data(as_text=True)
        assert answer.status_code == 403, page
        assert answer.headers["X-Request-Id"] in page
        assert not says or says not in page
        assert "Set-Cookie" not in answer.headers
        assert self.session() is None
        event = audit(self.account_id, "session.refused")[-1]
        assert says in event.reason, event.reason
        assert event.request_id == answer.headers["X-Request-Id"]
        from app.store.models import SamlAssertion, Session

        assert rows(Session) == [] and rows(SamlAssertion) == []


def request_of(location: str) -> etree._Element:
    """The AuthnRequest in the URL of an HTTP-Redirect."""
    (message,) = parse_qs(urlsplit(location).query)["SAMLRequest"]
    return etree.fromstring(zlib.decompress(base64.b64decode(message), -15))


def connect(
    app: Flask,
    account_id: str,
    provider: TestProvider,
    *,
    post: bool = False,
    **options: Any,
) -> Browser:
    with write(account_id) as work:
        described = setup.from_metadata(provider.metadata(post=post))
        connection_id = setup.register(work, "IdP", described, **options)
    return Browser(app, app.test_client(), account_id, connection_id)


@pytest.fixture
def ada(account) -> str:
    with write(account) as work:
        return users.create(work, users.Profile("Ada@example.com", display_name="Ada"))


@pytest.fixture
def browser(app, account, ada, provider) -> Browser:
    return connect(app, account, provider)


@pytest.fixture
def refuses(browser, provider):
    """Alter a genuine response after (or before) it is signed, post it, and see it refused."""
    with write(browser.account_id) as work:
        users.create(work, users.Profile("admin@example.com"))

    def check(says, *, after=None, before=None, sign="assertion", asked=True, **options):
        asked = browser.start() if asked is True else asked
        response = provider.response(
            browser.sp, asked, before=before, after=after, sign=sign, **options
        )
        browser.assert_refused(browser.post(response), says)

    return check


@pytest.fixture
def ada_is_in(app, account, ada, provider):
    """A browser in which Ada is signed in, at a provider that knows single logout."""

    def sign_in(logout=REDIRECT, **options) -> Browser:
        provider.logout = logout
        browser = connect(app, account, provider, **options)
        browser.post(provider.response(browser.sp, browser.start()))
        assert browser.session() == "Ada@example.com"
        return browser

    return sign_in
