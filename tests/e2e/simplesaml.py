"""SimpleSAMLphp, Debian's package, as a real SAML identity provider for one test.

It runs under PHP's built-in web server, with a configuration, key and people of its own in a
temporary folder; nothing of the machine's own SimpleSAMLphp is read or changed.
"""

from __future__ import annotations

import datetime
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

WEB_ROOT = Path("/usr/share/simplesamlphp/www")
CONFIGURATION = Path(__file__).parent / "simplesamlphp"
START_SECONDS = 30


@dataclass(frozen=True)
class Person:
    """Someone who can sign in at the identity provider. ``email`` becomes the NameID."""

    username: str
    password: str
    email: str
    display_name: str

    def attributes(self) -> dict[str, list[str]]:
        return {
            "uid": [self.username],
            "mail": [self.email],
            "displayName": [self.display_name],
        }


def _person(display_name: str) -> Person:
    username = display_name.split()[0].lower()
    password = secrets.token_urlsafe(12)
    return Person(username, password, f"{username}@example.com", display_name)


@dataclass(frozen=True)
class IdentityProvider:
    """A running SimpleSAMLphp.

    ``url`` ends in a slash; ``metadata_url`` is also its entity id; ``people`` are those who can
    sign in, by username.
    """

    url: str
    metadata_url: str
    people: dict[str, Person]
    folder: Path

    @property
    def sso_url(self) -> str:
        return f"{self.url}saml2/idp/SSOService.php"

    @property
    def logout_url(self) -> str:
        """Where people sign out who are not at a service; it needs ``RelayState``."""
        return f"{self.url}saml2/idp/initSLO.php"

    @property
    def front_page_url(self) -> str:
        return f"{self.url}module.php/core/frontpage_welcome.php"

    def metadata(self) -> str:
        """Return its metadata, as XML text, as it is now."""
        response = requests.get(self.metadata_url, timeout=START_SECONDS)
        response.raise_for_status()
        return response.text

    def trust(self, sp_metadata_xml: str) -> None:
        """Accept requests from the service provider of this metadata, from now on."""
        trusted = self.folder / "trusted"
        number = len(list(trusted.iterdir()))
        (trusted / f"{number}.xml").write_text(sp_metadata_xml, encoding="utf-8")

    def configure(self, options: dict[str, Any]) -> None:
        """Set options of ``saml20-idp-hosted.php``, by SimpleSAMLphp's names; others stay.

        None takes back what was set before.
        """
        path = self.folder / "hosted.json"
        options = json.loads(path.read_text(encoding="utf-8")) | options
        kept = {name: value for name, value in options.items() if value is not None}
        path.write_text(json.dumps(kept), encoding="utf-8")

    def make_key(self, name: str) -> None:
        """Make a key pair that options may name: ``NAME.key`` and its certificate ``NAME.crt``."""
        _make_key(self.folder / "cert", name)

    def log(self) -> str:
        """Return what it logged so far, to understand a failure."""
        return (self.folder / "log" / "simplesamlphp.log").read_text(encoding="utf-8")


def is_installed() -> bool:
    """Return whether SimpleSAMLphp and the PHP to run it are on this machine."""
    return WEB_ROOT.is_dir() and shutil.which("php") is not None


@contextmanager
def running_simplesamlphp() -> Iterator[IdentityProvider]:
    """Start SimpleSAMLphp on a free port and stop it at the end.

    It listens on 127.0.0.1 but calls itself ``localhost``: for a browser it is then another
    site than a Gatehouse on 127.0.0.1, as it is in life, so SameSite cookies are put to the
    test too.

    :raises RuntimeError: When it does not answer in time; the message holds its output.
    """
    port = _free_port()
    url = f"http://localhost:{port}/"
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-simplesamlphp-"))
    people = [_person(name) for name in ("Ada Lovelace", "Grace Hopper", "Alan Turing")]
    try:
        _configure(folder, url, people)
        server = _start(folder, port)
        try:
            metadata_url = f"{url}saml2/idp/metadata.php"
            _wait_for(metadata_url, server, folder)
            by_username = {person.username: person for person in people}
            yield IdentityProvider(url, metadata_url, by_username, folder)
        finally:
            server.terminate()
            server.wait(timeout=10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path, url: str, people: list[Person]) -> None:
    shutil.copytree(CONFIGURATION, folder, dirs_exist_ok=True)
    for name in ("cert", "log", "data", "tmp", "sessions", "trusted"):
        (folder / name).mkdir()
    run = {
        "url": url,
        "secret_salt": secrets.token_hex(32),
        "admin_password": secrets.token_urlsafe(24),
        "people": {f"{p.username}:{p.password}": p.attributes() for p in people},
    }
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    (folder / "hosted.json").write_text("{}", encoding="utf-8")
    _make_key(folder / "cert", "idp")


def _make_key(folder: Path, name: str) -> None:
    """Write a fresh ``NAME.key`` and its self-signed ``NAME.crt``, valid for a day."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} of SimpleSAMLphp")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    # 1.19 on PHP 8.2 raises deprecation notices: shown, they would end up inside the XML.
    command = ["php", "-d", "display_errors=0", "-d", "log_errors=0"]
    command += ["-S", f"127.0.0.1:{port}", "-t", str(WEB_ROOT)]
    with (folder / "log" / "php.log").open("wb") as output:
        return subprocess.Popen(
            command,
            env={**os.environ, "SIMPLESAMLPHP_CONFIG_DIR": str(folder)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _wait_for(url: str, server: subprocess.Popen[bytes], folder: Path) -> None:
    """Return as soon as the server answers with metadata at ``url``."""
    deadline = time.monotonic() + START_SECONDS
    answer = "nothing"
    while time.monotonic() < deadline and server.poll() is None:
        try:
            response = requests.get(url, timeout=START_SECONDS)
        except requests.ConnectionError:
            time.sleep(0.05)
            continue
        if response.ok and "EntityDescriptor" in response.text:
            return
        answer = f"{response.status_code} {response.text[:2000]}"
        break
    logs = [path.read_text(errors="replace") for path in (folder / "log").iterdir()]
    raise RuntimeError("\n".join([f"SimpleSAMLphp does not start: {url} gave {answer}", *logs]))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
