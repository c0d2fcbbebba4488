"""Single logout begun here, and the provider's answer to it."""

from __future__ import annotations

import base64
import zlib
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree

from saml.bindings import signed_in_query
from saml.xml import SAML, SAMLP, name
from tests.inspection import audit
from tests.saml.logging_out import POST, REDIRECT, form, index_of, post, query, send
from tests.saml.provider import SLO, SUCCESS, at


def answer(provider, browser, asked, *, status=SUCCESS, **changes) -> bytes:
    attributes = {
        "ID": "a1",
        "Version": "2.0",
        "IssueInstant": at(0),
        "Destination": f"{browser.sp}/slo",
        "InResponseTo": asked,
    } | changes
    text = " ".join(f'{key}="{value}"' for key, value in attributes.items() if value is not None)
    return (
        f'<samlp:LogoutResponse xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" {text}>'
        f"<saml:Issuer>{provider.entity_id}</saml:Issuer>"
        f'<samlp:Status><samlp:StatusCode Value="{status}"/></samlp:Status>'
        "</samlp:LogoutResponse>"
    ).encode()


def message_in(location: str, parameter: str) -> etree._Element:
    (value,) = parse_qs(urlsplit(location).query)[parameter]
    return etree.fromstring(zlib.decompress(base64.b64decode(value), -15))


def sign_out(browser) -> object:
    """Press the button of the start page."""
    page = browser.client.get("/").get_data(as_text=True)
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    return browser.client.post("/sign-out", data={"csrf_token": token})


# -- Begun here ---------------------------------------------------------------------


def test_signing_out_here_goes_on_to_the_provider(ada_is_in, keys, account):
    browser = ada_is_in()
    index = index_of()
    first = sign_out(browser)
    assert first.location == f"/saml/{browser.connection_id}/logout"
    assert browser.session() is None
    onwards = browser.client.get(first.location)
    assert onwards.status_code == 303
    parts = urlsplit(onwards.location)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == SLO
    asked = signed_in_query(parts.query, "SAMLRequest", [keys.own_certificate])
    assert asked.tag == name(SAMLP, "LogoutRequest")
    assert asked.get("Destination") == SLO
    assert asked.find(name(SAML, "NameID")).text == "ada@example.com"
    assert asked.find(name(SAMLP, "SessionIndex")).text == index
    (event,) = audit(account, "session.revoked")
    assert event.after["reason"] == "signed out"


def test_the_name_goes_back_as_it_came(ada_is_in, provider):
    browser = ada_is_in()

    def named(root):
        name_id = next(root.iter(name(SAML, "NameID")))
        name_id.set("Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")
        name_id.set("NameQualifier", "https://idp.example")
        name_id.set("SPNameQualifier", "us")

    arrived = browser.post(provider.response(browser.sp, browser.start(), before=named))
    assert arrived.status_code == 303
    onwards = browser.client.get(sign_out(browser).location)
    name_id = message_in(onwards.location, "SAMLRequest").find(name(SAML, "NameID"))
    assert dict(name_id.attrib) == {
        "Format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        "NameQualifier": "https://idp.example",
        "SPNameQualifier": "us",
    }


def test_by_post_where_the_provider_wants_it(ada_is_in, keys):
    browser = ada_is_in(POST)
    page = browser.client.get(sign_out(browser).location)
    assert page.status_code == 200
    root = etree.HTML(page.get_data(as_text=True))
    (sent,) = root.xpath("//form")
    assert sent.get("action") == SLO
    (value,) = root.xpath("//input[@name='SAMLRequest']/@value")
    assert b"LogoutRequest" in base64.b64decode(value)


@pytest.mark.parametrize("options", [{"logout": None}, {"single_logout": False}])
def test_where_the_provider_is_not_to_know_that_is_all(ada_is_in, options):
    browser = ada_is_in(**options)
    page = browser.client.get(sign_out(browser).location)
    assert page.status_code == 200 and "You are signed out" in page.get_data(as_text=True)


def test_nobody_is_sent_to_the_provider_without_having_signed_out(ada_is_in):
    """Another site may lead a browser to this address."""
    browser = ada_is_in()
    answered = browser.client.get(f"/saml/{browser.connection_id}/logout")
    assert answered.location == "/sign-in"
    assert browser.session() == "Ada@example.com"


def test_another_site_cannot_sign_anybody_out(ada_is_in):
    browser = ada_is_in()
    assert browser.client.post("/sign-out").status_code == 400
    assert browser.session() == "Ada@example.com"


@pytest.mark.parametrize("binding", [REDIRECT, POST])
@pytest.mark.parametrize(
    ("status", "says"),
    [
        (SUCCESS, "You are signed out of Gatehouse."),
        ("urn:oasis:names:tc:SAML:2.0:status:Responder", "still be"),
    ],
)
def test_the_answer_of_the_provider_is_taken_once(ada_is_in, provider, binding, status, says):
    browser = ada_is_in()
    onwards = browser.client.get(sign_out(browser).location)
    asked = message_in(onwards.location, "SAMLRequest").get("ID")
    document = answer(provider, browser, asked, status=status)

    def give():
        if binding == POST:
            return post(browser, form(provider, document, "SAMLResponse"))
        return send(browser, query(provider, document, "SAMLResponse"))

    first = give()
    assert first.status_code == 200
    assert says in " ".join(first.get_data(as_text=True).split())
    assert give().status_code == 403


def test_an_answer_to_a_sign_in_is_none_to_a_logout(ada_is_in, provider, account):
    browser = ada_is_in()
    asked = browser.start()
    refused = send(browser, query(provider, answer(provider, browser, asked), "SAMLResponse"))
    assert refused.status_code == 403
    assert "no request that is open" in audit(account, "logout.refused")[-1].reason
    onwards = browser.client.get(sign_out(browser).location)
    asked = message_in(onwards.location, "SAMLRequest").get("ID")
    assert browser.post(provider.response(browser.sp, asked)).status_code == 403
