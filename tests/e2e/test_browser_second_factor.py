"""Passkeys and authenticator apps in Chromium, with a device that Chromium plays itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.server import Server, gatehouse, running_server
from tests.second_factors import code_of

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
ADA = "ada@example.com"


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[Server]:
    """Gatehouse under a host name: passkeys are bound to one, and never to an address."""
    with running_server(database_url, tmp_path, public_url="http://localhost:{port}") as server:
        gatehouse("account", "create", "Acme", env=server.env)
        gatehouse("account", "require-second-factor", "Acme", env=server.env)
        yield server


def test_people_get_a_second_factor_and_sign_in_with_it(server: Server, page: Page) -> None:
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))

    _open_link(server, page)
    expect(page).to_have_url(re.compile("/sign-in/enrol$"))
    page.get_by_role("button", name="Add a passkey").click()
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    expect(codes).to_have_count(10)
    spare = codes.first.inner_text()
    page.get_by_role("link", name="I have kept them").click()
    _expect_signed_in(page)

    _sign_out_and_come_back(server, page)
    page.get_by_role("button", name="Use your passkey").click()
    _expect_signed_in(page)

    # The page draws the QR code and the script runs under the policy that all pages have.
    page.get_by_role("link", name="Second factor").click()
    page.get_by_role("button", name="Set up an authenticator app").click()
    picture = page.get_by_role("img", name="QR code")
    assert picture.evaluate("image => image.naturalWidth") > 100
    secret = page.locator("#secret").inner_text().replace(" ", "")
    page.get_by_label("Six digits").fill(code_of(secret))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("row").filter(has_text="Authenticator app")).to_be_visible()
    assert problems == []

    _sign_out_and_come_back(server, page)
    page.get_by_text("Use a recovery code").click()
    page.get_by_label("Recovery code").fill(spare)
    page.get_by_role("group").get_by_role("button", name="Continue").click()
    _expect_signed_in(page)


def _open_link(server: Server, page: Page) -> None:
    link = gatehouse("admin", "create", ADA, env=server.env)["link"]
    assert urlsplit(link).hostname == "localhost"
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()


def _sign_out_and_come_back(server: Server, page: Page) -> None:
    page.get_by_role("link", name="Gatehouse").click()
    page.get_by_role("button", name="Sign out").click()
    _open_link(server, page)
    expect(page).to_have_url(re.compile("/sign-in/second-factor$"))


def _expect_signed_in(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(ADA)
