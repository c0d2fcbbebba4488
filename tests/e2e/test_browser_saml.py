"""What SAML does beyond a plain sign-in, with SimpleSAMLphp in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.company import (
    Company,
    expect_refusal,
    expect_signed_in,
    expect_signed_out,
    fill_in_form,
    sign_in,
    with_query,
)
from tests.e2e.simplesaml import IdentityProvider

HTTP_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"

one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database has a part in: a company takes long to set up."""


@one_database
def test_a_link_is_followed_after_sign_in_within_this_site_only(
    company: Company, identity_provider: IdentityProvider, page: Page
) -> None:
    ada = identity_provider.people["ada"]
    sign_in(page, company, ada, next="/?from=link")
    expect_signed_in(page, ada, f"{company.start_page}?from=link")

    # She is signed in at the identity provider from here on: no form any more.
    for elsewhere in ("//evil.example/", "https://evil.example/", "/\\evil.example/"):
        page.goto(with_query(company.login_url, next=elsewhere))
        expect_signed_in(page, ada, company.start_page)


@one_database
def test_people_start_at_the_identity_provider_where_the_connection_lets_them(
    company: Company, identity_provider: IdentityProvider, page: Page
) -> None:
    ada = identity_provider.people["ada"]
    portal = with_query(identity_provider.sso_url, spentityid=company.entity_id)
    page.goto(portal)
    with page.expect_response(company.acs_url) as answer:
        fill_in_form(page, ada)
    expect_refusal(page, company, answer.value)

    company.set_connection("--allow-unsolicited")
    page.goto(portal)
    expect_signed_in(page, ada, company.start_page)
    page.goto(f"{portal}&RelayState=%2F%3Ffrom%3Dportal")
    expect_signed_in(page, ada, f"{company.start_page}?from=portal")
    page.goto(f"{portal}&RelayState=https%3A%2F%2Fevil.example%2F")
    expect_signed_in(page, ada, company.start_page)


@one_database
def test_an_encrypted_assertion_signs_in_and_is_insisted_on(
    company: Company, identity_provider: IdentityProvider, page: Page
) -> None:
    # SimpleSAMLphp 1.19 encrypts for a public key with AES-128-CBC and RSA-OAEP, and knows no
    # setting for another cipher. Gatehouse takes CBC within a signed response alone.
    ada = identity_provider.people["ada"]
    company.set_connection("--require-encryption")
    with page.expect_response(company.acs_url) as answer:
        sign_in(page, company, ada)
    expect_refusal(page, company, answer.value)

    identity_provider.configure({"assertion.encryption": True})
    page.goto(company.login_url)
    expect_signed_in(page, ada, company.start_page)

    page.context.clear_cookies(domain="127.0.0.1")
    identity_provider.configure({"saml20.sign.response": False})
    with page.expect_response(company.acs_url) as answer:
        page.goto(company.login_url)
    expect_refusal(page, company, answer.value)


@one_database
def test_the_identity_provider_changes_its_key_without_a_gap(
    company: Company, identity_provider: IdentityProvider, page: Page
) -> None:
    ada = identity_provider.people["ada"]
    old = {"privatekey": "idp.key", "certificate": "idp.crt"}
    new = {"privatekey": "new.key", "certificate": "new.crt"}
    identity_provider.make_key("new")

    # It announces the new key, and still signs with the old.
    identity_provider.configure({f"new_{name}": file for name, file in new.items()})
    company.renew_metadata()
    sign_in(page, company, ada)
    expect_signed_in(page, ada, company.start_page)

    # It signs with the new key alone; Gatehouse still knows both.
    identity_provider.configure(new | dict.fromkeys(("new_privatekey", "new_certificate")))
    _sign_in_again(page, company)
    expect_signed_in(page, ada, company.start_page)

    # Gatehouse has heard that the old key is gone: whoever still signs with it is refused.
    company.renew_metadata()
    _sign_in_again(page, company)
    expect_signed_in(page, ada, company.start_page)
    identity_provider.configure(old)
    with page.expect_response(company.acs_url) as answer:
        _sign_in_again(page, company)
    expect_refusal(page, company, answer.value)


def test_signing_out_on_either_side_ends_the_session_on_both(
    company: Company, identity_provider: IdentityProvider, page: Page
) -> None:
    ada = identity_provider.people["ada"]
    sign_in(page, company, ada)
    expect_signed_in(page, ada, company.start_page)
    _sign_out(page)
    expect_signed_out(page, company)
    # There too: it asks for the password again. So below, each time somebody signs in.
    sign_in(page, company, ada)
    expect_signed_in(page, ada, company.start_page)

    # Begun at the identity provider, which is told that it is done, and goes on.
    cookies = page.context.cookies(company.server.url)
    there = identity_provider.front_page_url
    page.goto(with_query(identity_provider.logout_url, RelayState=there))
    expect(page).to_have_url(there)
    # The browser still has the cookie: it is the session that is over.
    assert page.context.cookies(company.server.url) == cookies
    expect_signed_out(page, company)

    # With an identity provider that takes forms alone, no redirects.
    identity_provider.configure({"SingleLogoutServiceBinding": [HTTP_POST]})
    company.renew_metadata()
    sign_in(page, company, ada)
    expect_signed_in(page, ada, company.start_page)
    _sign_out(page)
    sign_in(page, company, ada)
    expect_signed_in(page, ada, company.start_page)


def _sign_out(page: Page) -> None:
    """Press the button of the console, and come back from the identity provider."""
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
    expect(page.locator("body")).not_to_contain_text("still be signed in elsewhere")


def _sign_in_again(page: Page, company: Company) -> None:
    """Forget the session here; the identity provider still knows who it is."""
    page.context.clear_cookies(domain="127.0.0.1")
    page.goto(company.login_url)
