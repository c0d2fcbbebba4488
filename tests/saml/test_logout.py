"""Single logout, begun here and at the provider; and every way it must not be believed."""

from __future__ import annotations

import base64
import zlib
from functools import cache
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from app.directory import users
from app.store.models import Session
from saml import setup
from saml.bindings import signed_in_query
from saml.keys import new_key_pair
from saml.xml import DS, SAML, SAMLP, name
from tests.conftest import write
from tests.inspection import audit, rows
from tests.saml.conftest import Browser, connect
from tests.saml.provider import SLO, SUCCESS, at, encode, encrypted_name_id

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
REDIRECT = "HTTP-Redirect"
POST = "HTTP-POST"


@pytest.fixture
def ada_is_in(app, account, ada, provider):
    """A browser in which Ada is signed in, at a provider that knows single logout."""

    def sign_in(logout=REDIRECT, **options) -> Browser:
        provider.logout = logout
        browser = connect(app, account, provider, **options)
        browser.post(provider.response(browser.sp, browser.start()))
        assert browser.session() == "Ada@example.com"
        return browser

    return sign_in


def index_of() -> str:
    (stored,) = rows(Session, revoked_at=None)
    return stored.session_index


def request(provider, browser, *, name_id="ada@example.com", index=None, **changes) -> bytes:
    """A LogoutRequest of the provider, not signed yet."""
    provider.counter += 1
    attributes = {
        "ID": f"l{provider.counter}",
        "Version": "2.0",
        "IssueInstant": at(0),
        "Destination": f"{browser.sp}/slo",
    } | changes
    text = " ".join(f'{key}="{value}"' for key, value in attributes.items() if value is not None)
    sessions = f"<samlp:SessionIndex>{index}</samlp:SessionIndex>" if index else ""
    return (
        f'<samlp:LogoutRequest xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" {text}>'
        f"<saml:Issuer>{provider.entity_id}</saml:Issuer>"
        f"<saml:NameID>{name_id}</saml:NameID>{sessions}</samlp:LogoutRequest>"
    ).encode()


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


def query(provider, document, parameter="SAMLRequest", *, key=None, algorithm=RSA_SHA256, **more):
    """The query of an HTTP-Redirect, signed as a provider signs it."""
    deflated = zlib.compress(document)[2:-4]
    fields = {parameter: base64.b64encode(deflated).decode()} | more | {"SigAlg": algorithm}
    signed = urlencode(fields)
    digest = SHA1() if algorithm == RSA_SHA1 else SHA256()
    signature = private_key(key or provider.key).sign(signed.encode(), padding.PKCS1v15(), digest)
    return f"{signed}&Signature={quote_plus(base64.b64encode(signature))}"


@cache
def private_key(pem):
    """Reading one takes a tenth of a second: its numbers are tried for being primes."""
    return load_pem_private_key(pem.encode(), None)


def form(provider, document, parameter="SAMLRequest", **more):
    root = etree.fromstring(document)
    provider.sign(root)
    return {parameter: encode(root)} | more


def send(browser, query_string):
    return browser.client.get(f"/saml/{browser.connection_id}/slo", query_string=query_string)


def post(browser, fields):
    return browser.client.post(f"/saml/{browser.connection_id}/slo", data=fields)


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


# -- Begun at the provider ----------------------------------------------------------


@pytest.mark.parametrize("binding", [REDIRECT, POST])
@pytest.mark.parametrize("by_index", [True, False])
def test_the_provider_signs_somebody_out(ada_is_in, provider, keys, account, binding, by_index):
    browser = ada_is_in(binding)
    document = request(provider, browser, index=index_of() if by_index else None)
    if binding == POST:
        done = post(browser, form(provider, document, RelayState="back"))
        assert done.status_code == 200 and 'value="back"' in done.get_data(as_text=True)
        # The provider may do this in a frame of its page, and nobody else.
        policy = done.headers["Content-Security-Policy"]
        assert "frame-ancestors https://idp.example;" in f"{policy};"
    else:
        done = send(browser, query(provider, document, RelayState="back to you"))
        parts = urlsplit(done.location)
        said = signed_in_query(parts.query, "SAMLResponse", [keys.own_certificate])
        assert said.get("InResponseTo") == etree.fromstring(document).get("ID")
        assert said.get("Destination") == f"{SLO}/answers"
        assert next(said.iter(name(SAMLP, "StatusCode"))).get("Value") == SUCCESS
        assert parse_qs(parts.query)["RelayState"] == ["back to you"]
    assert browser.session() is None
    event = audit(account, "session.revoked")[-1]
    assert event.after["reason"] == "signed out at the provider"
    assert event.actor_type == "connection"


def test_an_encrypted_name_is_read(ada_is_in, provider, keys):
    browser = ada_is_in()
    root = etree.fromstring(request(provider, browser))
    encrypted_name_id(root, keys.own_certificate)
    assert post(browser, form(provider, etree.tostring(root))).status_code == 303
    assert browser.session() is None


def test_only_the_session_that_is_named_ends(ada_is_in, provider, app):
    browser = ada_is_in()
    index = index_of()
    other = Browser(app, app.test_client(), browser.account_id, browser.connection_id)
    other.post(provider.response(other.sp, other.start()))
    send(browser, query(provider, request(provider, browser, index=index)))
    assert browser.session() is None
    assert other.session() == "Ada@example.com"


def test_no_session_of_somebody_else_ends(ada_is_in, provider, app, account):
    browser = ada_is_in()
    index = index_of()
    with write(account) as work:
        users.create(work, users.Profile("eve@example.com"))
    document = request(provider, browser, name_id="eve@example.com", index=index)
    assert send(browser, query(provider, document)).status_code == 303
    assert browser.session() == "Ada@example.com"


def test_no_session_of_another_connection_ends(ada_is_in, provider, account):
    browser = ada_is_in()
    with write(account) as work:
        described = setup.from_metadata(provider.metadata())
        second = setup.register(work, "Second", described)
    other = Browser(browser.app, browser.client, account, second)
    assert send(other, query(provider, request(provider, other))).status_code == 303
    assert browser.session() == "Ada@example.com"


# -- What is refused ----------------------------------------------------------------


def forged(provider, browser, **changes):
    return query(provider, request(provider, browser, **changes))


def unsigned(provider, browser):
    return forged(provider, browser).split("&SigAlg")[0]


def signed_by_another(provider, browser):
    return query(provider, request(provider, browser), key=new_key_pair("another")[0])


def with_sha1(provider, browser):
    return query(provider, request(provider, browser), algorithm=RSA_SHA1)


def with_another_message(provider, browser):
    theirs = forged(provider, browser).split("&", 1)[0]
    return theirs + "&" + forged(provider, browser, name_id="eve@example.com").split("&", 1)[1]


def with_the_message_twice(provider, browser):
    good = forged(provider, browser)
    return f"{good}&{good.split('&')[0]}"


def with_another_relay_state(provider, browser):
    return forged(provider, browser) + "&RelayState=x"


def with_another_relay_state_under_an_encoded_name(provider, browser):
    """What reads the fields decoded would find two."""
    return "%52elayState=x&" + query(provider, request(provider, browser), RelayState="y")


def with_a_bomb(provider, browser):
    return query(provider, b"<a>" + b"0" * 50_000_000 + b"</a>")


REFUSED = {
    "unsigned": (unsigned, "not signed"),
    "signed by another": (signed_by_another, "matches no certificate"),
    "RSA-SHA1": (with_sha1, "is not allowed"),
    "another message": (with_another_message, "matches no certificate"),
    "twice": (with_the_message_twice, "twice"),
    "RelayState not signed": (with_another_relay_state, "matches no certificate"),
    "encoded name": (with_another_relay_state_under_an_encoded_name, "its name is encoded"),
    "DEFLATE bomb": (with_a_bomb, "larger than"),
    "issued long ago": (lambda *a: forged(*a, IssueInstant=at(-30)), "no longer valid"),
    "issued in the future": (lambda *a: forged(*a, IssueInstant=at(30)), "not valid yet"),
    "over": (lambda *a: forged(*a, NotOnOrAfter=at(-5)), "no longer valid"),
    "no time": (lambda *a: forged(*a, IssueInstant=None), "not valid SAML"),
    "another place": (lambda *a: forged(*a, Destination="https://x.example/"), "another place"),
    "an old version": (lambda *a: forged(*a, Version="1.1"), "not of SAML 2.0"),
    "nobody": (lambda *a: forged(*a, name_id=""), "not plain text"),
    "not compressed": (lambda p, b: query(p, b"").replace("AwA", "////"), "certificate"),
    "no message": (lambda p, b: "SAMLRequest=", "not signed"),
    "nothing": (lambda p, b: "", "one message"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_request_that_is_not_as_it_must_be_ends_nothing(ada_is_in, provider, account, kind):
    make, says = REFUSED[kind]
    browser = ada_is_in()
    refused = send(browser, make(provider, browser))
    assert refused.status_code == 403
    page = refused.get_data(as_text=True)
    assert refused.headers["X-Request-Id"] in page and "about signing out" in page
    assert "frame-ancestors 'none'" in refused.headers["Content-Security-Policy"]
    assert says in audit(account, "logout.refused")[-1].reason
    assert browser.session() == "Ada@example.com"


def test_a_request_works_once(ada_is_in, provider, account):
    browser = ada_is_in()
    sent = forged(provider, browser, name_id="nobody@example.com")
    assert send(browser, sent).status_code == 303
    assert send(browser, sent).status_code == 403
    assert "used before" in audit(account, "logout.refused")[-1].reason


def test_a_posted_request_must_be_signed_itself(ada_is_in, provider, account):
    browser = ada_is_in()
    document = request(provider, browser)
    assert post(browser, {"SAMLRequest": encode(document)}).status_code == 403
    signed = form(provider, document)["SAMLRequest"]
    altered = base64.b64decode(signed).replace(b"ada@example.com", b"eve@example.com")
    assert post(browser, {"SAMLRequest": encode(altered)}).status_code == 403
    root = etree.fromstring(base64.b64decode(signed))
    holder = etree.fromstring(document)
    holder.append(root.find(name(DS, "Signature")))
    holder.set("ID", "another")
    assert post(browser, {"SAMLRequest": encode(holder)}).status_code == 403
    assert browser.session() == "Ada@example.com"


def test_a_request_of_another_issuer_is_refused(ada_is_in, provider):
    browser = ada_is_in()
    document = request(provider, browser).replace(provider.entity_id.encode(), b"https://x")
    assert send(browser, query(provider, document)).status_code == 403
    assert browser.session() == "Ada@example.com"


def test_a_request_with_two_names_is_refused(ada_is_in, provider):
    browser = ada_is_in()
    second = b"<saml:NameID>eve@example.com</saml:NameID></samlp:LogoutRequest>"
    document = request(provider, browser).replace(b"</samlp:LogoutRequest>", second)
    assert send(browser, query(provider, document)).status_code == 403


def test_a_response_to_a_sign_in_is_no_logout(ada_is_in, provider):
    browser = ada_is_in()
    response = provider.response(browser.sp, browser.start(), sign="response")
    assert post(browser, {"SAMLResponse": response}).status_code == 403
    assert post(browser, {"SAMLRequest": response}).status_code == 403
    assert browser.session() == "Ada@example.com"
