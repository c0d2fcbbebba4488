"""What the page of their own access tells a person, and what it never does."""

from __future__ import annotations

import pytest

from app.console.own_access import SHOWN
from app.directory import folders, grants
from app.store.models import Grant
from tests.conftest import write
from tests.console.client import Browser
from tests.factories import a_folder, a_grant, a_group, a_session, a_user, an_account
from tests.inspection import row, statements


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada@example.com", display_name="Ada Lovelace")


@pytest.fixture
def home(browser, account, ada) -> Browser:
    browser.sign_in(a_session(account, ada))
    return browser


def table(browser: Browser) -> list[list[str]]:
    rows = browser.page("/me/access").xpath("//tbody/tr")
    return [[" ".join(cell.text_content().split()) for cell in row] for row in rows]


def test_it_says_who_they_are(home):
    details = [each.text_content().strip() for each in home.page("/me/access").xpath("//dd")]
    assert details == ["ada@example.com", "Acme", "None"]
    assert home.page("/me/profile").findtext(".//h1") == "Ada Lovelace"


def test_who_has_nothing_is_told_so(home, account):
    a_folder(account, "Secret")
    assert "Nothing is shared with you yet." in home.text("/me/access")
    assert "Secret" not in home.text("/me/access")
    assert table(home) == []


def test_folders_come_with_all_roles_and_all_reasons(home, account, ada):
    brand = a_folder(account, "Brand")
    a_folder(account, "2026", parent=brand)
    designers = a_group(account, "Designers", members=[ada])
    a_grant(account, designers, "editor", brand)
    a_grant(account, ada, "viewer", brand)
    viewer = "viewer on {} (manual, by tests)."
    editor = "editor on {}, through the group Designers (manual, by tests)."

    (path, roles, reasons), below = table(home)

    assert (path, roles) == ("/Brand", "editor, viewer")
    assert viewer.format("this folder") in reasons
    assert editor.format("this folder") in reasons
    assert below[:2] == ["/Brand/2026", "editor, viewer"]
    assert viewer.format("the folder above") in below[2]


def test_a_role_on_the_account_is_named_with_its_reach(home, account, ada):
    a_folder(account, "Brand")
    a_grant(account, ada, "media_library_admin")
    reason = "media_library_admin on the account (manual, by tests)."
    assert reason in home.text("/me/access")
    assert table(home) == [
        ["/", "media_library_admin", reason],
        ["/Brand", "media_library_admin", reason],
    ]


def test_what_is_below_a_restricted_folder_is_not_there(home, account, ada):
    brand = a_folder(account, "Brand")
    a_folder(account, "Unreleased", parent=brand, restricted=True)
    a_grant(account, ada, "manager", brand)
    assert [path for path, *_ in table(home)] == ["/Brand"]
    assert "Unreleased" not in home.text("/me/access")


def test_another_account_is_never_shown(home, account, ada):
    other = an_account("Globex")
    namesake = a_user(other, "ada@example.com", display_name="Ada of Globex")
    a_grant(other, namesake, "manager", a_folder(other, "Globex files"))
    a_grant(other, namesake, "master_admin")
    assert "Globex" not in home.text("/me/access")


def test_many_folders_are_cut_off_and_cost_what_is_shown(home, account, ada):
    for number in range(SHOWN + 5):
        a_folder(account, f"Folder {number}")
    a_grant(account, ada, "viewer", folders.root_of(account))
    with statements() as seen:
        shown = table(home)
    assert len(shown) == SHOWN
    assert len(seen) <= SHOWN + 10
    assert f"You may see more folders than the {SHOWN} shown." in home.text("/me/access")


def test_a_role_taken_away_is_gone_from_the_next_page(home, account, ada):
    a_grant(account, ada, "viewer", a_folder(account, "Brand"))
    assert [path for path, *_ in table(home)] == ["/Brand"]
    with write(account) as work:
        grants.revoke(work, row(Grant, user_id=ada).id)
    assert table(home) == []
