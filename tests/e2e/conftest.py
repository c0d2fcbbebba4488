"""What the end-to-end tests need of the machine; without it they are skipped with the reason.

`scripts/install-test-packages.sh` installs it on Debian.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.browser import chromium, fresh_page, running_chromium
from tests.e2e.company import Company, running_company
from tests.e2e.simplesaml import IdentityProvider, is_installed, running_simplesamlphp


@pytest.fixture(scope="module")
def running_browser() -> Iterator[Browser]:
    """A Chromium for the tests of a module."""
    _needs("Chromium", chromium() is not None)
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def page(running_browser: Browser) -> Iterator[Page]:
    """A page of its own, with no cookies."""
    with fresh_page(running_browser) as page:
        yield page


@pytest.fixture
def identity_provider() -> Iterator[IdentityProvider]:
    """A SimpleSAMLphp that trusts nobody yet."""
    _needs("SimpleSAMLphp with PHP", is_installed())
    with running_simplesamlphp() as identity_provider:
        yield identity_provider


@pytest.fixture
def company(
    database_url: str, tmp_path: Path, identity_provider: IdentityProvider
) -> Iterator[Company]:
    """Acme, where Ada works, connected to the identity provider over SCIM and SAML."""
    with running_company(database_url, tmp_path, identity_provider) as company:
        yield company


def _needs(what: str, found: bool) -> None:
    if not found:
        pytest.skip(f"{what} is not installed (Debian: scripts/install-test-packages.sh).")
