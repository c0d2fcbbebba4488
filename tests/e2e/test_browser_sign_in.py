"""The main job with real parties: SCIM push, SAML sign-in at SimpleSAMLphp in Chromium, and out."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.company import (
    NAME,
    SIGN_IN_PAGE,
    Company,
    expect_refusal,
    expect_signed_in,
    sign_in,
)
from tests.e2e.simplesaml import IdentityProvider


def test_only_who_is_provisioned_and_active_gets_in(
    company: Company, identity_provider: IdentityProvider, page: Page
) -> None:
    # One test, since a company takes long to set up: the command starts anew for each step.
    _share_brand_with_designers(company)
    with page.expect_response(company.acs_url) as answer:
        sign_in(page, company, identity_provider.people["grace"])
    expect_refusal(page, company, answer.value)

    page.context.clear_cookies()
    sign_in(page, company, identity_provider.people["ada"])
    expect_signed_in(page, identity_provider.people["ada"], company.start_page)
    brand = page.get_by_role("listitem").filter(has_text="Brand")
    expect(brand).to_contain_text("editor", ignore_case=True)
    expect(page.locator("body")).not_to_contain_text("Finance")

    company.deactivate_ada()
    page.reload()
    expect(page).to_have_url(SIGN_IN_PAGE)
    expect(page.locator("body")).not_to_contain_text("Brand")

    # Her session at the identity provider lives on: it sends her straight back.
    with page.expect_response(company.acs_url) as answer:
        page.goto(company.login_url)
    expect_refusal(page, company, answer.value)


def _share_brand_with_designers(company: Company) -> None:
    """Make /Brand, which Designers edit, and /Finance, which nobody but the owner sees."""
    company.command("folder", "create", NAME, "/Brand")
    company.command("folder", "create", NAME, "/Finance")
    company.command("grant", NAME, "--to", "group:Designers", "--folder", "/Brand", "--role=editor")
