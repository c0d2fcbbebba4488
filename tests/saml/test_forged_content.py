"""Content that must be refused although the provider signed it, for it does not fit us now."""

import copy
from datetime import timedelta

import pytest
from lxml import etree

from app.directory import users
from app.store.types import now
from saml.xml import SAML, name
from tests.conftest import make_app, write
from tests.saml.provider import assertion_of, at, find, setting


def texting(local, text):
    def change(root):
        find(assertion_of(root), local).text = text

    return change


def dropping(local):
    def change(root):
        element = find(assertion_of(root), local)
        element.getparent().remove(element)

    return change


CONFIRMATION = "SubjectConfirmationData"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (texting("Audience", "https://other.example"), "another audience"),
        (dropping("AudienceRestriction"), "no audience"),
        (dropping("Conditions"), "no audience"),
        (setting(CONFIRMATION, "Recipient", "https://other.example"), "another recipient"),
        (setting(CONFIRMATION, "Recipient", None), "another recipient"),
        (setting("Response", "Destination", "https://other.example"), "another place"),
        (texting("Issuer", "https://other.example"), "another issuer"),
        (setting("Conditions", "NotOnOrAfter", at(-10)), "no longer valid"),
        (setting("Conditions", "NotBefore", at(120)), "not valid yet"),
        (setting(CONFIRMATION, "NotOnOrAfter", at(-10)), "no longer valid"),
        (setting(CONFIRMATION, "NotOnOrAfter", None), "has no end"),
        (setting(CONFIRMATION, "NotOnOrAfter", at(60 * 48)), "for too long"),
        (setting(CONFIRMATION, "NotBefore", at(-1)), "must not have a beginning"),
        (setting(CONFIRMATION, "NotOnOrAfter", "tomorrow"), "not valid SAML"),
        (setting("SubjectConfirmation", "Method", "urn:other"), "no bearer confirmation"),
        (dropping("SubjectConfirmation"), "no bearer confirmation"),
        (dropping("Subject"), "names nobody"),
        (dropping("NameID"), "names nobody"),
        (texting("NameID", " "), "names nobody"),
        (dropping("AuthnStatement"), "anyone signed in"),
        (setting("AuthnStatement", "SessionNotOnOrAfter", at(-10)), "session at the provider"),
        (setting("Assertion", "Version", "1.1"), "SAML 2.0"),
        (setting("Response", "Version", "1.1"), "SAML 2.0"),
        (
            setting("StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:status:Requester"),
            "did not sign the person in",
        ),
    ],
)
def test_content_that_does_not_fit(refuses, change, says):
    refuses(says, before=change)


@pytest.mark.parametrize("cut", [("ada@example.com", ".evil"), ("", "ada@example.com")])
def test_a_name_with_an_element_in_it(refuses, cut):
    """What a reader that stops at the element would take for Ada."""

    def change(root):
        element = find(root, "NameID")
        element.text = cut[0]
        etree.SubElement(element, "x").tail = cut[1]

    refuses("", before=change)


@pytest.mark.parametrize(
    "local", ["Issuer", "Subject", "Conditions", "NameID", "SubjectConfirmationData"]
)
def test_an_element_that_may_be_there_once(refuses, local):
    """Of two, readers would take one or the other: the first expired, the second not."""

    def change(root):
        element = find(assertion_of(root), local)
        element.addnext(copy.deepcopy(element))

    refuses("not valid SAML", before=change)


def test_a_condition_we_do_not_know(refuses):
    def change(root):
        etree.SubElement(find(root, "Conditions"), name(SAML, "Condition"))

    refuses("not valid SAML", before=change)


def test_conditions_we_know(browser, provider):
    def change(root):
        etree.SubElement(find(root, "Conditions"), name(SAML, "OneTimeUse"))

    response = provider.response(browser.sp, browser.start(), before=change)
    assert browser.post(response).status_code == 303


def test_a_failed_sign_in_at_the_provider_says_so(refuses):
    def change(root):
        root.remove(assertion_of(root))
        find(root, "StatusCode").set("Value", "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed")

    refuses("AuthnFailed", before=change, sign="nothing")


def test_the_issuer_of_the_response_is_another(refuses):
    def change(root):
        root.find(name(SAML, "Issuer")).text = "https://other.example"

    refuses("another issuer", after=change)


@pytest.mark.parametrize("asked", ["id-never-asked", None])
def test_nobody_asked(refuses, asked):
    refuses("" if asked else "nobody asked", asked=asked)


def test_the_envelope_answers_another_request(refuses, browser):
    other = browser.start()
    refuses("different requests", after=lambda root: root.set("InResponseTo", other))


def test_another_connections_request(app, account, browser, provider):
    from saml import setup
    from tests.saml.conftest import Browser

    with write(account) as work:
        second = setup.register(work, "Second", setup.from_metadata(provider.metadata()))
    elsewhere = Browser(app, app.test_client(), account, second)
    response = provider.response(browser.sp, elsewhere.start())
    browser.assert_refused(browser.post(response), "no request that is open")


def test_an_old_request(browser, provider, monkeypatch):
    from app.directory import sign_in

    monkeypatch.setattr(sign_in, "REQUEST_LIFETIME", timedelta(seconds=-1))
    browser.assert_refused(
        browser.post(provider.response(browser.sp, browser.start())), "no request that is open"
    )


def test_a_response_works_once(browser, provider, database_url):
    response = provider.response(browser.sp, browser.start())
    assert browser.post(response).status_code == 303
    assert browser.post(response).status_code == 403
    # A second process knows as well: what was used is in the database.
    second = make_app(database_url).test_client()
    answer = second.post(f"/saml/{browser.connection_id}/acs", data={"SAMLResponse": response})
    assert answer.status_code == 403


def test_an_assertion_id_works_once_even_for_a_new_request(browser, provider):
    asked = browser.start()
    fixed = setting("Assertion", "ID", "always-the-same")
    assert browser.post(provider.response(browser.sp, asked, before=fixed)).status_code == 303
    again = provider.response(browser.sp, browser.start(), before=fixed)
    assert browser.post(again).status_code == 403


def test_a_person_nobody_knows(refuses):
    refuses("nobody here is 'eve@example.com'", name_id="eve@example.com")


def test_a_session_index_of_any_length(refuses):
    refuses("longer than", before=setting("AuthnStatement", "SessionIndex", "x" * 5000))


def test_a_deactivated_person(refuses, browser, ada):
    with write(browser.account_id) as work:
        users.set_active(work, ada, False)
    refuses("is not active")


def test_a_session_is_no_longer_than_the_providers(browser, provider):
    from app.store.models import Session
    from tests.inspection import row

    soon = setting("AuthnStatement", "SessionNotOnOrAfter", at(30))
    browser.post(provider.response(browser.sp, browser.start(), before=soon))
    assert row(Session).expires_at <= now() + timedelta(minutes=31)
