"""The main job with real parties: SCIM push, SAML sign-in at SimpleSAMLphp in Chromium, and out.

Nothing of Gatehouse is called in process: the command and the server run as their users run them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, Response, expect

from tests.e2e.server import Server, gatehouse, running_server
from tests.e2e.simplesaml import IdentityProvider, Person

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SIGN_IN_PAGE = re.compile(r"/sign-in\b")


@dataclass(frozen=True)
class Company:
    """An account on a running Gatehouse, connected to its identity provider in both ways."""

    server: Server
    scim: requests.Session
    scim_base: str
    login_url: str
    acs_url: str
    ada_id: str

    def deactivate_ada(self) -> None:
        change = {"op": "replace", "path": "active", "value": False}
        answer = self.scim.patch(
            f"{self.scim_base}/Users/{self.ada_id}",
            json={"schemas": [PATCH_SCHEMA], "Operations": [change]},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["active"] is False


@pytest.fixture
def company(
    database_url: str, tmp_path: Path, identity_provider: IdentityProvider
) -> Iterator[Company]:
    """Acme: Ada is in the group Designers, which edits /Brand; nobody else is known."""
    with running_server(database_url, tmp_path / "data") as server:
        gatehouse("account", "create", "Acme", env=server.env)
        token = gatehouse(
            *("token", "create", "Acme", "--name", "Directory", "--scope", "users,groups"),
            env=server.env,
        )
        scim = requests.Session()
        scim.headers["Authorization"] = f"Bearer {token['token']}"
        ada_id = _provision(scim, token["scim_base"], identity_provider.people["ada"])
        gatehouse("folder", "create", "Acme", "/Brand", env=server.env)
        gatehouse("folder", "create", "Acme", "/Finance", env=server.env)
        gatehouse(
            *("grant", "Acme", "--to", "group:Designers", "--folder", "/Brand", "--role", "editor"),
            env=server.env,
        )
        connection = _connect(server, identity_provider, tmp_path)
        yield Company(
            server=server,
            scim=scim,
            scim_base=token["scim_base"],
            login_url=connection["login_url"],
            acs_url=connection["acs_url"],
            ada_id=ada_id,
        )


def test_only_who_is_provisioned_and_active_gets_in(
    company: Company, identity_provider: IdentityProvider, page: Page
) -> None:
    # One test, since a company takes long to set up: the command starts anew for each step.
    with page.expect_response(company.acs_url) as answer:
        _sign_in(page, company, identity_provider.people["grace"])
    _expect_refusal(page, company, answer.value)

    page.context.clear_cookies()
    _sign_in(page, company, identity_provider.people["ada"])
    expect(page).to_have_url(f"{company.server.url}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")
    brand = page.get_by_role("row").filter(has_text="/Brand")
    expect(brand).to_contain_text("editor", ignore_case=True)
    expect(page.locator("body")).not_to_contain_text("Finance")

    company.deactivate_ada()
    page.reload()
    expect(page).to_have_url(SIGN_IN_PAGE)
    expect(page.locator("body")).not_to_contain_text("/Brand")

    # Her session at the identity provider lives on: it sends her straight back.
    with page.expect_response(company.acs_url) as answer:
        page.goto(company.login_url)
    _expect_refusal(page, company, answer.value)


def _provision(scim: requests.Session, base: str, person: Person) -> str:
    """Push a person and the group Designers with them in it; return the person's id."""
    user = {
        "schemas": [USER_SCHEMA],
        "userName": person.email,
        "displayName": person.display_name,
        "emails": [{"value": person.email, "type": "work", "primary": True}],
        "active": True,
    }
    created = scim.post(f"{base}/Users", json=user, timeout=10)
    assert created.status_code == 201, created.text
    user_id: str = created.json()["id"]
    group = {
        "schemas": [GROUP_SCHEMA],
        "displayName": "Designers",
        "members": [{"value": user_id}],
    }
    created = scim.post(f"{base}/Groups", json=group, timeout=10)
    assert created.status_code == 201, created.text
    return user_id


def _connect(server: Server, identity_provider: IdentityProvider, folder: Path) -> dict[str, str]:
    """Exchange metadata, so that each side trusts the other; return the connection's URLs."""
    theirs = folder / "idp-metadata.xml"
    theirs.write_text(identity_provider.metadata_xml, encoding="utf-8")
    connection = gatehouse(
        *("connection", "add-saml", "Acme", "--metadata", str(theirs), "--name", "SimpleSAMLphp"),
        env=server.env,
    )
    ours = requests.get(connection["metadata_url"], timeout=10)
    assert ours.status_code == 200, ours.text
    identity_provider.trust(ours.text)
    return connection


def _sign_in(page: Page, company: Company, person: Person) -> None:
    """Start at Gatehouse, and fill in the form the identity provider shows."""
    page.goto(company.login_url)
    page.locator("#username").fill(person.username)
    page.locator("#password").fill(person.password)
    page.get_by_role("button", name="Login").click()


def _expect_refusal(page: Page, company: Company, answer: Response) -> None:
    """A plain page says no, and leaves nobody signed in."""
    assert answer.status == 403
    page.wait_for_load_state()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("Traceback")
    page.goto(f"{company.server.url}/")
    expect(page).to_have_url(SIGN_IN_PAGE)
