"""Single logout begun at the provider; and every way it must not be believed."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree

from app.directory import users
from saml import setup
from saml.bindings import signed_in_query
from saml.keys import new_key_pair
from saml.xml import DS, SAML, SAMLP, name
from tests.conftest import write
from tests.inspection import audit
from tests.saml.conftest import Browser
from tests.saml.logging_out import POST, REDIRECT, RSA_SHA1, form, index_of, post, query, send
from tests.saml.provider import SLO, SUCCESS, at, encode, encrypted_name_id


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
