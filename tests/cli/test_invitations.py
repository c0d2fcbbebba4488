"""``gatehouse user invite`` and ``reset-password``."""

from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage

import pytest

from app import mail
from tests.console.client import Browser
from tests.factories import a_user, an_account

GOOD = "heron plinth otter quarry"


def test_somebody_is_invited_chooses_a_password_and_is_in(gatehouse):
    gatehouse("account", "create", "Acme")
    invited = gatehouse("user", "invite", "Acme", "ada@example.com", "--print", "--json")
    path = invited["link"].removeprefix("http://127.0.0.1:8000")
    browser = Browser(gatehouse.app)
    assert "For ada@example.com in Acme" in browser.text(path)
    assert browser.submit(path, password=GOOD).location == "/"
    assert "ada@example.com" in browser.text("/")


@pytest.fixture
def sent(gatehouse, monkeypatch) -> list[EmailMessage]:
    """The mails that are handed in."""
    mails: list[EmailMessage] = []
    settings = gatehouse.app.extensions["gatehouse"]
    with_server = replace(settings, smtp_url="smtp://127.0.0.1")
    monkeypatch.setitem(gatehouse.app.extensions, "gatehouse", with_server)
    monkeypatch.setattr(mail, "deliver", lambda _, message: mails.append(message))
    return mails


def test_without_a_mail_server_the_link_is_printed(gatehouse):
    gatehouse("account", "create", "Acme")
    printed = gatehouse("user", "invite", "Acme", "ada@example.com").stdout
    assert printed.startswith("http://127.0.0.1:8000/sign-in/set-password/")
    assert "GATEHOUSE_SMTP_URL" in printed


def test_a_mail_is_sent_and_a_newer_link_ends_the_older(gatehouse, sent):
    gatehouse("account", "create", "Acme")
    gatehouse("user", "invite", "Acme", "ada@example.com")
    (invitation,) = sent
    assert (invitation["To"], invitation["Subject"]) == ("ada@example.com", "You are invited")
    said = "You are invited to Acme at http://127.0.0.1:8000, as ada@example.com."
    assert said in invitation.get_content()
    reset = ("user", "reset-password", "Acme", "ada@example.com", "--print", "--json")
    first, second = (gatehouse(*reset)["link"] for _ in range(2))
    browser = Browser(gatehouse.app)
    assert browser.get(first.removeprefix("http://127.0.0.1:8000")).status_code == 410
    assert browser.get(second.removeprefix("http://127.0.0.1:8000")).status_code == 200


def test_who_has_no_address_needs_the_link_printed(gatehouse, sent):
    with gatehouse.app.app_context():
        a_user(an_account("Acme"), "ada")
    wrong = gatehouse("user", "reset-password", "Acme", "ada", exit_code=2)
    assert "Use --print" in wrong.stderr
    wrong = gatehouse("user", "invite", "Acme", "nobody", exit_code=2)
    assert "must look like ada@example.com" in wrong.stderr
