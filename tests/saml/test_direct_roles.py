"""Roles that an assertion names itself: given, kept in step, and never more than was agreed."""

from __future__ import annotations

import pytest

from app.access.decisions import account_roles, check
from app.directory import users
from app.directory.errors import Invalid
from app.store.models import Grant, User
from saml import setup
from tests.conftest import write
from tests.factories import a_custom_role, a_folder, a_grant
from tests.inspection import audit, fingerprint, row, rows
from tests.saml.conftest import connect
from tests.saml.test_just_in_time import telling

NAMES = {"accountRole": "role", "folders": "folders"}
MAY_GIVE = ("media_library_admin", "reports", "viewer", "editor")


@pytest.fixture
def arrive(app, account, provider):
    browser = connect(
        app,
        account,
        provider,
        provisioning="update",
        attribute_names=NAMES,
        may_give=MAY_GIVE,
    )

    def sign_in(name_id="eve@example.com", **values):
        asked = browser.start()
        told = telling(**values)
        return browser.post(provider.response(browser.sp, asked, name_id=name_id, before=told))

    sign_in.browser = browser
    return sign_in


def eve() -> str:
    return row(User, user_name="eve@example.com").id


def roles_of(account: str) -> list[str]:
    return [each.role_id for each in account_roles(account, eve())]


def test_the_account_role_follows_the_assertion(arrive, account):
    arrive(role="Media_Library_Admin")
    assert roles_of(account) == ["media_library_admin"]
    assert row(Grant).origin == "saml"
    arrive(role="reports")
    assert roles_of(account) == ["reports"]
    arrive()  # none sent is none
    assert roles_of(account) == []
    arrive(role="reports")
    arrive(role="")
    assert roles_of(account) == []


def test_a_role_that_is_none_here_gives_nothing(arrive, account):
    assert arrive(role="Engineer").status_code == 303
    assert roles_of(account) == []


def test_folders_follow_the_assertion(arrive, account):
    brand = a_folder(account, "Brand")
    logos = a_folder(account, "Logos", parent=brand)
    arrive(folders=["editor:/Brand/Logos", "/Brand", "editor:/Nothing", "dancer:/Brand"])
    assert check(account, eve(), "asset.edit", logos).allowed
    assert not check(account, eve(), "asset.edit", brand).allowed
    assert check(account, eve(), "folder.view", brand).allowed
    arrive(folders="viewer:/Brand/Logos")
    assert not check(account, eve(), "asset.edit", logos).allowed
    assert not check(account, eve(), "folder.view", brand).allowed
    arrive(folders="")
    assert rows(Grant) == []


def test_a_role_without_a_folder_is_not_one_on_everything(arrive):
    arrive(folders=["viewer", "viewer:", ":", "viewer:/", "viewer://", "/", "viewer: "])
    assert rows(Grant) == []


def test_what_was_given_by_hand_stays(arrive, account):
    brand = a_folder(account, "Brand")
    arrive()
    a_grant(account, eve(), "editor", brand)
    arrive(folders="editor:/Brand")
    assert {each.origin for each in rows(Grant)} == {"manual", "saml"}
    arrive(folders="")
    assert row(Grant).origin == "manual"


@pytest.mark.parametrize(
    "values",
    [
        {"role": "master_admin"},
        {"role": "MASTER_ADMIN"},
        {"folders": "manager:/"},
        {"folders": ["/Brand", "manager:/Brand"]},
        {"folders": "Press:/Brand"},
        {"role": "reports", "folders": "contributor:/Brand"},
    ],
)
def test_a_role_beyond_what_may_be_given_is_refused_with_the_sign_in(arrive, account, values):
    a_folder(account, "Brand")
    a_custom_role(account, "folder", ["folder.view"], name="Press")
    before = fingerprint()
    answer = arrive(**values)
    arrive.browser.assert_refused(answer, "which this connection may not give")
    after = fingerprint()
    assert {table for table in after if after[table] != before[table]} == {
        "audit_events",
        "saml_requests",
        "saml_traces",
    }


def test_a_limit_that_was_narrowed_holds_at_the_next_sign_in(arrive, account):
    arrive(role="reports")
    with write(account) as work:
        setup.configure(work, "IdP", may_give=["viewer"])
    assert arrive(role="reports").status_code == 403
    assert arrive(role="").status_code == 303
    assert roles_of(account) == []


def test_too_many_folders_are_refused(arrive):
    assert arrive(folders=[f"/{number}" for number in range(101)]).status_code == 403


def test_somebody_managed_elsewhere_gets_nothing_by_it(arrive, account):
    with write(account) as work:
        users.create(work, users.Profile("eve@example.com"))
    assert arrive(role="master_admin").status_code == 303
    assert roles_of(account) == []
    note = audit(account, "session.opened")[-1].after["note"]
    assert note == "found; not of this connection, so it changes nothing"


def test_attributes_that_give_need_a_limit(browser, account):
    with pytest.raises(Invalid, match="which roles"), write(account) as work:
        setup.configure(work, "IdP", attribute_names=NAMES)
    with pytest.raises(Invalid, match="no role 'dancer'"), write(account) as work:
        setup.configure(work, "IdP", attribute_names=NAMES, may_give=["dancer"])
