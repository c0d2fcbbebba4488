"""Imports in the console: tried, begun, left and found again, cancelled, and what was refused."""

from __future__ import annotations

import io

import pytest

from app.directory import operations
from app.operations import run_all
from app.store.models import Membership, Operation, OperationPiece, User
from tests.conftest import write
from tests.console.client import Browser
from tests.factories import a_custom_role, a_grant, a_session, a_user, an_account
from tests.imports import CONSOLE, a_file, begin
from tests.inspection import audit, row, rows, statements

TEXT = "User Name,E-mail,Groups,Active,Shoe\nada,ada@example.com,Designers,,38\nbob,,,what,\n"


def send(browser: Browser, content: bytes | str, name: str = "people.csv", **fields: str):
    """Fill in the form for a file, and send it."""
    form = browser.form("/imports/new", "/imports/new")
    data = content.encode() if isinstance(content, str) else content
    values = dict(form.form_values()) | fields | {"file": (io.BytesIO(data), name)}
    headers = {"Referer": browser.base_url + "/imports/new"}
    return browser.post(
        "/imports/new", data=values, headers=headers, content_type="multipart/form-data"
    )


def test_a_file_is_tried_then_imported(admin, account):
    sent = send(admin, TEXT)
    assert sent.status_code == 303
    waiting = admin.page(sent.location)
    (state,) = waiting.xpath("//div[@id='state']")
    assert state.get("data-poll") == sent.location
    (bar,) = state.xpath(".//progress")
    assert (bar.get("value"), bar.get("max")) == ("0", "4")
    run_all()
    tried = admin.text(sent.location)
    assert "This was a trial: nothing is changed yet." in tried
    assert "People added 1" in tried and "Rows refused 1" in tried and "New groups 1" in tried
    assert "Added, for example: ada" in tried
    assert "Columns that are not read: Shoe." in tried
    assert "It must be true or false." in tried
    assert admin.page(sent.location).xpath("//div[@id='state']/@data-poll") == []
    assert rows(User, user_name="ada") == []
    begun = admin.submit(sent.location, f"{sent.location}/start")
    assert begun.status_code == 303 and begun.location != sent.location
    run_all()
    done = admin.text(begun.location)
    assert "What it did" in done and "People added 1" in done
    assert len(rows(Membership)) == 1
    assert "no longer kept" in admin.text(sent.location)
    listed = admin.text("/imports")
    assert "people.csv" in listed and "trial" in listed and "by admin@example.com" in listed
    by = [each for each in audit(account, "user.created") if each.target_name == "ada"]
    assert by[0].actor_name == "admin@example.com" and by[0].surface == "console"
    assert by[0].request_id == row(Operation, id=begun.location.rpartition("/")[2]).id


def test_it_is_left_and_found_again_with_its_bar(admin, account):
    operation_id = begin(account, a_file(10), CONSOLE)
    operation = operations.claim_next()
    operation.done = 5
    with write(account):
        operations.advance(operation)
    assert "running 25 %" in admin.text("/imports")
    page = f"/imports/{operation_id}"
    (bar,) = admin.page(page).xpath("//progress")
    assert (bar.get("value"), bar.get("max")) == ("5", "20")
    text = admin.text(page)
    assert "people are added and changed." in text and "Look again" in text


def test_it_is_cancelled(admin, account):
    operation_id = begin(account, a_file(3), CONSOLE)
    page = f"/imports/{operation_id}"
    assert admin.submit(page, f"{page}/cancel").location == page
    assert "cancelled" in admin.text(page) and rows(OperationPiece) == []
    run_all()
    assert rows(User, external_id="E1") == []
    form = admin.form("/imports/new", "/imports/new")
    token = {"csrf_token": dict(form.form_values())["csrf_token"]}
    again = admin.post(f"{page}/cancel", data=token, headers={"Referer": admin.base_url + page})
    assert again.location == page and "It was over already." in admin.text(page)


def test_what_was_refused_is_downloaded(admin):
    sent = send(admin, 'userName,active\n"=cmd()",what\nada,\n')
    run_all()
    answer = admin.get(f"{sent.location}/problems.csv")
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == "attachment; filename=refused.csv"
    assert answer.get_data(as_text=True).splitlines() == [
        "line,column,person,reason,done",
        "2,active,'=cmd(),It must be true or false.,nothing",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (b"name\nada\n", "names no column userName or email"),
        (b"userName\n\xff\n", "Line 2 is not UTF-8."),
    ],
)
def test_what_is_no_table_is_said_at_the_field(admin, content, said):
    answer = send(admin, content)
    assert answer.status_code == 200
    assert said in answer.get_data(as_text=True) and "file-wrong" in answer.get_data(as_text=True)
    assert rows(Operation) == []


def test_without_a_file_and_with_too_large_a_one(admin):
    form = admin.form("/imports/new", "/imports/new")
    empty = admin.post("/imports/new", data=dict(form.form_values()))
    assert empty.status_code == 200 and "file-wrong" in empty.get_data(as_text=True)
    assert send(admin, b"x" * 17 * 1024 * 1024).status_code == 413


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "C:\\a\\b.csv", "x" * 400, "<b>.csv"])
def test_odd_names_of_files(admin, name):
    sent = send(admin, TEXT, name or "noname")
    assert sent.status_code == 303
    stored = row(Operation).name
    assert "/" not in stored and "\\" not in stored and len(stored) <= 256
    assert "<b>.csv" not in admin.get("/imports").get_data(as_text=True)


def test_who_may_not_manage_groups_imports_people_alone(browser, account):
    ada = a_user(account, "ada@example.com")
    a_grant(account, ada, a_custom_role(account, "account", ["user.view", "user.manage"]))
    browser.sign_in(a_session(account, ada))
    offered = browser.page("/imports/new").xpath("//input[@name='groups']/@value")
    assert offered == ["ignore"]
    assert send(browser, TEXT, groups="add").status_code == 200
    sent = send(browser, TEXT)
    run_all()
    assert "People added 1" in browser.text(sent.location)


def test_a_colleague_sees_it_and_begins_it_in_their_own_name(app, admin, account):
    sent = send(admin, TEXT)
    run_all()
    other = Browser(app)
    eve = a_user(account, "eve@example.com")
    a_grant(account, eve, "admin")
    other.sign_in(a_session(account, eve))
    assert "by admin@example.com" in other.text(sent.location)
    begun = other.submit(sent.location, f"{sent.location}/start")
    assert row(Operation, id=begun.location.rpartition("/")[2]).actor_name == "eve@example.com"


def test_an_import_of_another_account_is_not_there(app, admin):
    other = an_account()
    operation_id = begin(other, a_file(2), CONSOLE)
    assert admin.get(f"/imports/{operation_id}").status_code == 404
    assert admin.get(f"/imports/{operation_id}/problems.csv").status_code == 404
    assert "people.csv" not in admin.text("/imports")


def test_a_page_costs_the_same_however_much_was_refused(admin, account):
    costs = []
    for bad in (1, 300):
        sent = send(admin, "userName,active\n" + "ada,what\n" * bad)
        run_all()
        with statements() as seen:
            admin.page(sent.location)
        costs.append(len(seen))
    assert costs[0] == costs[1] < 12


def test_the_command_is_told_how_to_go_on(admin, account):
    operation_id = begin(account, a_file(3))
    text = admin.text(f"/imports/{operation_id}")
    assert "stopped" in text and "the same command goes on from here" in text
