"""The settings, and the machine they are on: what can be looked at without the database."""

from __future__ import annotations

import os
import shutil
import smtplib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from app import mail
from app.settings import PREFIX, Settings, file_of, is_loopback
from app.store.database import files_of
from app.upkeep.checks import Findings, problem, warning

LEAST_FREE = 1024**3
"""So much room a disk needs to have, in bytes; or once more what the database takes."""
OF_TESTS = f"{PREFIX}TEST_"


def settings_are_known(_settings: Settings) -> Findings:
    """Every variable that looks like a setting is one."""
    known = {f"{PREFIX}{each.name.upper()}" for each in fields(Settings)}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known and not name.startswith(OF_TESTS):
            yield warning(
                f"{name} is no setting, and has no effect.",
                "Correct its name (docs/settings.md) or remove it.",
            )


def address(settings: Settings) -> Findings:
    """People and providers reach it safely, and it knows who they are."""
    if is_loopback(settings.public_url):
        return
    if not settings.https:
        yield problem(
            f"GATEHOUSE_PUBLIC_URL is {settings.public_url}: sign-ins can be read on the way.",
            "Put a reverse proxy with TLS before it and set the https:// address.",
        )
    if not settings.trusted_proxies:
        yield warning(
            "GATEHOUSE_TRUSTED_PROXIES is empty: behind a proxy everybody has its address, in the "
            "log, for rate limits and for allowed addresses.",
            "Set it to the addresses of your reverse proxies.",
        )
    for network in settings.trusted_proxies:
        if network.prefixlen == 0:
            yield problem(
                f"GATEHOUSE_TRUSTED_PROXIES holds {network}: anybody may choose their address.",
                "Name the networks of your reverse proxies alone.",
            )


def secret_key_file(settings: Settings) -> Findings:
    """Nobody else on the machine reads the secret key, or the database beside it."""
    of_ours = (settings.data_dir, settings.data_dir / "secret_key") if settings.embedded else ()
    for path in (*of_ours, *_files_of_database(settings)):
        if path.exists() and path.stat().st_mode & 0o077:
            mode = "700" if path.is_dir() else "600"
            yield problem(
                f"Others on this machine can read {path}.", f"Run: chmod {mode} {path.absolute()}"
            )


def _files_of_database(settings: Settings) -> Iterator[Path]:
    """Return the files of SQLite, if others may enter their folder at all."""
    path = file_of(settings.resolved_database_url)
    if path is not None and path.exists() and path.parent.stat().st_mode & 0o011:
        yield from files_of(path)


def disk(settings: Settings) -> Findings:
    """There is room to write."""
    path = file_of(settings.resolved_database_url)
    if path is None:
        return
    folder = _nearest(path)
    if not os.access(folder, os.W_OK):
        yield problem(f"{folder} cannot be written to.", "Give the folder to the service's user.")
    size = path.stat().st_size if path.exists() else 0
    free = shutil.disk_usage(folder).free
    if free < max(LEAST_FREE, size):
        yield warning(
            f"{free // 1024**2} MB are free in {folder}, the database has {size // 1024**2}.",
            "Make room, or give it a larger disk: when it is full nothing can be written.",
        )


def mail_server(settings: Settings) -> Findings:
    """Mail can be handed in."""
    if not settings.smtp_url:
        if not is_loopback(settings.public_url):
            yield warning(
                "GATEHOUSE_SMTP_URL is empty: invitations and resets are written to the log, "
                "with links that work.",
                "Set it to your mail server.",
            )
        return
    try:
        with mail.connected(settings) as server:
            server.noop()
    except (OSError, smtplib.SMTPException) as error:
        yield problem(
            f"The mail server cannot be used: {type(error).__name__}: {error}",
            "Check GATEHOUSE_SMTP_URL, and that the server may be reached from here.",
        )


def _nearest(path: Path) -> Path:
    return next(each for each in path.parents if each.is_dir())
