"""The mails that bring somebody a link to set a password, and the links."""

from __future__ import annotations

from urllib.parse import quote

from app import mail
from app.security.requests import settings

RESET = """\
Somebody, most likely you, asked to set a new password for {name} at {site}.

Open this link within 30 minutes, in the browser you want to sign in with:

{link}

If it was not you, do nothing: your password stays as it is.
"""
INVITATION = """\
You are invited to {account} at {site}, as {name}.

Open this link within 7 days, in the browser you want to sign in with, and choose a password:

{link}
"""


def link_of(secret: str) -> str:
    """Return the address of the page on which a password is set."""
    return f"{settings().public_url}/sign-in/set-password/{quote(secret)}"


def send_reset(name: str, email: str, secret: str) -> None:
    """Send a link by which a forgotten password is replaced."""
    text = RESET.format(name=name, site=settings().public_url, link=link_of(secret))
    mail.send(settings(), email, "Set a new password", text)


def send_invitation(account: str, name: str, email: str, secret: str) -> None:
    """Send a link by which somebody new chooses a password."""
    site = settings().public_url
    text = INVITATION.format(account=account, name=name, site=site, link=link_of(secret))
    mail.send(settings(), email, "You are invited", text)
