"""Every page of the console, tried by nobody, by who may not, by another account, and forged.

The pages are found in the application, so that a new one is tried too. A parameter that is not
known here fails.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask

from tests.api.v1.world import MAKERS
from tests.console.client import Browser
from tests.factories import a_master_admin, a_session, a_user, an_account
from tests.inspection import rows_of

OPEN = frozenset(
    {
        *("console.home", "console.static", "console.sign_in", "console.sign_in_with_company"),
        *("console.show_link", "console.use_link", "console.sign_out", "console.choose_language"),
        *("applications.start", "applications.hand_over", "applications.enter"),
        *("passwords.sign_in_with_password", "passwords.forgotten", "passwords.send_reset"),
        *("passwords.ask_password", "passwords.set_by_link"),
        *("own_password.change", "own_sessions.end_others", "me.change_names"),
    }
)
"""Views that say themselves who they are for; their own tests try them."""
OPEN_BLUEPRINTS = frozenset({"second_factor", "own_factors"})
CHOICES = {
    "type_": "user",
    "do": None,
    "scope": "folder",
    "setting": "keeps_unknown",
    "provider": "okta",
    "state": None,
    "rule": None,
}
"""What stands for a parameter that is no id. None: any of those the rule lists."""
NOT_AN_ID = frozenset(CHOICES)
_DAY = timedelta(days=1)


def rules(app: Flask) -> list[tuple[str, str, str]]:
    """Return the endpoint, the method and the path of each guarded view of the console."""
    found = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if not view.__module__.startswith("app.console."):
            continue
        if rule.endpoint in OPEN or rule.endpoint.partition(".")[0] in OPEN_BLUEPRINTS:
            continue
        assert hasattr(view, "needs"), f"{rule.endpoint} is guarded by nobody"
        methods = sorted(rule.methods & {"GET", "POST"})
        found += [(rule.endpoint, method, rule.rule) for method in methods]
    assert len(found) > 80
    return found


def path_of(rule: str, ids: dict[str, str]) -> str:
    """Return the path of a rule with its parameters filled in."""

    def fill(match: re.Match[str]) -> str:
        converter, name = match.group(1) or "", match.group(2)
        if name in CHOICES:
            return CHOICES[name] or re.split(r"[(,)]", converter)[1].strip()
        return ids[name]

    return re.sub(r"<(?:([^:<>]+):)?(\w+)>", fill, rule)


def ids_of(account: str) -> dict[str, str]:
    """Make what parameters name, of an account."""
    return {name: make(account) for name, make in MAKERS.items()}


def token_of(browser: Browser) -> dict[str, str]:
    """What makes a form no forged one."""
    (value, *_) = browser.page("/me/profile").xpath("//input[@name='csrf_token']/@value")
    return {"csrf_token": value}


@pytest.fixture
def admin(app, account) -> Browser:
    browser = Browser(app)
    browser.sign_in(a_session(account, a_master_admin(account), lifetime=_DAY))
    return browser


def test_nobody_is_sent_to_sign_in(app, account):
    nobody, ids = Browser(app), ids_of(account)
    for endpoint, method, rule in rules(app):
        answer = nobody.open(method, path_of(rule, ids))
        if method == "GET":
            assert answer.status_code == 303, endpoint
            assert answer.location.startswith("/sign-in?next="), endpoint
        else:
            assert answer.status_code == 400, endpoint  # without a form of ours


def test_who_may_do_nothing_reads_and_writes_nothing(app, account):
    ids = ids_of(account)
    browser = Browser(app)
    browser.sign_in(a_session(account, a_user(account, "nobody@example.com"), lifetime=_DAY))
    form = token_of(browser)
    before = rows_of(account)
    for endpoint, method, rule in rules(app):
        answer = browser.open(method, path_of(rule, ids), data=form if method == "POST" else None)
        if app.view_functions[endpoint].needs is not None:
            assert answer.status_code == 403, endpoint
        elif "<" in rule and not rule.startswith("/find"):
            assert answer.status_code in (403, 404), endpoint
        else:
            assert answer.status_code in (200, 403, 404), endpoint
    after = rows_of(account)
    assert {name for name in before if before[name] != after[name]} <= {"sessions"}


def test_another_account_does_not_exist(app, admin):
    other = an_account("Globex")
    ids = ids_of(other)
    form = token_of(admin) | {"wanted": "on", "purpose": "invitation"}
    before = rows_of(other)
    for endpoint, method, rule in rules(app):
        parameters = set(re.findall(r"(\w+)>", rule))
        if not parameters - NOT_AN_ID:
            continue
        answer = admin.open(method, path_of(rule, ids), data=form if method == "POST" else None)
        assert answer.status_code == 404, (endpoint, method, answer.status_code)
    for query in (f"user={ids['user_id']}", f"group={ids['group_id']}"):
        assert admin.get(f"/grants/give?{query}").status_code == 404
    assert rows_of(other) == before


def test_a_forged_form_changes_nothing(app, account, admin):
    ids = ids_of(account)
    before = rows_of(account)
    for endpoint, method, rule in rules(app):
        if method == "POST":
            assert admin.post(path_of(rule, ids)).status_code == 400, endpoint
    after = rows_of(account)
    assert {name for name in before if before[name] != after[name]} <= {"sessions"}


@pytest.mark.parametrize(
    "odd", ["%00", "x" * 3000, "%F0%9F%92%A9", "..%2F..", "%27%22%3E%3Cscript%3E"]
)
def test_odd_arguments_are_no_error_of_ours(app, account, admin, odd):
    names = (
        *("q", "prefix", "in", "cursor", "after", "before", "user", "group", "folder", "action"),
        *("status", "origin", "role", "sort", "type", "match_by", "connection", "surface"),
        *("since", "until", "actor", "target", "target_type", "outcome", "grants", "provider"),
        *("preset", "number", "groups", "second_factor", "signed_in"),
    )
    query = "&".join(f"{name}={odd}" for name in names)
    ids = ids_of(account)
    for endpoint, method, rule in rules(app):
        if method == "GET":
            answer = admin.get(f"{path_of(rule, ids)}?{query}")
            assert answer.status_code < 500, (endpoint, odd)
