"""The console in Chromium: every page looked at by axe, and what its script spares a reload for.

Pictures of every page, light, dark and as wide as a phone, are left in ``tests/e2e/screens``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, Route, expect

from app.access.permissions import FOLDER_ROLES
from app.console.languages import COOKIE, LANGUAGES
from app.directory.audit_chain import seal
from app.store.models import Connection, Folder, Membership, Operation
from app.store.types import new_id
from tests.conftest import make_app
from tests.console.test_guarding import ids_of, path_of, rules
from tests.e2e.server import Server, running_server
from tests.factories import (
    a_connection,
    a_custom_role,
    a_folder,
    a_grant,
    a_group,
    a_mapping,
    a_master_admin,
    a_session,
    a_token,
    a_user,
    an_account,
)
from tests.imports import a_file
from tests.inspection import row, rows

SCREENS = Path(__file__).with_name("screens")
SERIOUS = ("serious", "critical")
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 375, "height": 800}
FILES = ("saml_keys.certificate", "imports.problems", "drift.table", "drift.problems")
NO_PAGES = ("finder.suggested", *FILES)
OF_SAML = ("saml_options", "saml_metadata", "saml_keys", "saml_tester")
"""The pages of a connection that people sign in through."""


@dataclass(frozen=True)
class Console:
    server: Server
    app: Flask
    account: str
    secret: str
    """Of the administrator's session."""


@pytest.fixture
def console(tmp_path: Path, sqlite_template: Path, page: Page) -> Iterator[Console]:
    """A running Gatehouse with some of everything, and a browser in which an admin is signed in."""
    database = tmp_path / "console.sqlite3"
    database.write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{database}"
    app = make_app(url)
    with app.app_context():
        account = an_account("Acme")
        admin = a_master_admin(account, "admin@example.com")
        secret = a_session(account, admin)
        brand = a_folder(account, "Brand")
        a_folder(account, "2026", parent=brand)
        a_folder(account, "Unreleased", parent=brand, restricted=True)
        bob = a_user(account, "bob@example.com", display_name="Bob Bright")
        group = a_group(account, "Designers", members=[bob])
        a_grant(account, group, "editor", brand)
        a_mapping(account, "Editors", "viewer", brand)
        for role in (*FOLDER_ROLES, a_custom_role(account, "folder", {"asset.upload"})):
            a_grant(account, a_group(account, f"Group of {role}"), role, brand)
        seal(account)  # so that the figures of the day are not all nought
        with running_server(url, tmp_path) as server:
            cookie = {"name": "gatehouse", "value": secret, "url": server.url}
            page.context.add_cookies([cookie])
            page.set_viewport_size(WIDE)
            yield Console(server, app, account, secret)


def test_every_page_is_accessible_and_says_nothing_in_the_log(console: Console, page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
    SCREENS.mkdir(exist_ok=True)
    faults = []
    paths = {"/", "/me/second-factor", "/me/sessions", "/find?q=b", "/sign-in"}
    ids = ids_of(console.account)
    saml = row(Connection, account_id=console.account, kind="saml").id
    paths.add(f"/connections/{saml}")
    for endpoint, method, rule in rules(console.app):
        if method == "GET" and endpoint not in NO_PAGES:
            is_of_saml = endpoint.partition(".")[0] in OF_SAML
            path = path_of(rule, ids | {"connection_id": saml} if is_of_saml else ids)
            paths.add(f"{path}?user={ids['user_id']}" if endpoint == "giving.give" else path)
    for path in sorted(paths):
        name = path.strip("/").split("?")[0]
        for value in (saml, *ids.values()):
            name = name.replace(value, "one")
        name = name.replace("/", "-") or "start"
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            answer = page.goto(console.server.url + path)
            assert answer is not None and answer.status == 200, path
            page.screenshot(path=SCREENS / f"{name}-{theme}.png")
            found = Axe().run(page).response["violations"]
            faults += [
                f"{path} {theme}: {fault['id']} {node['target']}"
                for fault in found
                if fault["impact"] in SERIOUS
                for node in fault["nodes"][:2]
            ]
        page.set_viewport_size(PHONE)
        page.screenshot(path=SCREENS / f"{name}-phone.png")
        for language in LANGUAGES:
            page.context.add_cookies(
                [{"name": COOKIE, "value": language, "url": console.server.url}]
            )
            page.goto(console.server.url + path)
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > PHONE["width"]:
                faults.append(f"{path}: {width} wide on a phone in {LANGUAGES[language]}")
        page.context.clear_cookies(name=COOKIE)
        page.set_viewport_size(WIDE)
    assert not faults, "\n".join(faults)
    assert said == []


def test_an_admin_finds_shares_and_understands(console: Console, page: Page) -> None:
    page.goto(console.server.url + "/people")
    page.get_by_role("searchbox", name="User name").press_sequentially("bob")
    expect(page.get_by_role("table", name="People").get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="Bob Bright").click()
    page.get_by_label("May they").select_option("asset.upload")
    page.get_by_label("on the folder").fill("/Brand/2026")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("They may, because of:")).to_be_visible()

    page.get_by_role("link", name="Folders", exact=True).click()
    page.locator("summary").filter(has_text="What lies in Brand").click()
    page.get_by_role("link", name="Unreleased").click()
    page.get_by_role("link", name="Share").click()
    page.get_by_label("Who").fill("bob@example.com")
    page.get_by_label("Role").select_option("viewer")
    expect(page.get_by_label("What this changes")).to_contain_text("viewer: /Brand/Unreleased")
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_role("status")).to_have_text("The folder is shared.")
    expect(page.get_by_role("link", name="bob@example.com")).to_be_visible()


def test_what_was_filled_in_before_the_script_came_is_shown_too(
    console: Console, page: Page
) -> None:
    held: list[Route] = []
    page.route("**/live.js", lambda route: held.append(route))
    folder = row(Folder, account_id=console.account, name="Unreleased").id
    page.goto(f"{console.server.url}/folders/{folder}/share", wait_until="commit")
    page.get_by_label("Who").fill("bob@example.com")
    page.get_by_label("Role").select_option("viewer")
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    expect(page.get_by_label("What this changes")).to_contain_text("viewer: /Brand/Unreleased")


def test_the_waiting_page_turns_green_by_itself(console: Console, page: Page) -> None:
    connection = a_connection(console.account, name="Okta")
    token = a_token(console.account, connection)
    page.goto(f"{console.server.url}/connections/{connection}")
    state = page.locator("#state")
    expect(state).to_contain_text("Waiting for the first request")
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": new_id()}
    headers = {"Authorization": f"Bearer {token.secret}"}
    answer = requests.post(
        f"{console.server.url}/scim/v2/Users", json=body, headers=headers, timeout=10
    )
    assert answer.status_code == 201
    expect(state).to_contain_text("It works: the last request was answered.")


def test_the_matrix_is_narrowed_where_one_is_and_a_bar_leads_to_its_day(
    console: Console, page: Page
) -> None:
    page.goto(console.server.url + "/matrix")
    with page.expect_navigation():
        page.get_by_role("link", name="Brand").click()
    page.get_by_role("searchbox", name="Groups whose name").press_sequentially("des")
    matrix = page.get_by_role("table", name="Access matrix")
    expect(matrix.get_by_role("row")).to_have_count(2)
    expect(matrix.get_by_role("columnheader", name="Unreleased restricted")).to_be_visible()
    matrix.get_by_role("link", name="editor, from above").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Designers on /Brand/2026")

    page.goto(console.server.url + "/activity?days=7")
    page.locator("figure").first.locator("rect.good").last.click()
    expect(page).to_have_url(re.compile(r"/audit\?since=.*&action=session.opened"))
    expect(page.get_by_role("table", name="Audit log").get_by_role("row")).to_have_count(2)


def test_an_import_moves_its_bar_and_is_found_again(console: Console, page: Page) -> None:
    """It begins within a second or two of being asked for; the page follows by itself."""
    page.goto(console.server.url + "/imports/new")
    text = a_file(3_000, groups=20, each=3)
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": text.encode()}
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("This was a trial")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Import it now").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.goto(console.server.url + "/people")
    page.get_by_role("link", name="Imports", exact=True).click()
    page.get_by_role("row", name="people.csv").first.get_by_role("link").click()
    expect(page.get_by_text("done", exact=True)).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    assert [each.state for each in rows(Operation, account_id=console.account)] == ["done"] * 2
    assert len(rows(Membership, account_id=console.account)) == 1 + 3_000 * 3


def test_it_works_without_script(console: Console, page: Page) -> None:
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False)
    try:
        cookie = {"name": "gatehouse", "value": console.secret, "url": console.server.url}
        context.add_cookies([cookie])
        plain = context.new_page()
        plain.goto(console.server.url + "/groups/new")
        plain.get_by_label("Name", exact=True).fill("Interns")
        plain.get_by_role("button", name="Add").click()
        expect(plain.get_by_role("heading", level=1)).to_have_text("Interns")
        plain.get_by_label("Who", exact=True).fill("bob@example.com")
        plain.get_by_role("button", name="Add", exact=True).click()
        expect(plain.get_by_role("status")).to_have_text("One is in Interns now.")
    finally:
        context.close()
