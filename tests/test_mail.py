"""Mail is handed in to a real server (of the tests' own), out of the way of requests."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from structlog.testing import capture_logs

from app import mail
from app.settings import Settings, SettingsError
from tests.conftest import SECRET_KEY


class Inbox:
    """Keeps what it is handed."""

    def __init__(self) -> None:
        self.messages = []

    async def handle_DATA(self, _server, _session, envelope):
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, Settings]]:
    handler = Inbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, settings(f"smtp://127.0.0.1:{port}")
    controller.stop()


def settings(smtp_url: str = "") -> Settings:
    return Settings(secret_key=SECRET_KEY, smtp_url=smtp_url, mail_from="Gate <gate@example.com>")


def test_a_mail_arrives(inbox):
    handler, with_server = inbox
    mail.send(with_server, "ada@example.com", "Grüße", "Zwei\nZeilen: https://a.example/x\n")
    mail.wait_until_sent()
    (message,) = handler.messages
    assert (message["To"], message["From"]) == ("ada@example.com", "Gate <gate@example.com>")
    assert (message["Subject"], message["Auto-Submitted"]) == ("Grüße", "auto-generated")
    assert message.get_content().splitlines() == ["Zwei", "Zeilen: https://a.example/x"]


@pytest.mark.parametrize("to", ["ada@example.com\nBcc: all@example.com", "a\r\n\r\nbody"])
def test_no_address_adds_a_header(inbox, to):
    handler, with_server = inbox
    with pytest.raises(ValueError, match=r"linefeed|header"):
        mail.send(with_server, to, "Hello", "text")
    assert handler.messages == []


def test_what_cannot_be_sent_is_logged_without_its_text(inbox):
    handler, with_server = inbox
    with capture_logs() as logs:
        mail.send(settings("smtp://127.0.0.1:1"), "ada@example.com", "Hello", "the secret")
        mail.send(with_server, "bob@example.com", "Hello", "text")
        mail.wait_until_sent()
    assert [each["event"] for each in logs] == ["mail not sent"]
    assert "secret" not in str(logs)
    assert [message["To"] for message in handler.messages] == ["bob@example.com"]


def test_in_development_it_is_printed():
    with capture_logs() as logs:
        mail.send(settings(), "ada@example.com", "Hello", "the link")
    assert logs[0]["text"] == "the link"


def test_beyond_loopback_it_is_encrypted_or_not_sent(monkeypatch):
    """A server that does not know STARTTLS gets neither mail nor password."""
    said = []

    class Server:
        def __init__(self, *_args, **_options) -> None:
            said.append("connect")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def starttls(self, context):
            assert context.check_hostname
            raise OSError("no STARTTLS")

        def login(self, *_):
            said.append("login")

        def send_message(self, _):
            said.append("send")

    monkeypatch.setattr("smtplib.SMTP", Server)
    mail.send(settings("smtp://u:p@mail.example.com"), "ada@example.com", "Hello", "text")
    mail.wait_until_sent()
    assert said == ["connect"]


@pytest.mark.parametrize("url", ["mail.example.com", "http://mail.example.com", "smtp://"])
def test_an_address_of_no_server_is_refused(url):
    with pytest.raises(SettingsError, match="GATEHOUSE_SMTP_URL") as refused:
        Settings.from_environment(
            {"GATEHOUSE_SMTP_URL": url + ":se:cret", "GATEHOUSE_SECRET_KEY": SECRET_KEY}
        )
    assert "cret" not in str(refused.value)
