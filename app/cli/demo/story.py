"""The walk itself: each step with its request and what came of it."""

from __future__ import annotations

import re
import time
from html import unescape
from typing import Any

import requests
from rich.console import Console
from rich.table import Table

from app.access import decisions
from app.cli.demo.stage import Stage, stage
from app.cli.group import actor
from app.directory import folders, mappings, roles
from app.directory.work import transaction

PEOPLE = {"ada": "Ada Lovelace", "ben": "Ben Okri", "cleo": "Cleo Laine"}
GROUPS = {"Designers": ("ada", "ben"), "Marketing": ("ada", "cleo")}
MAPPINGS = (("Designers", "editor", "/Brand"), ("Marketing", "viewer", "/Campaigns"))
ACTIONS = ("folder.view", "asset.download", "asset.upload", "asset.edit", "asset.delete")
PATHS = ("/Brand/Logos", "/Campaigns/Spring", "/Finance")
SCHEMAS = "urn:ietf:params:scim:schemas:core:2.0"

console = Console(highlight=False)


def tell(port: int, leave: bool) -> None:
    """Tell the whole story.

    :param leave: Whether to stop at the end; otherwise the console stays open until Ctrl-C.
    """
    console.print("[bold]Gatehouse demo[/]: a server and an identity provider are starting …")
    with stage(port) as scene:
        okta = Okta(scene)
        ids = provision(okta)
        map_groups(scene)
        browser = sign_in(scene)
        show_access(scene, ids["ada"])
        deactivate(okta, ids["ada"], browser)
        console.print("\n[bold green]That is the main job, end to end.[/]")
        if not leave:
            stay_open(scene)


class Okta:
    """Speaks SCIM as Okta's provisioning does, and prints what it says."""

    def __init__(self, scene: Stage) -> None:
        self.base = f"{scene.url}/scim/v2"
        self.http = requests.Session()
        self.http.headers.update(
            {
                "Authorization": f"Bearer {scene.token}",
                "User-Agent": "Okta SCIM Client 1.0.0",
                "Accept": "application/scim+json",
                "Content-Type": "application/scim+json",
            }
        )

    def call(self, method: str, path: str, body: Any = None, says: str = "") -> Any:
        answer = self.http.request(method, self.base + path, json=body, timeout=30)
        note(f"{method} /scim/v2{path}", answer, says)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def provision(okta: Okta) -> dict[str, str]:
    """Push three people and two groups, and return the ids of the people."""
    heading("1  Okta provisions three people and two groups over SCIM")
    ids = {}
    for short, full in PEOPLE.items():
        email = f"{short}@example.com"
        okta.call("GET", f'/Users?filter=userName eq "{email}"&startIndex=1&count=100', says="new")
        given, family = full.split()
        user = {
            "schemas": [f"{SCHEMAS}:User"],
            "userName": email,
            "displayName": full,
            "name": {"givenName": given, "familyName": family},
            "emails": [{"value": email, "type": "work", "primary": True}],
            "active": True,
        }
        ids[short] = okta.call("POST", "/Users", user, says=full)["id"]
    for name, members in GROUPS.items():
        group = {"schemas": [f"{SCHEMAS}:Group"], "displayName": name, "members": []}
        group_id = okta.call("POST", "/Groups", group, says=name)["id"]
        entries = [{"value": ids[each]} for each in members]
        add = {"op": "add", "path": "members", "value": entries}
        patch = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [add]}
        says = f"{name}: {', '.join(PEOPLE[each] for each in members)}"
        okta.call("PATCH", f"/Groups/{group_id}", patch, says=says)
    return ids


def map_groups(scene: Stage) -> None:
    """Give each group its folder."""
    heading("2  The groups are mapped to folders")
    with scene.app.app_context(), transaction(scene.account_id, actor()) as work:
        for group, role, path in MAPPINGS:
            role_id = roles.find(scene.account_id, "folder", role)
            folder_id = folders.find_by_path(scene.account_id, path)
            mappings.create(work, group, role_id, folder_id)
            command = f"gatehouse mapping create … --group {group} --role {role} --folder {path}"
            console.print(f"   [cyan]{command}[/]", soft_wrap=True)


def sign_in(scene: Stage) -> requests.Session:
    """Sign in as Ada, the way a browser does, and return the browser."""
    heading("3  Ada signs in over SAML")
    browser = requests.Session()
    login = f"/saml/{scene.saml_id}/login"
    asked = browser.get(scene.url + login, allow_redirects=False, timeout=30)
    note("GET /saml/…/login", asked, "a signed AuthnRequest, on the way to the provider")
    chosen = browser.post(asked.headers["Location"], {"email": "ada@example.com"}, timeout=30)
    note("POST the provider's form", chosen, "a signed Response, on the way back")
    response = unescape(re.findall(r'name="SAMLResponse" value="([^"]+)"', chosen.text)[0])
    action = unescape(re.findall(r'action="([^"]+)"', chosen.text)[0])
    done = browser.post(action, {"SAMLResponse": response}, allow_redirects=False, timeout=30)
    note("POST /saml/…/acs", done, "checked, and a session opened")
    who = browser.get(f"{scene.url}/api/session", timeout=30)
    note("GET /api/session", who, f"it is {who.json()['user']['displayName']}")
    return browser


def show_access(scene: Stage, user_id: str) -> None:
    """Show what Ada may do where, and why."""
    heading("4  What Ada may do where")
    table = Table(box=None, padding=(0, 2, 0, 3))
    for title in ("folder", *ACTIONS):
        table.add_column(title.rpartition(".")[2])
    reasons = []
    with scene.app.app_context():
        for path in PATHS:
            folder_id = folders.find_by_path(scene.account_id, path)
            found = [
                decisions.check(scene.account_id, user_id, action, folder_id) for action in ACTIONS
            ]
            marks = ["[green]yes[/]" if each.allowed else "[red]no[/]" for each in found]
            table.add_row(path, *marks)
            reasons.append(f"   {path}: {found[0].in_words()}")
    console.print(table)
    for reason in reasons:
        console.print(reason, style="dim", markup=False, soft_wrap=True)


def deactivate(okta: Okta, user_id: str, browser: requests.Session) -> None:
    """Deactivate Ada, and show that her very next request is refused."""
    heading("5  Okta deactivates Ada; her very next request is refused")
    replace = {"op": "replace", "value": {"active": False}}
    patch = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [replace]}
    okta.call("PATCH", f"/Users/{user_id}", patch, says="active is false")
    began = time.perf_counter()
    refused = browser.get(okta.base.replace("/scim/v2", "/api/session"), timeout=30)
    took = (time.perf_counter() - began) * 1000
    note("GET /api/session", refused, f"the session is dead, {took:.0f} ms later")
    if refused.status_code != 401:
        raise OSError("The session should have been refused.")


def stay_open(scene: Stage) -> None:
    """Leave everything running to look at, until Ctrl-C."""
    console.print("\nThe console is open. Sign in as its administrator with this link:")
    print_link(scene.admin_link)
    console.print("Press Ctrl-C to end the demo; its data goes with it.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("\nGood-bye.")


def heading(text: str) -> None:
    console.print(f"\n[bold]{text}[/]")


def print_link(link: str) -> None:
    console.print(f"   {link}", soft_wrap=True, markup=False)


def note(asked: str, answer: requests.Response, says: str = "") -> None:
    """Print one request with its outcome."""
    colour = "green" if answer.ok or answer.status_code == 401 else "red"
    line = f"   {asked}  ->  {answer.status_code}"
    console.print(line, style=colour, markup=False, end="  " if says else "\n", soft_wrap=True)
    if says:
        console.print(says, style="dim", markup=False, soft_wrap=True)
