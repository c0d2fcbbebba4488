"""An application behind nginx, with the very configuration that docs/applications.md shows."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent

import pytest
import requests
from lxml import html

from tests.e2e.server import Server, free_port, gatehouse, running_server

PAGE = Path(__file__).parents[2] / "docs" / "applications.md"
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
CONFIGURATION = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream gatehouse {{ server 127.0.0.1:{gatehouse}; }}
  upstream application {{ server 127.0.0.1:{application}; }}
  server {{ listen 127.0.0.1:{port}; server_name 127.0.0.1; {same_host} }}
  server {{ listen 127.0.0.1:{port}; server_name localhost; {other_host} }}
}}
"""


class Application(BaseHTTPRequestHandler):
    """It shows who the proxy says it is."""

    def do_GET(self) -> None:
        body = f"{self.path} for {self.headers['X-Gatehouse-User']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@dataclass(frozen=True)
class Site:
    server: Server
    same_host: str
    other_host: str


def documented() -> tuple[str, str]:
    """The configuration for the same host, and what another host has instead of its last part."""
    blocks = re.findall(r"\n\n((?:    .*\n|\n)+)", PAGE.read_text(encoding="utf-8"))
    same_host = next(dedent(block) for block in blocks if "location / {" in block)
    enter = next(dedent(block) for block in blocks if "location /.gatehouse/ {" in block)
    checked, own_pages, _ = same_host.partition("location ~ ")
    assert own_pages
    return same_host, checked + enter


@contextmanager
def running_nginx(folder: Path, configuration: str, url: str) -> Iterator[None]:
    folder.mkdir()
    (folder / "nginx.conf").write_text(configuration)
    process = subprocess.Popen([str(NGINX), "-p", folder, "-c", folder / "nginx.conf"])
    try:
        for _ in range(200):
            try:
                requests.get(url, timeout=10, allow_redirects=False)
                break
            except requests.ConnectionError:
                assert process.poll() is None, (folder / "error.log").read_text()
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    if NGINX is None:
        pytest.skip("nginx is not installed (Debian: scripts/install-test-packages.sh).")
    application = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=application.serve_forever, daemon=True).start()
    port = free_port()
    same_host, other_host = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
    try:
        with running_server(
            "",
            tmp_path / "data",
            public_url=same_host,
            GATEHOUSE_TRUSTED_PROXIES="127.0.0.0/8",
            GATEHOUSE_APPLICATIONS=other_host,
        ) as server:
            gatehouse("account", "create", "Acme", env=server.env)
            blocks = documented()
            configuration = CONFIGURATION.format(
                folder=tmp_path / "nginx",
                gatehouse=server.url.rpartition(":")[2],
                application=application.server_port,
                port=port,
                same_host=blocks[0],
                other_host=blocks[1],
            )
            with running_nginx(tmp_path / "nginx", configuration, same_host):
                yield Site(server, same_host, other_host)
    finally:
        application.shutdown()


def sign_in(browser: requests.Session, site: Site) -> None:
    made = gatehouse(
        *("admin", "create", "ada@example.com", "--account", "Acme"), env=site.server.env
    )
    page = browser.get(made["link"], timeout=10)
    (form,) = html.document_fromstring(page.text).forms
    browser.post(made["link"], data=dict(form.form_values()), timeout=10)


def test_an_application_knows_who_it_is_on_the_same_host_and_on_another(site: Site) -> None:
    browser = requests.Session()
    asked = browser.get(f"{site.same_host}/films?x=1", allow_redirects=False, timeout=10)
    assert asked.status_code == 302
    assert asked.headers["Location"] == f"{site.same_host}/sign-in?next=%2Ffilms%3Fx%3D1"
    assert "E-mail address" in browser.get(asked.headers["Location"], timeout=10).text

    sign_in(browser, site)
    forged = {"X-Gatehouse-User": "admin"}
    for path in ("/films?x=1", "/media", "/messages"):
        shown = browser.get(f"{site.same_host}{path}", headers=forged, timeout=10)
        assert shown.text == f"{path} for ada@example.com"
    assert "ada@example.com" in browser.get(f"{site.same_host}/people", timeout=10).text

    # The other host: there, here and back, in five steps that nobody sees.
    shown = browser.get(f"{site.other_host}/films?x=1", headers=forged, timeout=10)
    assert shown.text == "/films?x=1 for ada@example.com"
    assert [answer.url.partition("?")[0] for answer in shown.history] == [
        f"{site.other_host}/films",
        f"{site.other_host}/.gatehouse/start",
        f"{site.same_host}/sign-in/application",
        f"{site.other_host}/.gatehouse/enter",
    ]

    # Out of both at the next request.
    token = {"csrf_token": _token(browser, site)}
    browser.post(f"{site.same_host}/sign-out", data=token, timeout=10)
    for host in (site.same_host, site.other_host):
        refused = browser.get(f"{host}/films", allow_redirects=False, timeout=10)
        assert refused.status_code == 302


def _token(browser: requests.Session, site: Site) -> str:
    """The token of a form of Gatehouse's own."""
    page = browser.get(f"{site.same_host}/sign-in/link/x", timeout=10)
    (form,) = html.document_fromstring(page.text).forms
    return str(dict(form.form_values())["csrf_token"])
