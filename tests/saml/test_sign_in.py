"""Signing in through a provider, from the request to the session, and out at once."""

import base64
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from app.directory import accounts, users
from app.store.models import SamlRequest, Session
from saml import setup
from saml.keys import certificate_body, certificate_pem
from saml.signatures import verified
from saml.xml import SAML, SAMLP, name, parse
from tests.conftest import CLI_ACTOR, make_app, write
from tests.inspection import audit, row, rows
from tests.saml.conftest import HOST, Browser, connect, request_of
from tests.saml.provider import SSO, find


def ec_key_pair() -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1)
        .not_valid_before(datetime(2020, 1, 1))
        .not_valid_after(datetime(2040, 1, 1))
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return private, certificate.public_bytes(Encoding.PEM).decode()


def certificate_in(metadata: bytes) -> str:
    return certificate_pem(find(etree.fromstring(metadata), "X509Certificate").text)


@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_a_good_response_signs_in(browser, provider, sign):
    asked = browser.start(next="/folders?x=1")
    answer = browser.post(provider.response(browser.sp, asked, sign=sign))
    assert (answer.status_code, answer.location) == (303, "/folders?x=1")
    assert browser.session() == "Ada@example.com"
    session = row(Session)
    assert (session.method, session.name_id) == ("saml", "ada@example.com")
    assert session.session_index.startswith("s")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and session.hash not in cookie
    assert rows(SamlRequest) == []
    (event,) = audit(browser.account_id, "session.opened")
    assert (event.surface, event.actor_type) == ("saml", "connection")


def test_deactivated_means_out_at_the_very_next_request(browser, provider, ada):
    browser.post(provider.response(browser.sp, browser.start()))
    assert browser.session() == "Ada@example.com"
    with write(browser.account_id) as work:
        users.set_active(work, ada, False)
    assert browser.session() is None
    again = provider.response(browser.sp, browser.start())
    assert browser.post(again).status_code == 403
    with write(browser.account_id) as work:
        users.set_active(work, ada, True)
    assert browser.session() is None


def test_the_request_is_signed_and_says_where_to_answer(browser):
    answer = browser.client.get(f"/saml/{browser.connection_id}/login")
    location = answer.location
    assert location.startswith(SSO + "?")
    request = request_of(location)
    assert request.get("AssertionConsumerServiceURL") == f"{browser.sp}/acs"
    assert request.get("Destination") == SSO
    assert request.findtext(name(SAML, "Issuer")) == f"{browser.sp}/metadata"
    query = urlsplit(location).query
    signed, _, _ = query.partition("&Signature=")
    (signature,) = parse_qs(query)["Signature"]
    metadata = browser.client.get(f"/saml/{browser.connection_id}/metadata").data
    key = x509.load_pem_x509_certificate(certificate_in(metadata).encode()).public_key()
    key.verify(base64.b64decode(signature), signed.encode(), padding.PKCS1v15(), SHA256())


def test_a_request_by_post_carries_a_good_signature(app, account, ada, provider):
    browser = connect(app, account, provider, post=True)
    answer = browser.client.get(f"/saml/{browser.connection_id}/login")
    page = etree.HTML(answer.data)
    assert page.xpath("//form/@action") == [SSO]
    (field,) = page.xpath("//input[@name='SAMLRequest']/@value")
    request = parse(base64.b64decode(field))
    metadata = browser.client.get(f"/saml/{browser.connection_id}/metadata").data
    assert request.tag == name(SAMLP, "AuthnRequest")
    assert verified(request, [certificate_in(metadata)])
    # Nothing inline, so that the page works under the policy of all pages.
    assert page.xpath("//script[not(@src)] | //*[@style] | //*[@onload]") == []
    assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]
    assert browser.post(provider.response(browser.sp, request.get("ID"))).status_code == 303


def test_metadata_names_us_and_our_certificate(browser):
    answer = browser.client.get(f"/saml/{browser.connection_id}/metadata")
    assert answer.content_type == "application/samlmetadata+xml"
    entity = etree.fromstring(answer.data)
    assert entity.get("entityID") == f"{browser.sp}/metadata"
    assert find(entity, "AssertionConsumerService").get("Location") == f"{browser.sp}/acs"


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "folders",
        "",
        "/" + "x" * 2000,
        "/a\r\nSet-Cookie: x=y",
        "http:/evil.example",
        "//[",
        "https://[",
    ],
)
def test_the_way_back_stays_on_this_site(browser, provider, path):
    asked = browser.start(next=path)
    answer = browser.post(provider.response(browser.sp, asked), RelayState=path)
    assert (answer.status_code, answer.location) == (303, "/")


@pytest.mark.parametrize(
    ("name_id", "attribute"),
    [
        ("ADA@EXAMPLE.COM", ""),
        ("opaque-7", ""),
        ("nobody", "ada@example.com"),
        ("x", "work@a.example"),
    ],
)
def test_the_person_is_found(app, account, provider, ada, name_id, attribute):
    with write(account) as work:
        emails = {"emails": [{"value": "Work@a.example"}]}
        users.replace(
            work, ada, users.Profile("Ada@example.com", external_id="opaque-7", values=emails)
        )

    def with_attribute(root):
        find(root, "AttributeValue").text = attribute

    browser = connect(app, account, provider, match_email=True)
    response = provider.response(
        browser.sp, browser.start(), name_id=name_id, before=with_attribute
    )
    assert browser.post(response).status_code == 303
    assert browser.session() == "Ada@example.com"


def test_an_email_attribute_says_nothing_unless_the_connection_lets_it(browser, provider):
    """Somebody the provider knows, but not Gatehouse, who wrote another's address there."""

    def with_attribute(root):
        find(root, "AttributeValue").text = "ada@example.com"

    response = provider.response(
        browser.sp, browser.start(), name_id="opaque", before=with_attribute
    )
    browser.assert_refused(browser.post(response), "nobody here is 'opaque'")


def test_a_shared_address_names_nobody(browser, provider):
    with write(browser.account_id) as work:
        for user_name in ("b", "c"):
            emails = {"emails": [{"value": "shared@example.com"}]}
            users.create(work, users.Profile(user_name, values=emails))
    response = provider.response(browser.sp, browser.start(), name_id="shared@example.com")
    browser.assert_refused(browser.post(response), "several people here have this address")


def test_over_https_the_answer_must_come_to_the_browser_that_asked(
    app, account, ada, provider, database_url
):
    secure = make_app(database_url, public_url="https://gatehouse.example")
    browser = connect(app, account, provider)
    base = "https://gatehouse.example"
    path = f"/saml/{browser.connection_id}"
    victim, attacker = secure.test_client(), secure.test_client()
    asked = request_of(attacker.get(f"{path}/login", base_url=base).location).get("ID")
    response = provider.response(base + path, asked)
    data = {"SAMLResponse": response}
    assert victim.post(f"{path}/acs", data=data, base_url=base).status_code == 403
    answer = attacker.post(f"{path}/acs", data=data, base_url=base)
    assert answer.status_code == 303
    (cookie,) = [
        each for each in answer.headers.getlist("Set-Cookie") if "__Host-gatehouse=" in each
    ]
    for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_several_tabs_of_a_browser_sign_in(app, account, ada, provider, database_url):
    secure = make_app(database_url, public_url="https://gatehouse.example")
    browser = connect(app, account, provider)
    base, path = "https://gatehouse.example", f"/saml/{browser.connection_id}"
    client = secure.test_client()
    tabs = [request_of(client.get(f"{path}/login", base_url=base).location) for _ in range(3)]
    for asked in tabs:
        data = {"SAMLResponse": provider.response(base + path, asked.get("ID"))}
        assert client.post(f"{path}/acs", data=data, base_url=base).status_code == 303


@pytest.mark.parametrize(
    ("kind", "value"),
    [("boolean", "1"), ("integer", "many"), ("date", "today"), ("string", "x"), ("nothing", "x")],
)
def test_attribute_values_of_any_type(browser, provider, kind, value):
    """pysaml2 fails on a value that it does not find to be of its type."""

    def typed(root):
        element = find(root, "AttributeValue")
        element.text = value
        element.set("{http://www.w3.org/2001/XMLSchema-instance}type", f"xs:{kind}")

    response = provider.response(browser.sp, browser.start(), before=typed)
    assert browser.post(response).status_code == 303


@pytest.mark.parametrize("number", [0, 1])
def test_both_certificates_are_good_while_one_replaces_the_other(
    app, account, ada, provider, keys, number
):
    pairs = [(provider.key, provider.certificate), (keys.own_key, keys.own_certificate)]
    first, second = (certificate_body(certificate) for _, certificate in pairs)
    both = f"{first}</ds:X509Certificate><ds:X509Certificate>{second}"
    document = provider.metadata().replace(first.encode(), both.encode())
    with write(account) as work:
        connection_id = setup.register(work, "IdP", setup.from_metadata(document))
    browser = Browser(app, app.test_client(), account, connection_id)
    provider.key, provider.certificate = pairs[number]
    assert browser.post(provider.response(browser.sp, browser.start())).status_code == 303


RSA_SHA512 = xmlsec.constants.TransformRsaSha512
ECDSA_SHA256 = xmlsec.constants.TransformEcdsaSha256
ECDSA_SHA384 = xmlsec.constants.TransformEcdsaSha384


@pytest.mark.parametrize(
    ("kind", "method"), [("rsa", RSA_SHA512), ("ec", ECDSA_SHA256), ("ec", ECDSA_SHA384)]
)
def test_other_strong_algorithms(app, account, ada, provider, kind, method):
    if kind == "ec":
        provider.key, provider.certificate = ec_key_pair()
    browser = connect(app, account, provider)

    def sign(root):
        assertion = root.find(name(SAML, "Assertion"))
        provider.sign(assertion, method=method, digest=xmlsec.constants.TransformSha512)

    response = provider.response(browser.sp, browser.start(), sign="nothing", after=sign)
    assert browser.post(response).status_code == 303


def test_an_unknown_connection_is_not_there(browser):
    for path in ("metadata", "login"):
        assert browser.client.get(f"/saml/{'x' * 50}/{path}").status_code == 404
    assert browser.client.post("/saml/nothing/acs").status_code == 404


def test_an_account_is_not_entered_by_anothers_provider(app, browser, provider):
    from tests.saml.provider import TestProvider

    other_account = accounts.create(CLI_ACTOR, "Other")
    other = TestProvider()
    with write(other_account) as work:
        users.create(work, users.Profile("ada@example.com"))
    theirs: Browser = connect(app, other_account, other)
    response = other.response(browser.sp, browser.start())
    browser.assert_refused(browser.post(response), "matches no certificate")
    # A good answer of one connection is worth nothing at another, even of the same account.
    asked = theirs.start()
    browser.assert_refused(browser.post(other.response(theirs.sp, asked)), "matches no certificate")
    assert HOST in theirs.sp
