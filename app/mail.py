"""Mail to people: links by which they set a password. It is sent by a thread, never in a request.

How long an answer takes then says nothing about whether there was somebody to write to.
"""

from __future__ import annotations

import queue
import smtplib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import structlog

if TYPE_CHECKING:
    from app.settings import Settings

WAITING = 1000
"""Most mails that wait to be sent; beyond it new ones are dropped, and that is logged."""
TIMEOUT = 20.0
"""How long the mail server may take to answer, in seconds."""
log = structlog.get_logger("gatehouse")

_queue: queue.Queue[Callable[[], None]] = queue.Queue(WAITING)
_starting = threading.Lock()
_thread: threading.Thread | None = None


def send(settings: Settings, to: str, subject: str, text: str) -> None:
    """Have a mail sent soon. What goes wrong is logged.

    :raises ValueError: When the address or the subject cannot be a header.
    """
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=urlsplit(settings.public_url).hostname)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    if not settings.smtp_url:
        log.warning("mail not sent: GATEHOUSE_SMTP_URL is empty", to=to, subject=subject, text=text)
        return
    later(lambda: deliver(settings, message))


def later(work: Callable[[], None]) -> None:
    """Have the thread do something, such as finding out whether there is somebody to write to."""
    try:
        _queue.put_nowait(work)
    except queue.Full:
        log.error("mail dropped: too much waits")
        return
    _start()


def wait_until_sent() -> None:
    """Wait until nothing waits any more, as a command does before it ends."""
    _queue.join()


def _start() -> None:
    global _thread
    with _starting:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_work, name="gatehouse-mail", daemon=True)
            _thread.start()


def _work() -> None:
    while True:
        work = _queue.get()
        try:
            work()
        except Exception as error:  # one that cannot be sent must not keep the others
            # Not what was to be sent: it holds a link that works.
            log.error("mail not sent", problem=f"{type(error).__name__}: {error}"[:500])
        finally:
            _queue.task_done()


def deliver(settings: Settings, message: EmailMessage) -> None:
    """Hand a mail in.

    :raises OSError: When the server cannot be reached, or refuses it.
    """
    with connected(settings) as server:
        server.send_message(message)


@contextmanager
def connected(settings: Settings) -> Iterator[smtplib.SMTP]:
    """Lend a connection to the mail server, signed in.

    :raises OSError: When the server cannot be reached, or does not let us in.
    """
    parts = urlsplit(settings.smtp_url)
    host = parts.hostname or "localhost"
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if parts.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=TIMEOUT)
    with server:
        if parts.scheme == "smtp" and not _is_loopback(host):
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        yield server


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
