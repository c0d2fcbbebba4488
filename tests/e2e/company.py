"""A company on a running Gatehouse, connected to its identity provider, and its people at work.

Nothing of Gatehouse is called in process: the command and the server run as their users run them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
from playwright.sync_api import Page, Response, expect

from tests.e2e.server import Server, gatehouse, running_server
from tests.e2e.simplesaml import IdentityProvider, Person

NAME = "Acme"
CONNECTION = "SimpleSAMLphp"
USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SIGN_IN_PAGE = re.compile(r"/sign-in\b")


@dataclass(frozen=True)
class Company:
    """An account connected to its identity provider in both ways, SCIM and SAML.

    ``entity_id`` is that of the SAML connection, and the URL of our metadata; ``folder`` is for
    files of the test.
    """

    server: Server
    identity_provider: IdentityProvider
    scim: requests.Session
    scim_base: str
    entity_id: str
    login_url: str
    acs_url: str
    ada_id: str
    folder: Path

    @property
    def start_page(self) -> str:
        return f"{self.server.url}/"

    def command(self, *arguments: str) -> dict[str, Any]:
        """Run a command of ``gatehouse`` that knows ``--json``, and return its JSON object."""
        return gatehouse(*arguments, env=self.server.env)

    def set_connection(self, *options: str) -> None:
        self.command("connection", "set", NAME, CONNECTION, *options)

    def renew_metadata(self) -> None:
        """Have Gatehouse read the identity provider's metadata as it is now."""
        path = _saved_metadata(self.identity_provider, self.folder)
        self.command("connection", "renew-metadata", NAME, CONNECTION, "--metadata", str(path))

    def deactivate_ada(self) -> None:
        change = {"op": "replace", "path": "active", "value": False}
        answer = self.scim.patch(
            f"{self.scim_base}/Users/{self.ada_id}",
            json={"schemas": [PATCH_SCHEMA], "Operations": [change]},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["active"] is False


@contextmanager
def running_company(
    database_url: str, folder: Path, identity_provider: IdentityProvider
) -> Iterator[Company]:
    """Start Gatehouse with the account Acme: Ada, in the group Designers, and nobody else."""
    with running_server(database_url, folder / "data") as server:
        gatehouse("account", "create", NAME, env=server.env)
        token = gatehouse(
            *("token", "create", NAME, "--name", "Directory", "--scope", "users,groups"),
            env=server.env,
        )
        scim = requests.Session()
        scim.headers["Authorization"] = f"Bearer {token['token']}"
        ada_id = _provision(scim, token["scim_base"], identity_provider.people["ada"])
        connection = _connect(server, identity_provider, folder)
        yield Company(
            server=server,
            identity_provider=identity_provider,
            scim=scim,
            scim_base=token["scim_base"],
            entity_id=connection["metadata_url"],
            login_url=connection["login_url"],
            acs_url=connection["acs_url"],
            ada_id=ada_id,
            folder=folder,
        )


def sign_in(page: Page, company: Company, person: Person, **query: str) -> None:
    """Start at Gatehouse, and fill in the form the identity provider shows."""
    page.goto(with_query(company.login_url, **query))
    fill_in_form(page, person)


def with_query(url: str, **query: str) -> str:
    return f"{url}?{urlencode(query)}" if query else url


def fill_in_form(page: Page, person: Person) -> None:
    """Say to the identity provider who one is."""
    page.locator("#username").fill(person.username)
    page.locator("#password").fill(person.password)
    page.get_by_role("button", name="Login").click()


def expect_signed_in(page: Page, person: Person, url: str) -> None:
    """The person has arrived, at this very address."""
    expect(page).to_have_url(url)
    expect(page.get_by_role("heading", level=1)).to_have_text(person.display_name)


def expect_refusal(page: Page, company: Company, answer: Response) -> None:
    """A plain page says no, and leaves nobody signed in."""
    assert answer.status == 403
    page.wait_for_load_state()
    expect(page.get_by_role("heading", level=1)).to_have_text("You could not be signed in")
    expect(page.locator("body")).not_to_contain_text("Traceback")
    expect_signed_out(page, company)


def expect_signed_out(page: Page, company: Company) -> None:
    """Gatehouse shows nobody's page to this browser."""
    page.goto(company.start_page)
    expect(page).to_have_url(SIGN_IN_PAGE)


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


def _connect(server: Server, identity_provider: IdentityProvider, folder: Path) -> dict[str, Any]:
    """Exchange metadata, so that each side trusts the other; return the connection's URLs."""
    theirs = str(_saved_metadata(identity_provider, folder))
    connection = gatehouse(
        *("connection", "add-saml", NAME, "--metadata", theirs, "--name", CONNECTION),
        env=server.env,
    )
    ours = requests.get(connection["metadata_url"], timeout=10)
    assert ours.status_code == 200, ours.text
    identity_provider.trust(ours.text)
    return connection


def _saved_metadata(identity_provider: IdentityProvider, folder: Path) -> Path:
    path = folder / "idp-metadata.xml"
    path.write_text(identity_provider.metadata(), encoding="utf-8")
    return path
