"""The matrix of groups and folders: what is in its cells, where they lead, and the export."""

from __future__ import annotations

import csv
import io

import pytest

from app.console import matrix as pages
from app.directory import folders
from tests.console.client import Browser
from tests.factories import (
    a_custom_role,
    a_folder,
    a_grant,
    a_group,
    a_session,
    a_user,
    an_account,
)
from tests.inspection import statements

NOTHING = "nothing"


@pytest.fixture
def brand(account) -> str:
    return a_folder(account, "Brand")


def level(browser: Browser, query: str = "") -> tuple[list[str], dict[str, list[str]]]:
    """The heads of the columns, and what each group's cells say."""
    (table,) = browser.page(f"/matrix{query}").xpath("//table[@aria-label='Access matrix']")
    heads = [words(each) for each in table.xpath("./thead//th")][1:]
    rows = table.xpath("./tbody/tr")
    return heads, {words(row[0]): [said(cell) for cell in row[1:]] for row in rows}


def words(element) -> str:
    return " ".join(element.text_content().split())


def said(cell) -> str:
    """What is read out of a cell."""
    return " ".join(cell.xpath("string(.//*[@class='visually-hidden'])").split())


def seen(browser: Browser, group: str, column: int) -> str:
    """What is seen in a cell."""
    (row,) = browser.page("/matrix").xpath(f"//table//tr[th//text()='{group}']")
    return "".join(row[column + 1].xpath(".//*[@aria-hidden]//text()")).strip()


def test_what_is_given_here_and_above_is_told_apart(admin, account, brand):
    a_folder(account, "2026", parent=brand)
    a_folder(account, "Secret", parent=brand, restricted=True)
    designers = a_group(account, "Designers")
    a_group(account, "Creative", members=[designers])
    a_grant(account, designers, "editor", brand)
    heads, rows = level(admin)
    assert heads == ["All folders", "Brand \u203a"]
    assert rows == {
        "Creative": [NOTHING, NOTHING],
        "Designers": ["something is given further down", "editor, given here"],
    }
    heads, rows = level(admin, f"?in={brand}")
    assert heads == ["Brand", "2026", "Secret restricted"]
    assert rows["Designers"] == [
        "editor, given here",
        "editor, from above",
        "cut off from what is given above",
    ]
    assert (seen(admin, "Designers", 0), seen(admin, "Designers", 1)) == ("▾", "E")


def test_a_group_has_what_the_groups_around_it_have(admin, account, brand):
    designers = a_group(account, "Designers")
    a_grant(account, a_group(account, "Creative", members=[designers]), "viewer", brand)
    a_grant(account, designers, "media_library_admin")
    _, rows = level(admin)
    assert rows["Creative"][1] == "viewer, given here"
    further_down = "manager, from above, something is given further down"
    assert rows["Designers"] == [further_down, "manager, from above"]


def test_roles_of_their_own_have_a_sign_of_their_own(admin, account, brand):
    uploaders, cleaners = a_group(account, "Uploaders"), a_group(account, "Cleaners")
    a_grant(account, uploaders, a_custom_role(account, "folder", {"asset.upload"}), brand)
    a_grant(account, cleaners, a_custom_role(account, "folder", {"asset.delete"}), brand)
    a_grant(account, cleaners, "viewer", brand)
    _, rows = level(admin)
    assert rows["Uploaders"][1] == "a role of your own, given here"
    assert rows["Cleaners"][1] == "viewer and more, given here"
    assert (seen(admin, "Uploaders", 1), seen(admin, "Cleaners", 1)) == ("own", "V+")


def test_one_goes_in_and_out_and_from_a_cell_to_its_reason(admin, account, brand):
    inside = a_folder(account, "2026", parent=brand)
    group = a_group(account, "Designers")
    a_grant(account, group, "editor", brand)
    page = admin.page("/matrix?prefix=des&only=1")
    (into,) = page.xpath("//thead//a[contains(., 'Brand')]/@href")
    assert into == f"/matrix?prefix=des&only=1&in={brand}"
    assert page.xpath("//tbody//th/a/@href") == [f"/groups/{group}"]
    page = admin.page(into)
    assert page.xpath("//thead//a/@href") == [f"/folders/{inside}"]  # nothing lies in it
    root = folders.root_of(account)
    assert page.xpath("//ol//a/@href") == [f"/matrix?prefix=des&only=1&in={root}"]
    assert page.xpath("//input[@name='in']/@value") == [brand]
    reasons = page.xpath("//tbody//td//a/@href")
    assert reasons == [f"/matrix/{brand}/{group}", f"/matrix/{inside}/{group}"]
    text = admin.text(reasons[1])
    assert "Designers on /Brand/2026" in text
    assert "editor on /Brand, given to it, by tests" in text
    assert "asset.edit" in text and "asset.delete" not in text


def test_the_reason_names_the_groups_between_and_what_is_cut_off(admin, account, brand):
    secret = a_folder(account, "Secret", parent=brand, restricted=True)
    inner = a_group(account, "Designers")
    middle = a_group(account, "Creative", members=[inner])
    a_grant(account, a_group(account, "Staff", members=[middle]), "viewer", brand)
    text = admin.text(f"/matrix/{brand}/{inner}")
    assert "viewer on /Brand, because it is in Creative in Staff, by tests" in text
    text = admin.text(f"/matrix/{secret}/{inner}")
    assert "Nothing: neither it nor a group it lies in has a role" in text
    assert "What is cut off" in text and "because it is in Creative in Staff" in text


def test_groups_are_found_by_name_and_by_having_something_here(admin, account, brand):
    deep = a_folder(account, parent=a_folder(account, parent=brand))
    other = a_folder(account, "Other")
    for name, folder in (("Deep", deep), ("Elsewhere", other), ("Nowhere", None)):
        group = a_group(account, name)
        if folder:
            a_grant(account, group, "viewer", folder)
    assert set(level(admin)[1]) == {"Deep", "Elsewhere", "Nowhere"}
    assert set(level(admin, "?prefix=e")[1]) == {"Elsewhere"}
    assert set(level(admin, "?only=1")[1]) == {"Deep", "Elsewhere"}
    assert set(level(admin, f"?only=1&in={brand}")[1]) == {"Deep"}
    assert "There is no such group." in admin.text("/matrix?prefix=zzz")


def test_more_groups_and_folders_come_page_by_page(admin, account, monkeypatch):
    monkeypatch.setattr(pages, "GROUPS_SHOWN", 2)
    monkeypatch.setattr(pages, "FOLDERS_SHOWN", 2)
    for number in range(3):
        a_group(account, f"g{number}")
        a_folder(account, f"f{number}")
    heads, rows = level(admin)
    assert (heads, list(rows)) == (["All folders", "f0", "f1"], ["g0", "g1"])
    (more_groups,) = admin.page("/matrix").xpath("//a[text()='More groups']/@href")
    heads, rows = level(admin, more_groups.removeprefix("/matrix"))
    assert (heads, list(rows)) == (["All folders", "f0", "f1"], ["g2"])
    (more_folders,) = admin.page(more_groups).xpath("//a[text()='More folders']/@href")
    heads, rows = level(admin, more_folders.removeprefix("/matrix"))
    assert (heads, list(rows)) == (["All folders", "f2"], ["g2"])
    assert admin.page(more_folders).xpath("//a[text()='First folders']/@href") == [more_groups]


def exported(browser: Browser, page: str) -> list[list[str]]:
    action = browser.page(page).xpath("string(//form[contains(@action, '/export')]/@action)")
    answer = browser.submit(page, action)
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == "attachment; filename=matrix.csv"
    return list(csv.reader(io.StringIO(answer.get_data(as_text=True))))


def test_the_level_is_exported_from_its_beginning_on(admin, account, brand, monkeypatch):
    monkeypatch.setattr(pages, "GROUPS_SHOWN", 1)
    inside = a_folder(account, "2026", parent=brand)
    a_grant(account, a_group(account, "=Designers()"), "editor", inside)
    a_group(account, "Other")
    page = f"/matrix?in={brand}"
    (further,) = admin.page(page).xpath("//a[text()='More groups']/@href")
    for each in (page, further):
        assert exported(admin, each) == [
            ["Group", "/Brand", "/Brand/2026"],
            ["'=Designers()", "something is given further down", "editor, given here"],
            ["Other", "", ""],
        ]
    monkeypatch.setattr(pages, "GROUPS_EXPORTED", 1)
    assert len(exported(admin, page)) == 2
    assert exported(admin, f"{page}&prefix=oth") == [
        ["Group", "/Brand", "/Brand/2026"],
        ["Other", "", ""],
    ]


def test_who_may_only_see_reports_has_no_links_they_may_not_follow(browser, account, brand):
    user_id = a_user(account)
    a_grant(account, user_id, "reports")
    browser.sign_in(a_session(account, user_id))
    group = a_group(account, "Designers")
    a_grant(account, group, "editor", brand)
    page = browser.page("/matrix")
    links = page.xpath("//main//a/@href")
    assert links == [f"/matrix/{brand}/{group}"]
    page = browser.page(links[0])
    assert page.xpath("//main//a/@href") == [f"/matrix?in={folders.root_of(account)}"]
    assert browser.get("/groups").status_code == 403


def test_a_folder_of_another_account_is_not_there(admin, brand):
    other = a_folder(an_account())
    assert admin.get(f"/matrix?in={other}").status_code == 404
    form = {"csrf_token": admin.page("/matrix").xpath("string(//input[@name='csrf_token']/@value)")}
    assert admin.post(f"/matrix/export?in={other}", data=form).status_code == 404
    assert admin.get(f"/matrix?in={brand}&cursor=odd").status_code == 303


@pytest.mark.parametrize("query", ["", "?only=1", "?prefix=g"])
def test_a_page_takes_the_same_statements_whatever_the_size(admin, account, query):
    a_grant(account, a_group(account, "g"), "viewer", a_folder(account))
    admin.get("/matrix")  # what is noted once a minute of the session
    counts = []
    for size in (0, 15):
        for number in range(size):
            folder = a_folder(account, restricted=number % 2 == 0)
            a_grant(account, a_group(account, f"g{number}"), "editor", folder)
        with statements() as seen:
            assert admin.get(f"/matrix{query}").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1] < 20
