"""What the page of their own access tells a person, and what it never does."""

from __future__ import annotations

import pytest

from app.console.me import SHOWN
from app.directory import folders, grants, users
from app.directory.users import Profile
from app.directory.work import Actor
from app.store.models import Grant, User
from tests.conftest import write
from tests.console.client import Browser
from tests.factories import a_folder, a_grant, a_group, a_session, a_user, an_account
from tests.inspection import row, statements

PAGE = "/me/access"


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada@example.com", display_name="Ada Lovelace")


@pytest.fixture
def home(browser, account, ada) -> Browser:
    browser.sign_in(a_session(account, ada))
    return browser


def words(element) -> str:
    return " ".join(element.text_content().split())


def tree(browser: Browser, page: str = PAGE) -> list[list[str]]:
    """Of each folder in a branch: its line, and the reasons."""
    return [
        [words(folder.find("summary")), *map(words, folder.xpath("div/ul/li"))]
        for folder in browser.page(page).xpath("//ul[@class='reach']/li/details")
    ]


def names(browser: Browser, page: str = PAGE) -> list[str]:
    found = browser.page(page).xpath("//ul[@class='reach']/li/details/summary/span[1]/text()")
    return [str(each) for each in found]


def test_it_says_who_they_are(home):
    details = [each.text_content().strip() for each in home.page(PAGE).xpath("//dd")]
    assert details == ["ada@example.com", "Acme", "None"]
    assert home.page("/me/profile").findtext(".//h1") == "Ada Lovelace"


def test_who_has_nothing_is_told_so(home, account):
    a_folder(account, "Secret")
    assert "Nothing is shared with you yet." in home.text(PAGE)
    assert "Secret" not in home.text(PAGE)
    assert tree(home) == []


def test_folders_come_with_all_roles_and_all_reasons(home, account, ada):
    brand = a_folder(account, "Brand")
    a_folder(account, "2026", parent=brand)
    designers = a_group(account, "Designers", members=[ada])
    a_grant(account, designers, "editor", brand)
    a_grant(account, ada, "viewer", brand)
    viewer = "viewer {}, given to you, by tests, "
    editor = "editor {}, because you are in Designers, by tests, "

    ((line, *reasons),) = tree(home)
    assert line == "Brand editor viewer given here"
    assert reasons[0].startswith(editor.format("given here"))
    assert reasons[1].startswith(viewer.format("given here"))

    ((line, *reasons),) = tree(home, f"{PAGE}?in={brand}")
    assert line == "2026 editor viewer from /Brand"
    assert reasons[0].startswith(editor.format("from /Brand"))
    assert reasons[1].startswith(viewer.format("from /Brand"))


def test_a_branch_is_reached_by_links_alone(home, account, ada):
    brand = a_folder(account, "Brand")
    year = a_folder(account, "2026", parent=brand)
    a_grant(account, ada, "viewer", a_folder(account, "Shoot", parent=year))
    page, seen = PAGE, []
    for _ in range(3):
        (details,) = home.page(page).xpath("//ul[@class='reach']/li/details")
        seen.append(words(details.find("summary")))
        links = details.xpath("div/div[@data-within]/a/@href")
        assert links == ([details.get("data-branch")] if details.get("data-branch") else [])
        page = links[0] if links else page
    by_name = "its name alone, for what lies in it"
    assert seen == [f"Brand {by_name}", f"2026 {by_name}", "Shoot viewer given here"]
    crumbs = home.page(page).xpath("//ol[contains(@class, 'breadcrumb')]/li")
    assert [words(each) for each in crumbs] == ["All folders", "Brand", "2026"]


def test_a_role_on_the_account_is_named_with_its_reach(home, account, ada):
    a_folder(account, "Brand")
    a_grant(account, ada, "media_library_admin")
    page = home.page(PAGE)
    (given,) = page.xpath("//dd/div")
    assert words(given).startswith("media_library_admin given to you, by tests")
    (root,) = page.xpath("//section//div[contains(@class, 'card')]/div")
    assert words(root) == "All folders media_library_admin on the whole account"
    assert [line for line, *_ in tree(home)] == ["Brand media_library_admin on the whole account"]


def test_what_is_below_a_restricted_folder_is_not_there(home, account, ada):
    brand = a_folder(account, "Brand")
    secret = a_folder(account, "Unreleased", parent=brand, restricted=True)
    a_grant(account, ada, "manager", brand)
    assert names(home) == ["Brand"]
    assert names(home, f"{PAGE}?in={brand}") == []
    assert "Unreleased" not in home.text(f"{PAGE}?in={brand}")
    assert home.get(f"{PAGE}?in={secret}").status_code == 404


def test_another_account_is_never_shown(home, account, ada):
    other = an_account("Globex")
    namesake = a_user(other, "ada@example.com", display_name="Ada of Globex")
    files = a_folder(other, "Globex files")
    a_grant(other, namesake, "manager", files)
    a_grant(other, namesake, "master_admin")
    assert "Globex" not in home.text(PAGE)
    for theirs in (files, folders.root_of(other), "nothing"):
        assert home.get(f"{PAGE}?in={theirs}").status_code == 404


def test_many_folders_come_page_by_page_at_the_same_cost(home, account, ada):
    for number in range(SHOWN + 5):
        a_folder(account, f"Folder {number:03d}")
    a_grant(account, ada, "viewer", folders.root_of(account))
    with statements() as seen:
        shown = names(home)
    assert shown == [f"Folder {number:03d}" for number in range(SHOWN)]
    assert len(seen) <= 9
    (more,) = home.page(PAGE).xpath("//ul[@class='reach']/li/a/@href")
    assert names(home, more) == [f"Folder {number:03d}" for number in range(SHOWN, SHOWN + 5)]


def test_a_role_taken_away_is_gone_from_the_next_page(home, account, ada):
    a_grant(account, ada, "viewer", a_folder(account, "Brand"))
    assert names(home) == ["Brand"]
    with write(account) as work:
        grants.revoke(work, row(Grant, user_id=ada).id)
    assert names(home) == []


# -- Profile -----------------------------------------------------------------


def test_people_change_what_they_are_called(home, account, ada):
    answer = home.submit("/me/profile", display_name="Countess", given_name="Ada", family_name="")
    assert answer.location == "/me/profile"
    page = home.page("/me/profile")
    assert page.findtext(".//h1") == "Countess"
    assert page.xpath("//input[@id='given_name']/@value") == ["Ada"]


def test_nobody_overwrites_what_they_have_not_seen(home, account, ada):
    stale = dict(home.form("/me/profile", "/me/profile").form_values())
    home.submit("/me/profile", display_name="Countess")
    headers = {"Referer": home.base_url + "/me/profile"}
    answer = home.post("/me/profile", data=stale | {"display_name": "Late"}, headers=headers)
    assert "It has been changed since you read it." in answer.get_data(as_text=True)
    assert home.page("/me/profile").findtext(".//h1") == "Countess"


def test_no_more_than_names_can_be_changed(home, account, ada):
    home.submit(
        "/me/profile",
        display_name="Ada",
        user_name="root@example.com",
        emails="root@example.com",
        title="Boss",
        active="",
    )
    text = home.text("/me/profile")
    assert "root@example.com" not in text and "ada@example.com" in text


def test_who_is_not_signed_in_changes_nothing(browser, account, ada):
    form = dict(browser.form("/sign-in", "/sign-in").form_values())
    answer = browser.post("/me/profile", data=form | {"display_name": "Eve"})
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/")
    assert browser.post("/me/profile", data={"display_name": "Eve"}).status_code == 400
    assert row(User, id=ada).display_name == "Ada Lovelace"


def test_who_comes_from_a_provider_is_called_as_it_says(browser, account):
    with write(account, Actor(type="token", name="Okta", surface="scim")) as work:
        eve = users.create(work, Profile("eve@example.com", display_name="Eve"))
    browser.sign_in(a_session(account, eve))
    page = browser.page("/me/profile")
    assert page.xpath("//input[@name='display_name']") == []
    assert "Ask there for another name." in browser.text("/me/profile")
    form = dict(browser.form("/me/profile", "/sign-out").form_values())
    answer = browser.post("/me/profile", data=form | {"display_name": "Root"})
    assert "Your provider says what you are called." in answer.get_data(as_text=True)
    assert row(User, id=eve).display_name == "Eve"
