"""A header that lies about where a client is: only what a trusted proxy says of it counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.e2e.server import Server, free_port, gatehouse, running_server
from tests.e2e.test_nginx import NGINX, running_nginx

CONFIGURATION = Path(__file__).parents[2] / "docs" / "deploy" / "nginx.conf"
AROUND = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {documented}
}}
"""
OFFICE, CAFE = "127.0.0.5", "127.0.0.6"
ALLOWED_A_MINUTE = 60
"""Tokens of one client at one address (docs/decisions/0015)."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that believes the proxy, which comes from 127.0.0.1, and nobody else."""
    folder = tmp_path_factory.mktemp("proxied")
    with running_server("", folder, GATEHOUSE_TRUSTED_PROXIES="127.0.0.1/32") as server:
        gatehouse("account", "create", "Acme", env=server.env)
        yield server


@pytest.fixture(scope="module")
def proxy(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if NGINX is None:
        pytest.skip("nginx is not installed (Debian: scripts/install-test-packages.sh).")
    folder, port = tmp_path_factory.mktemp("nginx") / "run", free_port()
    documented = CONFIGURATION.read_text(encoding="utf-8")
    ours = (
        (r"listen 443 ssl", f"listen 127.0.0.1:{port}"),
        (r"ssl_certificate.*;", ""),
        (r"server 10\.0\.0\.11:8000", f"server {server.url.removeprefix('http://')}"),
        (r"server 10\.0\.0\.12:8000", f"server 127.0.0.1:{free_port()}"),  # It is down.
    )
    for there, here in ours:
        documented, found = re.subn(there, here, documented)
        assert found, there
    url = f"http://127.0.0.1:{port}"
    with running_nginx(folder, AROUND.format(folder=folder, documented=documented), url):
        yield url


@pytest.fixture(scope="module")
def token(server: Server) -> str:
    """A token that may only come from the office."""
    limited = ("--name", "office", "--network", f"{OFFICE}/32")
    return str(gatehouse("token", "create", "Acme", *limited, env=server.env)["token"])


class _From(HTTPAdapter):
    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args: object, **options: object) -> None:
        super().init_poolmanager(*args, source_address=(self._address, 0), **options)


@contextmanager
def coming_from(address: str, **headers: str) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount("http://", _From(address))
        session.headers.update(headers)
        yield session


def _reads(url: str, token: str, address: str, **headers: str) -> int:
    with coming_from(address, Authorization=f"Bearer {token}", **headers) as session:
        return session.get(f"{url}/scim/v2/Users?count=0", timeout=30).status_code


@pytest.mark.parametrize("lie", [OFFICE, f"{OFFICE}, 127.0.0.1", f"{OFFICE}, {OFFICE}", "nonsense"])
def test_whoever_is_no_proxy_is_not_believed(server: Server, token: str, lie: str) -> None:
    assert _reads(server.url, token, CAFE, **{"X-Forwarded-For": lie}) == 401
    assert _reads(server.url, token, OFFICE, **{"X-Forwarded-For": CAFE}) == 200


@pytest.mark.parametrize("lie", [OFFICE, f"{OFFICE}, 127.0.0.1", f"{OFFICE}, {OFFICE}", "nonsense"])
def test_a_proxy_says_where_the_client_really_is(proxy: str, token: str, lie: str) -> None:
    assert _reads(proxy, token, CAFE, **{"X-Forwarded-For": lie}) == 401
    assert _reads(proxy, token, OFFICE, **{"X-Forwarded-For": CAFE}) == 200


def test_requests_are_counted_for_the_client_whatever_it_says(proxy: str) -> None:
    def ask(session: requests.Session, number: int) -> int:
        form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
        lie = {"X-Forwarded-For": f"198.51.100.{number}"}
        return session.post(f"{proxy}/oauth/token", data=form, headers=lie, timeout=30).status_code

    with coming_from(CAFE) as cafe, coming_from(OFFICE) as office:
        answered = [ask(cafe, number) for number in range(ALLOWED_A_MINUTE * 2)]
        assert ask(office, 0) == 401
    # A minute may have ended on the way, but not one for each address it made up.
    assert 429 in answered and answered.count(401) >= ALLOWED_A_MINUTE


def test_the_id_of_a_request_is_the_proxys(server: Server, proxy: str) -> None:
    chosen = {"X-Request-Id": "chosen-by-the-client"}
    for url, address in ((proxy, CAFE), (server.url, CAFE)):
        with coming_from(address, **chosen) as session:
            answer = session.get(f"{url}/healthz", timeout=30)
        assert answer.headers["X-Request-Id"] != chosen["X-Request-Id"]


def test_a_process_that_is_down_is_passed_over(proxy: str, token: str) -> None:
    assert [_reads(proxy, token, OFFICE) for _ in range(6)] == [200] * 6
