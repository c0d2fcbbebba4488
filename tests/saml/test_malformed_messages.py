"""What is no response at all, or is small to send and long to check."""

import base64
import time

import pytest
from lxml import etree

from saml.signatures import EXCLUSIVE_C14N
from saml.xml import name
from tests.conftest import make_app
from tests.saml.provider import find


def prefixes(root):
    transform = find(root, "Transforms")[1]
    listed = etree.SubElement(transform, name(EXCLUSIVE_C14N, "InclusiveNamespaces"))
    listed.set("PrefixList", " ".join(f"p{number}" for number in range(5000)))


def namespaces(root):
    many = {f"p{number}": f"urn:{number}" for number in range(5000)}
    find(root, "Subject").append(etree.Element("x", nsmap=many))


def attributes(root):
    for number in range(5000):
        find(root, "Subject").set(f"a{number}", "")


def depth(root):
    element = find(root, "Subject")
    for _ in range(100):
        element = etree.SubElement(element, "x")


def elements(root):
    for _ in range(20_000):
        etree.SubElement(find(root, "Subject"), "x")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (prefixes, "unexpected parameters"),
        (namespaces, "namespaces"),
        (attributes, "attributes"),
        (depth, "deep"),
        (elements, "elements"),
    ],
)
def test_a_message_that_would_take_long(browser, provider, change, says):
    response = provider.response(browser.sp, browser.start(), after=change)
    began = time.monotonic()
    browser.assert_refused(browser.post(response), says)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "response",
    [
        "",
        "not base64!",
        "AAAA",
        base64.b64encode(b"<a/>").decode(),
        base64.b64encode(b"<a").decode(),
        base64.b64encode(b"\xff\xfe\x00").decode(),
        base64.b64encode(b"<a>" * 5000).decode(),
        base64.b64encode(b"<a>" + b"<b/>" * 30_000 + b"</a>").decode(),
        "A" * 2_000_000,
        "é",
    ],
)
def test_what_is_no_response(browser, response):
    browser.assert_refused(browser.post(response), "")


def test_a_body_over_the_limit(app, browser, database_url):
    small = make_app(database_url, max_body_bytes=1000).test_client()
    path = f"/saml/{browser.connection_id}/acs"
    assert small.post(path, data={"SAMLResponse": "A" * 5000}).status_code == 413


def test_the_acs_takes_posts_only(browser):
    assert browser.client.get(f"/saml/{browser.connection_id}/acs").status_code == 405
