"""Where a request came from. A client must not be able to choose its own address."""

from __future__ import annotations

import ipaddress
from io import BytesIO

import pytest
from flask import Flask, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.security import requests
from app.security.requests import BoundedRequest, client_address, request_id
from app.settings import Settings

PROXIES = ("10.0.0.0/8", "2001:db8:1::/48")


@pytest.fixture
def flask_app() -> Flask:
    app = Flask(__name__)
    networks = tuple(ipaddress.ip_network(each) for each in PROXIES)
    app.extensions["gatehouse"] = Settings(trusted_proxies=networks)
    return app


def address(app: Flask, peer: str | None, *forwarded: str) -> str | None:
    headers = [("X-Forwarded-For", each) for each in forwarded]
    environ = {"REMOTE_ADDR": peer} if peer is not None else {}
    with app.test_request_context(headers=headers, environ_base=environ):
        return client_address()


def test_without_a_proxy_it_is_the_peer(flask_app):
    assert address(flask_app, "192.0.2.1") == "192.0.2.1"
    assert address(flask_app, "2001:db8::1") == "2001:db8::1"


@pytest.mark.parametrize("forged", ["198.51.100.9", "10.0.0.9", "127.0.0.1, 10.0.0.1", "nonsense"])
def test_a_client_that_is_no_proxy_is_not_believed(flask_app, forged):
    assert address(flask_app, "192.0.2.1", forged) == "192.0.2.1"


def test_a_proxy_is_believed(flask_app):
    assert address(flask_app, "10.0.0.1", "192.0.2.1") == "192.0.2.1"
    assert address(flask_app, "2001:db8:1::1", "192.0.2.1") == "192.0.2.1"
    assert address(flask_app, "10.0.0.1", "192.0.2.1, 10.0.0.2") == "192.0.2.1"
    assert address(flask_app, "10.0.0.1", "192.0.2.1", "10.0.0.2") == "192.0.2.1"


@pytest.mark.parametrize(
    "forged",
    ["198.51.100.9", "10.0.0.9", "127.0.0.1", "nonsense", "", ",,,", "198.51.100.9, 10.0.0.9"],
)
def test_what_the_client_put_before_the_proxys_word_is_not_believed(flask_app, forged):
    assert address(flask_app, "10.0.0.1", f"{forged}, 192.0.2.1") == "192.0.2.1"
    assert address(flask_app, "10.0.0.1", forged, "192.0.2.1") == "192.0.2.1"
    assert address(flask_app, "10.0.0.1", f"{forged}, 192.0.2.1, 10.0.0.2") == "192.0.2.1"


def test_when_only_proxies_are_named_it_is_the_furthest(flask_app):
    assert address(flask_app, "10.0.0.1") == "10.0.0.1"
    assert address(flask_app, "10.0.0.1", "10.0.0.3, 10.0.0.2") == "10.0.0.3"


@pytest.mark.parametrize("word", ["nonsense", " ", "unknown", "192.0.2.1:80", "1.2.3"])
def test_when_a_proxy_names_no_address_there_is_none(flask_app, word):
    assert address(flask_app, "10.0.0.1", word) is None


def test_mapped_addresses_count_as_ipv4(flask_app):
    assert address(flask_app, "::ffff:10.0.0.1", "192.0.2.1") == "192.0.2.1"
    assert address(flask_app, "10.0.0.1", "::ffff:192.0.2.1") == "192.0.2.1"


def test_a_zone_is_left_off(flask_app):
    assert address(flask_app, "fe80::1%eth0") == "fe80::1"
    assert address(flask_app, "10.0.0.1", "fe80::1%" + "x" * 5000) == "fe80::1"


def test_what_anybody_sends_is_not_kept(flask_app):
    """A thousand clients with the longest header Granian takes would have filled 400 MB."""
    before = requests._kept.cache_info().currsize
    long = ", ".join(["10.0.0.2"] * 200)
    assert address(flask_app, "10.0.0.1", f"192.0.2.1, {long}") == "192.0.2.1"
    assert address(flask_app, "10.0.0.1", "192.0.2.1, " + "x" * 5000) is None
    assert requests._kept.cache_info().currsize == before
    flask_app.extensions["gatehouse"] = Settings()
    assert address(flask_app, "192.0.2.77", "10.0.0.1") == "192.0.2.77"
    assert address(flask_app, "192.0.2.77", "10.0.0.2") == "192.0.2.77"
    assert requests._kept.cache_info().currsize <= before + 1


def test_there_is_none_without_a_peer_or_a_request(flask_app):
    assert address(flask_app, "") is None
    with flask_app.app_context():
        assert client_address() is None


def test_a_request_id_is_made_unless_a_proxy_gives_a_good_one(flask_app):
    def id_of(peer: str, given: str) -> str:
        with flask_app.test_request_context(
            headers={"X-Request-Id": given}, environ_base={"REMOTE_ADDR": peer}
        ):
            assert request_id() == request_id()
            return request_id()

    assert id_of("10.0.0.1", "trace-12345") == "trace-12345"
    for peer, given in (
        ("192.0.2.1", "trace-12345"),
        ("10.0.0.1", "short"),
        ("10.0.0.1", "x" * 65),
        ("10.0.0.1", "with blanks in it"),
        ("10.0.0.1", "line-break%0d%0a"),
    ):
        assert len(id_of(peer, given)) == 36


@pytest.mark.parametrize(("size", "fits"), [(0, True), (9, True), (10, False), (11, False)])
def test_a_body_of_no_stated_size_is_refused_at_the_limit_not_cut(flask_app, size, fits):
    flask_app.request_class = BoundedRequest
    flask_app.config["MAX_CONTENT_LENGTH"] = 10
    chunked = {"wsgi.input": BytesIO(b"x" * size), "wsgi.input_terminated": True}
    with flask_app.test_request_context(method="POST", environ_overrides=chunked):
        if fits:
            assert request.get_data() == b"x" * size
            return
        with pytest.raises(RequestEntityTooLarge):
            request.get_data()
