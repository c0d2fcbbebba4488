"""What the demo runs on: a server on data of its own, and the demo identity provider."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from app.cli.group import actor, application
from app.directory import accounts, connections, first_run, folders, tokens
from app.directory.work import transaction
from app.saml_parts import saml_part

START_SECONDS = 30
FIXTURES = Path(__file__).resolve().parents[3] / "idp-fixtures"


@dataclass
class Stage:
    """The running demo. ``app`` reaches the same database as the server."""

    url: str
    app: Any
    provider: Any
    account_id: str
    token: str
    admin_link: str
    saml_id: str


@contextmanager
def stage(port: int) -> Iterator[Stage]:
    """Start everything, and stop it at the end.

    :raises OSError: When the demo provider is not there, or the server does not start.
    """
    if not FIXTURES.is_dir():
        raise OSError("The demo needs idp-fixtures/: run it in a checkout, with `make demo`.")
    sys.path.insert(0, str(FIXTURES))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pysaml2 names ciphers that cryptography is moving.
        running_provider = importlib.import_module("demo_idp.provider").running_provider
    with TemporaryDirectory(prefix="gatehouse-demo-") as folder, running_provider() as provider:
        os.environ |= {"GATEHOUSE_DATA_DIR": folder, "GATEHOUSE_LOG_LEVEL": "error"}
        os.environ |= {"GATEHOUSE_PORT": str(port), "GATEHOUSE_PUBLIC_URL": _url(port)}
        os.environ.pop("GATEHOUSE_DATABASE_URL", None)
        with _server(port):
            yield _set_up(_url(port), provider)


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@contextmanager
def _server(port: int) -> Iterator[None]:
    command = [sys.executable, "-c", "from app.factory import main; main()", "serve"]
    process = subprocess.Popen(  # noqa: S603 - ourselves
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            if process.poll() is not None:
                raise OSError((process.communicate()[1] or "The server stopped.").strip())
            if time.monotonic() > deadline:
                raise OSError("The server does not answer.")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _answers(port: int) -> bool:
    try:
        return requests.get(f"{_url(port)}/healthz", timeout=5).ok
    except requests.ConnectionError:
        return False


def _set_up(url: str, provider: Any) -> Stage:
    """Make the account, its folders, a token and the SAML connection."""
    app = application()
    with app.app_context():
        account_id = accounts.create(actor(), "Aurora Films")
        with transaction(account_id, actor()) as work:
            for path in ("/Brand/Logos", "/Campaigns/Spring", "/Finance"):
                folders.create_path(work, path)
            scim_id = connections.find_or_create_scim(work, "Okta")
            token = tokens.create(work, scim_id, "Okta", ["users", "groups"])
            document = provider.metadata.encode()
            setup = saml_part("setup")
            saml_id = setup.register(work, "Okta sign-in", setup.from_metadata(document))
            secret = first_run.invite_admin(work, "admin@aurora.example")
    metadata = requests.get(f"{url}/saml/{saml_id}/metadata", timeout=10)
    provider.trust(metadata.text)
    link = f"{url}/sign-in/link/{secret}"
    return Stage(url, app, provider, account_id, token.secret, link, saml_id)
