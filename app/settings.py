"""Every setting of Gatehouse, typed, read from ``GATEHOUSE_*`` environment variables.

The table in docs/settings.md is made from the fields below.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "GATEHOUSE_"
LOG_LEVELS = ("debug", "info", "warning", "error")
POSTGRES_SCHEMES = ("postgres", "postgresql", "postgresql+psycopg")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(Exception):
    """A setting is missing or cannot be read. The message says which and what to do."""


def _setting(doc: str, default: Any, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"doc": doc})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one process. Immutable, so that every part sees the same ones."""

    data_dir: Path = _setting(
        "Folder of the embedded database and of the secret key made on first run.", Path("data")
    )
    database_url: str = _setting(
        "SQLAlchemy URL. Empty: an SQLite file in the data folder. "
        "PostgreSQL: `postgresql://user:password@host/name`.",
        "",
        secret=True,
    )
    database_seconds: int = _setting(
        "How long a request waits for others that write, for a connection, or for PostgreSQL to be "
        "there, in seconds; then it is answered 503. One statement may take four times as long.",
        15,
    )
    secret_key: str = _setting(
        "Key that signs forms and encrypts stored private keys, 32 characters or more. Made and "
        "kept in the data folder for the embedded database on a loopback URL; required otherwise.",
        "",
        secret=True,
    )
    public_url: str = _setting(
        "The address people and identity providers use, without a path.", "http://127.0.0.1:8000"
    )
    applications: tuple[str, ...] = _setting(
        "Comma-separated addresses of applications on other hosts that use our sign-in, such as "
        "`https://media.example.com` (docs/applications.md).",
        (),
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        "Comma-separated networks whose `X-Forwarded-For` is believed, such as `10.0.0.0/8`.", ()
    )
    host: str = _setting("Address `gatehouse serve` listens on.", "127.0.0.1")
    port: int = _setting("Port `gatehouse serve` listens on.", 8000)
    threads: int = _setting("Requests one process works on at the same time.", 4)
    stop_seconds: int = _setting(
        "How long a server that is told to stop waits for requests in flight, in seconds.", 30
    )
    max_body_bytes: int = _setting("Largest request body, in bytes.", 16 * 1024 * 1024)
    scim_requests_per_minute: int = _setting(
        "SCIM requests a minute each connection may make of all processes together; more are "
        "answered 429.",
        6000,
    )
    api_requests_per_minute: int = _setting(
        "Requests a minute each token or person may make of the API; more are answered 429.",
        6000,
    )
    sign_ins_per_minute: int = _setting(
        "SAML requests a minute one address may make at one connection; more are answered 429.",
        600,
    )
    smtp_url: str = _setting(
        "Where mail is handed in: `smtp://user:password@host:587` (STARTTLS, which only a loopback "
        "address does without) or `smtps://…:465`. Empty: mail is written to the log, links and "
        "all; for development alone.",
        "",
        secret=True,
    )
    mail_from: str = _setting("The sender of mail.", "Gatehouse <gatehouse@localhost>")
    metrics_networks: tuple[Network, ...] = _setting(
        "Comma-separated networks that may read `/metrics`, such as `10.0.0.0/8`. Empty, and no "
        "token either: nobody may (docs/operation.md).",
        (),
    )
    metrics_token: str = _setting(
        "Token that may read `/metrics` from anywhere (`Authorization: Bearer …`), 16 characters "
        "or more.",
        "",
        secret=True,
    )
    otel_endpoint: str = _setting(
        "Where a trace of each request is sent, by OTLP over HTTP, such as "
        "`http://127.0.0.1:4318/v1/traces`. Empty: nowhere. Needs `pip install gatehouse[otel]`.",
        "",
        secret=True,
    )
    session_hours: int = _setting("Longest life of a sign-in, in hours.", 12)
    session_idle_minutes: int = _setting("A session unused for this long ends, in minutes.", 60)
    event_days: int = _setting(
        "How long events that every stream has delivered are kept, in days, so that they can be "
        "sent again.",
        30,
    )
    receiver_networks: tuple[Network, ...] = _setting(
        "Comma-separated networks of your own that receivers of events may be in besides public "
        "addresses, without TLS too, such as `10.0.0.0/8` (docs/events.md).",
        (),
    )
    log_level: str = _setting("`debug`, `info`, `warning` or `error`.", "info")

    @property
    def embedded(self) -> bool:
        """Whether the database is the SQLite file of the data folder."""
        return not self.database_url

    @property
    def embedded_file(self) -> Path:
        """Where the SQLite file of the data folder is, or would be."""
        return self.data_dir.resolve() / "gatehouse.sqlite3"

    @property
    def resolved_database_url(self) -> str:
        if self.database_url:
            return self.database_url
        return f"sqlite:///{self.embedded_file}"

    @property
    def https(self) -> bool:
        return self.public_url.startswith("https://")

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, *, makes_key: bool = True
    ) -> Settings:
        """Read the settings.

        :param makes_key: Whether the secret key of a first run is made. Otherwise one that is
            missing stays so: "".
        :raises SettingsError: When a value cannot be read, or the secret key is missing where
            it must be given, or where there is a database already: a new one would open nothing.
        """
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for spec in fields(cls):
            raw = environment.get(PREFIX + spec.name.upper())
            if raw is not None and raw.strip():
                values[spec.name] = _parse(spec.name, raw.strip(), spec.default)
        settings = cls(**values | {"public_url": _public_url(values)})
        if not settings.secret_key:
            path = _secret_key_file(settings)
            is_first_run = not settings.embedded_file.exists()  # The key is made before it.
            if not path.exists():
                if not makes_key:
                    return settings
                if not is_first_run:
                    raise SettingsError(key_missing(settings))
            settings = replace(settings, secret_key=_embedded_secret_key(path))
        if len(settings.secret_key) < 32:
            raise SettingsError("The secret key must have 32 characters or more.")
        return settings


def _parse(name: str, raw: str, default: Any) -> Any:
    try:
        if name == "applications":
            return tuple(_origin(part.strip()) for part in raw.split(","))
        if name in ("trusted_proxies", "metrics_networks", "receiver_networks"):
            return tuple(ipaddress.ip_network(part.strip()) for part in raw.split(","))
        if isinstance(default, int):
            if not raw.isdecimal():
                raise ValueError(f"it must be a whole number, such as {default}")
            number = int(raw)
            if number < 1:
                raise ValueError("it must be 1 or more")
            if name == "port" and number > 65535:
                raise ValueError("it must be 65535 or less")
            return number
        if name == "log_level" and raw.lower() not in LOG_LEVELS:
            raise ValueError(f"it must be one of {', '.join(LOG_LEVELS)}")
        if name == "metrics_token" and len(raw) < 16:
            raise ValueError("it must have 16 characters or more")
        if name == "database_url":
            return _database_url(raw)
        if name == "smtp_url":
            return _smtp_url(raw)
        return Path(raw) if isinstance(default, Path) else raw
    except ValueError as error:
        raise SettingsError(f"{PREFIX}{name.upper()} cannot be read: {error}") from None


def _database_url(raw: str) -> str:
    """Return a database URL with our driver, in whichever way PostgreSQL was named."""
    scheme, _, rest = raw.partition("://")
    url = f"postgresql+psycopg://{rest}" if scheme in POSTGRES_SCHEMES else raw
    try:
        known = make_url(url).drivername in ("postgresql+psycopg", "sqlite")
    except (ArgumentError, ValueError):
        # What they say may quote a part of the password.
        raise ValueError("it must look like postgresql://user:password@host:5432/name") from None
    if not known:
        raise ValueError("it must begin with sqlite:// or postgresql://")
    return url


def _smtp_url(raw: str) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("it must look like smtp://user:password@host:587")  # and quote nothing
    return raw


def _public_url(values: dict[str, Any]) -> str:
    """Return the public URL, by default the address the server listens on."""
    default = f"http://127.0.0.1:{values.get('port', 8000)}"
    try:
        return _origin(str(values.get("public_url", default)).rstrip("/"))
    except ValueError as error:
        raise SettingsError(f"GATEHOUSE_PUBLIC_URL cannot be read: {error}") from None


def _origin(url: str) -> str:
    """Return an address of a site in lower case, without a path."""
    parts = urlsplit(url)
    port = parts.port
    host = parts.hostname or ""
    netloc = f"[{host}]" if ":" in host else host
    plain = f"{parts.scheme}://{netloc}" + (f":{port}" if port else "")
    if parts.scheme not in ("http", "https") or not host or url.lower() != plain:
        raise ValueError("it must look like https://gatehouse.example.com, without a path")
    return plain


def file_of(url: str | URL) -> Path | None:
    """Return the file of an SQLite database; None: it is another one, or in memory."""
    url = make_url(url)
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database)).absolute()


def is_loopback(url: str) -> bool:
    """Tell whether an address leads to this machine itself."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def key_missing(settings: Settings) -> str:
    """Return what to say where the key of the embedded database is gone."""
    return (
        f"The secret key is missing, and there is a database: {settings.embedded_file}. Put the "
        "file secret_key back, or set GATEHOUSE_SECRET_KEY (docs/disaster.md)."
    )


def _secret_key_file(settings: Settings) -> Path:
    """Return where the key is kept beside the embedded database, if it may be."""
    path = settings.data_dir / "secret_key"
    if not settings.embedded or not is_loopback(settings.public_url):
        raise SettingsError(
            "GATEHOUSE_SECRET_KEY is missing. "
            + (
                f"Set it to what the file {path.absolute()} holds: the data was written with that "
                "key, and cannot be read with another one."
                if settings.embedded and path.exists()
                else "Set it to 32 or more random characters, for example the output of: "
                'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
            )
        )
    return path


def _embedded_secret_key(path: Path) -> str:
    """Return the key kept beside the embedded database, made on the first run."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            write_once(path, new_key())
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The secret key in {path} cannot be kept or read: {error}") from None


def new_key() -> str:
    """Return a new secret key, made at random."""
    return secrets.token_urlsafe(48)


def write_once(path: Path, text: str) -> None:
    """Write a file that only we may read, unless there is one; it never shows half written."""
    with NamedTemporaryFile("w", dir=path.parent, prefix=path.name, encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)


def as_table() -> str:
    """Return the Markdown table of all settings that docs/settings.md holds."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for spec in fields(Settings):
        default = "" if spec.default in ("", ()) else f"`{spec.default}`"
        lines.append(f"| `{PREFIX}{spec.name.upper()}` | {default} | {spec.metadata['doc']} |")
    return "\n".join(lines) + "\n"
