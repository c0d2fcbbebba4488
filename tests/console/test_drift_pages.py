"""Drift in the console: an export sent, what differs shown, mended with one confirmation."""

from __future__ import annotations

import io
import os

import pytest
from werkzeug.test import stream_encode_multipart

from app.operations import run_all
from app.store.models import Operation, User
from tests.console.client import Browser
from tests.directory.test_drift import provisioned
from tests.drift import fill_the_disk
from tests.factories import a_connection
from tests.inspection import row, rows

TEXT = "userName,displayName,shoe\nada,Ada L.,38\nnew,<b>,\n"


def send(browser: Browser, connection: str, content: str = TEXT, name: str = "people.csv"):
    """Fill in the form for an export, and send it."""
    values = dict(browser.form("/drift/new", "/drift/new").form_values())
    values |= {"connection": connection, "file": (io.BytesIO(content.encode()), name)}
    headers = {"Referer": f"{browser.base_url}/drift/new"}
    return browser.post(
        "/drift/new", data=values, headers=headers, content_type="multipart/form-data"
    )


def test_an_export_is_compared_then_mended(admin, account):
    okta = a_connection(account, name="Okta")
    provisioned(account, okta, "ada", display_name="Ada")
    eve = provisioned(account, okta, "eve")
    assert "Nothing was compared yet." in admin.text("/drift")
    sent = send(admin, okta)
    assert sent.status_code == 303
    waiting = admin.page(sent.location)
    assert waiting.xpath("//div[@id='state']/@data-poll") == [sent.location]
    run_all()
    text = admin.text(sent.location)
    assert "Missing here 1" in text and "Different 1" in text and "Here alone 1" in text
    assert "displayName: Ada → Ada L." in text and "Columns that are not read: shoe." in text
    assert "1 person is added, 1 is changed, 1 is deactivated." in text
    table = admin.get(f"{sent.location}/drift.csv").get_data(as_text=True).splitlines()
    assert table[1:] == [
        *("ada,different,displayName,Ada,Ada L.", "new,missing,,,", "eve,here alone,,,")
    ]
    assert row(User, id=eve).active is True
    fix = admin.submit(sent.location, f"{sent.location}/fix")
    assert fix.status_code == 303 and fix.location != sent.location
    run_all()
    done = admin.text(fix.location)
    for said in ("People added 1", "People changed 1", "People deactivated 1"):
        assert said in done
    assert row(User, id=eve).active is False and row(User, user_name="new").connection_id == okta
    assert "Okta: people.csv" in admin.text("/drift")
    again = send(admin, okta)
    run_all()
    assert "Nothing differs." in admin.text(again.location)


def test_more_than_half_are_deactivated_only_when_that_is_said(admin, account):
    okta = a_connection(account)
    for number in range(12):
        provisioned(account, okta, f"person{number}")
    sent = send(admin, okta, "userName\nperson0\n")
    run_all()
    answer = admin.submit(sent.location, f"{sent.location}/fix")
    assert answer.status_code == 200
    assert "It would deactivate 11 people" in answer.get_data(as_text=True)
    fix = admin.submit(sent.location, f"{sent.location}/fix", many="y")
    run_all()
    assert "People deactivated 11" in admin.text(fix.location)


def test_what_is_refused_is_said_and_handed_out(admin, account):
    okta = a_connection(account)
    provisioned(account, okta, "eve")
    answer = send(admin, okta, '{"userName": ')
    assert answer.status_code == 200 and "The file is not JSON." in answer.get_data(as_text=True)
    assert rows(Operation) == []
    sent = send(admin, okta, "userName,active\nada,perhaps\n")
    run_all()
    text = admin.text(sent.location)
    assert "Nobody is deactivated, because rows were refused" in text
    assert "It must be true or false." in text
    table = admin.get(f"{sent.location}/problems.csv").get_data(as_text=True)
    assert "2,active,ada,It must be true or false." in table


def test_it_is_cancelled(admin, account):
    sent = send(admin, a_connection(account))
    assert admin.submit(sent.location, f"{sent.location}/cancel").location == sent.location
    run_all()
    assert "cancelled" in admin.text(sent.location) and rows(User, user_name="new") == []


def test_where_there_is_no_room_for_an_export_a_page_says_so(admin, account, monkeypatch):
    okta = a_connection(account)
    with monkeypatch.context() as patch:
        fill_the_disk(patch)
        answer = send(admin, okta)
    assert answer.status_code == 507
    assert "Ask whoever runs the server to make room" in answer.get_data(as_text=True)
    assert rows(Operation) == [] and send(admin, okta).status_code == 303


def _full(**_: object) -> io.BufferedRandom:
    return os.fdopen(os.open("/dev/full", os.O_RDWR), "r+b")


def test_where_there_is_no_room_for_a_form_a_page_says_so(admin, account, monkeypatch):
    okta, large = a_connection(account), TEXT + "\n" * 600_000
    with monkeypatch.context() as patch:
        patch.setattr("tempfile.TemporaryFile", _full)
        answer = send(admin, okta, large)
    assert answer.status_code == 507 and rows(Operation) == []
    assert send(admin, okta, large).status_code == 303


@pytest.mark.parametrize("kept", [0.5, 0.9, 0.99])
def test_a_form_that_was_cut_off_sends_no_export(admin, account, kept):
    """Half of one would deactivate people; what ends a form is missing then."""
    a_connection(account, name="Okta")
    values = dict(admin.form("/drift/new", "/drift/new").form_values())
    file = (io.BytesIO(b"userName\n" + b"ada\n" * 1000), "people.csv")
    stream, length, boundary = stream_encode_multipart(values | {"file": file})
    answer = admin.post(
        "/drift/new",
        input_stream=io.BytesIO(stream.read()[: int(length * kept)]),
        content_type=f"multipart/form-data; boundary={boundary}",
        headers={"Referer": f"{admin.base_url}/drift/new"},
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )
    assert answer.status_code == 400 and rows(Operation) == []
