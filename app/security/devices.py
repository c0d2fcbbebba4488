"""Browsers somebody has signed in with before: their failures are counted apart.

Whoever tries passwords from elsewhere makes the owner's own browser wait for nothing. The proof is
a signed cookie; it ends with the password it was given for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadData, URLSafeTimedSerializer

from app.security.secrets import new_secret
from app.settings import Settings

LIFETIME = timedelta(days=365)
LONGEST = 512


@dataclass(frozen=True)
class Device:
    """A browser, as the one of a user."""

    id: str
    user_id: str
    password_changed_at: str | None

    def is_of(self, user_id: str, password_changed_at: datetime | None) -> bool:
        """Tell whether this user has signed in with it, with the password of today."""
        return (self.user_id, self.password_changed_at) == (user_id, _text(password_changed_at))


def cookie_name(settings: Settings) -> str:
    """Return the name of the cookie; over HTTPS no other host can set it."""
    return "__Host-gatehouse_device" if settings.https else "gatehouse_device"


def proof(settings: Settings, user_id: str, password_changed_at: datetime | None) -> str:
    """Return the cookie of a browser somebody has just signed in with."""
    values = [new_secret()[:16], user_id, _text(password_changed_at)]
    text: str = _serializer(settings).dumps(values)
    return text


def read(settings: Settings, cookie: str | None) -> Device | None:
    """Return the device a cookie proves; None where it proves none."""
    if not cookie or len(cookie) > LONGEST:
        return None
    try:
        values = _serializer(settings).loads(cookie, max_age=int(LIFETIME.total_seconds()))
        return Device(*values)
    except (BadData, TypeError, ValueError):
        return None


def _serializer(settings: Settings) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings.secret_key, salt="device")


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
