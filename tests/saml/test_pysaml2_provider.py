"""The whole way with pysaml2's own identity provider: in, out, and out from its side."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl, urlsplit

import pytest
from lxml import html
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, samlp
from saml2.response import IncorrectlySigned

from app.store.models import Session, User, UserValue
from saml import setup
from tests.conftest import write
from tests.inspection import audit, row
from tests.saml.conftest import Browser
from tests.saml.provider import encode
from tests.saml.pysaml2_provider import URL, Pysaml2Provider


@pytest.fixture(params=[BINDING_HTTP_REDIRECT, BINDING_HTTP_POST])
def idp(request, tmp_path, keys) -> Pysaml2Provider:
    return Pysaml2Provider(tmp_path, keys, request.param)


@pytest.fixture
def browser(app, account, ada, idp) -> Browser:
    with write(account) as work:
        described = setup.from_metadata(idp.metadata.encode())
        connection_id = setup.register(work, "pysaml2", described)
    found = Browser(app, app.test_client(), account, connection_id)
    document = found.client.get(f"/saml/{connection_id}/metadata").get_data(as_text=True)
    idp.trust(document)
    return found


def fields_of(answer, location: str) -> dict[str, str]:
    """What the browser takes along to the provider, in the URL or in the form."""
    if answer.status_code == 303:
        assert answer.location.partition("?")[0] == location
        return dict(parse_qsl(urlsplit(answer.location).query))
    (form,) = html.document_fromstring(answer.get_data(as_text=True)).forms
    assert form.action == location
    return dict(form.form_values())


def start(browser, idp) -> dict:
    answer = browser.client.get(f"/saml/{browser.connection_id}/login")
    return idp.asked(fields_of(answer, f"{URL}/sso"))


def sign_in(browser, idp, name_id="ada@example.com") -> None:
    response = idp.response(start(browser, idp), name_id, sign_assertion=True)
    assert browser.post(encode(response.encode())).status_code == 303


def deliver(browser, sent: dict[str, str]):
    path = f"/saml/{browser.connection_id}/slo"
    if "query" in sent:
        return browser.client.get(path, query_string=sent["query"])
    return browser.client.post(path, data=sent)


@pytest.mark.parametrize(
    "signed",
    [
        {"sign_assertion": True},
        {"sign_response": True},
        {"sign_assertion": True, "sign_response": True},
    ],
)
def test_signing_in(browser, idp, signed):
    response = idp.response(start(browser, idp), "ada@example.com", **signed)
    answer = browser.post(encode(response.encode()))
    assert answer.status_code == 303
    assert browser.session() == "Ada@example.com"
    stored = row(Session)
    assert stored.name_id == "ada@example.com"
    assert stored.name_id_format == "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    assert stored.session_index


def test_its_attributes_are_read(browser, idp, account):
    """It names them by their object identifiers, where it can."""
    names = {"email": "urn:oid:0.9.2342.19200300.100.1.3", "givenName": "urn:oid:2.5.4.42"}
    with write(account) as work:
        setup.configure(work, "pysaml2", provisioning="create", attribute_names=names)
    sign_in(browser, idp, "eve@example.com")
    assert browser.session() == "eve@example.com"
    user = row(User, user_name="eve@example.com")
    assert user.attributes["name"] == {"givenName": "Eve"}
    assert row(UserValue, user_id=user.id).value == "eve@example.com"


def test_a_response_works_once(browser, idp, account):
    asked = start(browser, idp)
    response = encode(idp.response(asked, "ada@example.com", sign_response=True).encode())
    assert browser.post(response).status_code == 303
    assert browser.post(response).status_code == 403
    assert "no request that is open" in audit(account, "session.refused")[-1].reason


def test_what_it_signed_and_somebody_altered_is_refused(browser, idp):
    response = idp.response(start(browser, idp), "eve@example.com", sign_assertion=True)
    altered = response.replace("eve@example.com", "ada@example.com")
    assert altered != response
    browser.assert_refused(browser.post(encode(altered.encode())), "matches no certificate")


def test_what_it_did_not_sign_is_refused(browser, idp):
    response = idp.response(start(browser, idp), "ada@example.com")
    refused = browser.post(encode(response.encode()))
    browser.assert_refused(refused, "neither the response nor its assertion is signed")


def test_a_request_that_was_altered_on_the_way_is_refused_by_it(browser, idp):
    answer = browser.client.get(f"/saml/{browser.connection_id}/login")
    fields = fields_of(answer, f"{URL}/sso")
    if idp.binding == BINDING_HTTP_REDIRECT:
        fields["RelayState"] = "x"
    else:
        document = base64.b64decode(fields["SAMLRequest"])
        assert b'AllowCreate="true"' in document
        fields["SAMLRequest"] = encode(document.replace(b'AllowCreate="true"', b""))
    with pytest.raises(IncorrectlySigned):
        idp.asked(fields)


def test_signing_out_here(browser, idp, app):
    sign_in(browser, idp)
    onwards = browser.client.get(sign_out(browser).location)
    asked = idp.logout_asked(fields_of(onwards, f"{URL}/slo"))
    assert asked.name_id.text == "ada@example.com"
    assert asked.session_index[0].text == row(Session).session_index
    done = deliver(browser, idp.logout_answer(asked, browser.sp))
    assert done.status_code == 200, done.get_data(as_text=True)
    assert "You are signed out of Gatehouse." in done.get_data(as_text=True)


def test_signing_out_there(browser, idp):
    sign_in(browser, idp)
    sent = idp.logout_request(browser.sp, "ada@example.com", row(Session).session_index)
    answer = deliver(browser, sent)
    assert browser.session() is None
    fields = fields_of(answer, f"{URL}/slo")
    assert fields["RelayState"] == "back"
    said = idp.logout_answered(fields)
    assert said.status.status_code.value == samlp.STATUS_SUCCESS


def sign_out(browser):
    """Press the button of the start page."""
    page = html.document_fromstring(browser.client.get("/").get_data(as_text=True))
    (form,) = [each for each in page.forms if each.action == "/sign-out"]
    return browser.client.post("/sign-out", data=dict(form.form_values()))
