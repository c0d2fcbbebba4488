"""Every setting of Gatehouse, typed, read from ``GATEHOUSE_*`` environment variables.

The table in docs/settings.md is made from the fields below.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "GATEHOUSE_"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(Exception):
    """A setting is missing or cannot be read. The message says which and what to do."""


def _setting(doc: str, default: Any) -> Any:
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one process. Immutable, so that every part sees the same ones."""

    data_dir: Path = _setting(
        "Folder of the embedded database and of the secret key made on first run.", Path("data")
    )
    database_url: str = _setting(
        "SQLAlchemy URL. Empty: an SQLite file in the data folder. "
        "PostgreSQL: `postgresql+psycopg://user:password@host/name`.",
        "",
    )
    secret_key: str = _setting(
        "Key that signs forms and encrypts stored private keys, 32 characters or more. Made and "
        "kept in the data folder for the embedded database on a loopback URL; required otherwise.",
        "",
    )
    public_url: str = _setting(
        "The address people and identity providers use, without a path.", "http://127.0.0.1:8000"
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        "Comma-separated networks whose `X-Forwarded-For` is believed, such as `10.0.0.0/8`.", ()
    )
    host: str = _setting("Address `gatehouse serve` listens on.", "127.0.0.1")
    port: int = _setting("Port `gatehouse serve` listens on.", 8000)
    threads: int = _setting("Requests one process works on at the same time.", 4)
    max_body_bytes: int = _setting("Largest request body, in bytes.", 16 * 1024 * 1024)
    session_hours: int = _setting("Longest life of a sign-in, in hours.", 12)
    session_idle_minutes: int = _setting("A session unused for this long ends, in minutes.", 60)
    log_level: str = _setting("`debug`, `info`, `warning` or `error`.", "info")

    @property
    def embedded(self) -> bool:
        """Whether the database is the SQLite file of the data folder."""
        return not self.database_url

    @property
    def resolved_database_url(self) -> str:
        if self.database_url:
            return self.database_url
        return f"sqlite:///{self.data_dir.resolve() / 'gatehouse.sqlite3'}"

    @property
    def https(self) -> bool:
        return self.public_url.startswith("https://")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        :raises SettingsError: When a value cannot be read, or the secret key is missing where
            it must be given.
        """
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for spec in fields(cls):
            raw = environment.get(PREFIX + spec.name.upper())
            if raw is not None and raw.strip():
                values[spec.name] = _parse(spec.name, raw.strip(), spec.default)
        settings = cls(**{**values, "public_url": _public_url(values)})
        if not settings.secret_key:
            values["secret_key"] = _embedded_secret_key(settings)
        elif len(settings.secret_key) < 32:
            raise SettingsError("GATEHOUSE_SECRET_KEY must have 32 characters or more.")
        return cls(**{**values, "public_url": settings.public_url})


def _parse(name: str, raw: str, default: Any) -> Any:
    try:
        if name == "trusted_proxies":
            return tuple(ipaddress.ip_network(part.strip()) for part in raw.split(","))
        if isinstance(default, int):
            number = int(raw)
            if number < 0:
                raise ValueError("it must not be negative")
            return number
        return Path(raw) if isinstance(default, Path) else raw
    except ValueError as error:
        raise SettingsError(f"{PREFIX}{name.upper()} cannot be read: {error}") from None


def _public_url(values: dict[str, Any]) -> str:
    """Return the public URL, by default the address the server listens on."""
    default = f"http://127.0.0.1:{values.get('port', 8000)}"
    url = str(values.get("public_url", default)).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise SettingsError(
            "GATEHOUSE_PUBLIC_URL must look like https://gatehouse.example.com, without a path."
        )
    return url


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _embedded_secret_key(settings: Settings) -> str:
    """Return the key kept beside the embedded database, made on the first run."""
    if not settings.embedded or not _is_loopback(settings.public_url):
        raise SettingsError(
            "GATEHOUSE_SECRET_KEY is missing. Set it to 32 or more random characters, for example "
            'the output of: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.data_dir / "secret_key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key := secrets.token_urlsafe(48))
    return key
