"""Metadata at an address is read anew by schedule, and the last good copy is never lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.directory.errors import Invalid
from app.store.database import db
from app.store.models import Connection
from app.store.types import now
from saml import fetch, refresh, setup
from saml.connections import load
from saml.errors import BadMetadata
from tests.conftest import write
from tests.inspection import audit, row
from tests.saml.conftest import connect
from tests.saml.provider import TestProvider

URL = "https://idp.example/metadata"
EXPIRED = (
    TestProvider()
    .metadata()
    .replace(b"<md:IDPSSODescriptor", b'<md:IDPSSODescriptor validUntil="2020-01-01T00:00:00Z"', 1)
)


class Site:
    """What stands at the address; fetching itself is tested in test_fetch.py."""

    def __init__(self) -> None:
        self.document: bytes | Exception = b""
        self.asked: list[str] = []

    def get(self, url: str) -> bytes:
        self.asked.append(url)
        if isinstance(self.document, Exception):
            raise self.document
        return self.document


@pytest.fixture
def site(monkeypatch) -> Site:
    found = Site()
    monkeypatch.setattr(fetch, "get", found.get)
    return found


@pytest.fixture
def browser(app, account, ada, provider):
    return connect(app, account, provider, metadata_url=URL)


def due_again() -> None:
    db.session.execute(update(Connection).values(checked_at=now() - timedelta(hours=7)))
    db.session.commit()


def test_a_new_certificate_is_known_in_time(browser, provider, site, account):
    fresh = TestProvider()
    site.document = provider.metadata().replace(
        b"</md:KeyDescriptor>", b"</md:KeyDescriptor>" + _key_of(fresh), 1
    )
    assert refresh.refresh_all() == 1
    assert site.asked == [URL]
    for signer in (provider, fresh):
        signer.entity_id = provider.entity_id
        asked = browser.start()
        assert browser.post(signer.response(browser.sp, asked)).status_code == 303
    (event,) = audit(account, "connection.updated")
    assert (event.actor_name, event.surface) == ("metadata refresh", "saml")


def _key_of(provider: TestProvider) -> bytes:
    document = provider.metadata()
    start, end = document.index(b"<md:KeyDescriptor"), document.index(b"</md:KeyDescriptor>")
    return document[start:end] + b"</md:KeyDescriptor>"


def test_it_is_not_read_again_before_it_is_due(browser, provider, site, account):
    site.document = provider.metadata()
    assert (refresh.refresh_all(), refresh.refresh_all()) == (1, 0)
    due_again()
    assert refresh.refresh_all() == 1
    assert audit(account, "connection.updated") == []


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (
            BadMetadata("The metadata cannot be fetched: there was no answer in time."),
            "cannot be fetched",
        ),
        (b"<html/>", "describes 0 identity providers"),
        (b"", "cannot be read"),
        (TestProvider(entity_id="https://other.example").metadata(), "another provider"),
        (EXPIRED, "was valid until"),
    ],
)
def test_the_last_good_copy_stays(browser, provider, site, account, document, says):
    before = load(browser.connection_id).provider
    site.document = document
    for _ in range(2):
        refresh.refresh_all()
        due_again()
    assert load(browser.connection_id).provider == before
    assert says in row(Connection).problem
    (event,) = audit(account, "connection.not_refreshed")
    assert says in event.reason and event.outcome == "refused"
    browser.post(provider.response(browser.sp, browser.start()))
    assert browser.session() == "Ada@example.com"
    site.document = provider.metadata()
    refresh.refresh_all()
    assert row(Connection).problem is None


def test_one_that_fails_does_not_keep_others_waiting(app, browser, account, provider, site):
    with write(account) as work:
        described = setup.from_metadata(provider.metadata())
        setup.register(work, "Second", described, metadata_url="https://second.example/")
    site.document = BadMetadata("no")
    assert refresh.refresh_all() == 2
    assert set(site.asked) == {URL, "https://second.example/"}


def test_one_without_an_address_or_out_of_use_is_left_alone(browser, account, site):
    with write(account) as work:
        setup.configure(work, "IdP", metadata_url="")
    assert refresh.refresh_all() == 0
    with write(account) as work:
        setup.configure(work, "IdP", metadata_url=URL)
    db.session.execute(update(Connection).values(enabled=False))
    db.session.commit()
    assert refresh.refresh_all() == 0
    assert site.asked == []


def test_only_https_is_read(browser, account):
    for url in ("http://idp.example/metadata", "ftp://x", "file:///etc/passwd", "https://" * 300):
        with pytest.raises(Invalid, match="https"), write(account) as work:
            setup.configure(work, "IdP", metadata_url=url)
