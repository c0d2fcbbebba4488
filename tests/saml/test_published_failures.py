"""Published failures of SAML libraries, each tried here in the form in which it worked there."""

from __future__ import annotations

import base64
import copy

import pytest
from lxml import etree

from app.directory import users
from app.store.models import User
from saml.keys import certificate_body, new_key_pair
from saml.xml import DS, SAML, SAMLP, name
from tests.conftest import write
from tests.inspection import fingerprint, rows
from tests.saml.provider import TestProvider, assertion_of, encode, find
from tests.saml.test_forged_signatures import forged
from tests.saml.test_just_in_time import telling

XSL = "http://www.w3.org/1999/XSL/Transform"


def test_cve_2020_5390_pysaml2_a_signature_over_a_copy(refuses):
    """It did not check that the element signed was the one it read."""

    def change(root):
        original = assertion_of(root)
        evil = forged(original)
        root.replace(original, evil)
        etree.SubElement(evil, name(SAML, "Advice")).append(original)

    refuses("2 assertions", after=change)


def test_cve_2021_21238_pysaml2_wrapping_in_what_no_schema_allows(refuses, provider):
    """It took documents that no schema allows, with the signed original hidden in them."""

    def change(root):
        original = assertion_of(root)
        hidden = etree.SubElement(find(root, "StatusCode"), "hidden")
        hidden.append(copy.deepcopy(original))
        root.replace(original, forged(original))

    refuses("2 assertions", after=change)

    def harmless_but_invalid(root):
        etree.SubElement(find(root, "Status"), "hidden")

    refuses("not valid SAML", after=harmless_but_invalid)


def test_cve_2021_21239_pysaml2_any_key_in_the_message(refuses):
    """xmlsec1 took whatever key the message brought along."""
    attacker = TestProvider(key=new_key_pair("idp")[0], certificate="x")

    def sign_and_enclose_the_key(root):
        signature = attacker.sign(assertion_of(root))
        key_info = etree.SubElement(signature, name(DS, "KeyInfo"))
        value = etree.SubElement(key_info, name(DS, "KeyValue"))
        etree.SubElement(value, name(DS, "RSAKeyValue"))

    refuses("matches no certificate", sign="nothing", before=sign_and_enclose_the_key)


@pytest.mark.parametrize("where", ["NameID", "AttributeValue"])
def test_cve_2017_11427_a_comment_in_a_name(refuses, where):
    """The text was read up to the comment: admin@example.com<!---->.evil.example."""

    def change(root):
        element = find(root, where)
        element.text = "admin@example.com"
        element.append(etree.Comment(""))
        element[-1].tail = ".evil.example"

    refuses("a comment", before=change)


def test_cve_2024_45409_ruby_saml_a_digest_found_elsewhere(refuses):
    """It looked for the DigestValue anywhere, and found one in the status."""

    def change(root):
        reference = find(root, "Reference")
        detail = etree.SubElement(find(root, "Status"), name(SAMLP, "StatusDetail"))
        detail.append(copy.deepcopy(reference.find(name(DS, "DigestValue"))))
        find(assertion_of(root), "NameID").text = "admin@example.com"

    refuses("matches no certificate", after=change)


@pytest.mark.parametrize(
    "around",
    [
        b'<!DOCTYPE r [<!ATTLIST r ID CDATA "x">]>%s',
        b'<?xml version="1.0"?><!DOCTYPE r SYSTEM "a" [<!ENTITY b "%s">]><r/>',
        b"<!--%s-->",
        b"%s<!-- after -->",
        b"<?pi x?>%s",
        b"%s%s",
    ],
)
def test_cve_2025_25291_25292_ruby_saml_two_parsers(browser, provider, around):
    """One parser verified, another read, and they did not see the same document."""
    response = base64.b64decode(provider.response(browser.sp, browser.start()))
    document = around.replace(b"%s", response)
    browser.assert_refused(browser.post(encode(document)), "")


def test_cve_2025_29774_xml_crypto_two_signed_infos(refuses):
    """The first was digested, the second was verified."""

    def change(root):
        signature = find(root, "Signature")
        second = copy.deepcopy(find(signature, "SignedInfo"))
        find(second, "DigestValue").text = "AAAA"
        signature.append(second)
        find(root, "NameID").text = "admin@example.com"

    refuses("unexpected parts", after=change)


@pytest.mark.parametrize("local", ["DigestValue", "SignatureValue"])
def test_cve_2025_29775_xml_crypto_a_comment_in_a_digest(refuses, local):
    """The digest was read with the comment by one and without it by the other."""

    def change(root):
        element = find(root, local)
        element.insert(0, etree.Comment(" "))
        element[0].tail, element.text = element.text, "AAAA"
        find(root, "NameID").text = "admin@example.com"

    refuses("a comment", after=change)


def test_cve_2025_47949_samlify_an_assertion_beside_the_signed_one(refuses):
    """The signature of one assertion let the other, unsigned one in."""

    def change(root):
        root.insert(0, forged(assertion_of(root)))

    refuses("2 assertions", after=change)
    refuses("2 assertions", after=change, sign="response")


def test_cve_2025_54419_node_saml_values_of_the_unsigned_original(refuses):
    """It verified one part and read from the document as it came."""

    def change(root):
        root.set("ID", "outer")
        find(root, "Issuer").addnext(copy.deepcopy(find(assertion_of(root), "Subject")))
        find(root, "NameID").text = "admin@example.com"

    refuses("not valid SAML", after=change)


def test_ruby_saml_2025_void_canonicalisation(browser, provider):
    """A relative namespace made it digest nothing: any content had the same digest."""
    response = base64.b64decode(provider.response(browser.sp, browser.start()))
    altered = response.replace(b"<saml:Subject", b'<saml:Subject xmlns:n="1"', 1)
    assert altered != response
    browser.assert_refused(browser.post(encode(altered)), "relative namespace")


def test_a_transform_that_runs_a_program(refuses):
    """XSLT and XPath in a signature: code of the attacker, run before anything is verified."""

    def change(root):
        transform = find(root, "Transform")
        transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
        etree.SubElement(transform, f"{{{XSL}}}stylesheet", version="1.0")

    refuses("is not allowed", after=change)


def test_a_look_alike_certificate_is_not_the_providers(refuses, keys):
    """Same names, another key: what is compared is the key of the metadata."""
    attacker = TestProvider(key=new_key_pair("test provider")[0], certificate="x")

    def change(root):
        signature = attacker.sign(assertion_of(root))
        key_info = etree.SubElement(signature, name(DS, "KeyInfo"))
        data = etree.SubElement(key_info, name(DS, "X509Data"))
        body = certificate_body(keys.certificate)
        etree.SubElement(data, name(DS, "X509Certificate")).text = body

    refuses("matches no certificate", sign="nothing", before=change)


# -- Nothing is changed -----------------------------------------------------------------------


def wrong_signature(root):
    find(root, "NameID").text = "admin@example.com"


def wrong_audience(root):
    find(root, "Audience").text = "https://other.example"


@pytest.mark.parametrize(
    "options",
    [
        {"sign": "nothing"},
        {"after": wrong_signature},
        {"before": wrong_audience},
        {"name_id": "eve@example.com"},
    ],
)
def test_a_refused_response_changes_no_row(browser, provider, options):
    """But for what says that it was refused. The request stays open, the person may try again."""
    response = provider.response(browser.sp, browser.start(), **options)
    before = fingerprint()
    assert browser.post(response).status_code == 403
    after = fingerprint()
    changed = {table for table in after if after[table] != before[table]}
    assert changed == {"audit_events", "saml_traces"}


@pytest.mark.parametrize(
    ("there", "comes"),
    [
        ("zoë@example.com", "zoe\u0308@example.com"),
        ("zoe\u0308@example.com", "ZOË@example.com"),
        ("straße@example.com", "STRAßE@example.com"),
    ],
)
def test_a_name_in_another_unicode_form_is_the_same_person(app, account, provider, there, comes):
    from tests.saml.conftest import connect

    with write(account) as work:
        users.create(work, users.Profile(there))
    browser = connect(app, account, provider, provisioning="update")
    arrived = provider.response(browser.sp, browser.start(), name_id=comes, before=telling())
    assert browser.post(arrived).status_code == 303
    assert browser.session() == there
    assert len(rows(User)) == 1
