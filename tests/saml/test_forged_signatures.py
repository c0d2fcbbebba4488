"""Signatures that must be refused, each forged from a genuinely signed response.

Every refusal ends in the same plain page, with the reason in the audit alone, no session and
nothing used up.
"""

import base64
import copy

import pytest
import xmlsec
from lxml import etree

from saml.keys import new_key_pair
from saml.xml import DS, SAMLP, name
from tests.saml.provider import TestProvider, assertion_of, encode, find


def forged(assertion, new_id="forged"):
    """A copy of an assertion that speaks of somebody else, unsigned."""
    copied = copy.deepcopy(assertion)
    copied.set("ID", new_id)
    for signature in copied.findall(name(DS, "Signature")):
        copied.remove(signature)
    find(copied, "NameID").text = "admin@example.com"
    return copied


def test_no_signature(refuses):
    refuses("neither the response nor its assertion is signed", sign="nothing")


def test_signature_removed(refuses):
    def change(root):
        assertion = assertion_of(root)
        assertion.remove(assertion.find(name(DS, "Signature")))

    refuses("neither", after=change)


@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_another_name_after_signing(refuses, sign):
    def change(root):
        find(root, "NameID").text = "admin@example.com"

    refuses("matches no certificate", after=change, sign=sign)


def test_response_signed_but_assertion_swapped(refuses):
    def change(root):
        assertion = assertion_of(root)
        root.replace(assertion, forged(assertion))

    refuses("matches no certificate", after=change, sign="response")


def wrap_before(root):
    root.insert(0, forged(assertion_of(root)))


def wrap_after(root):
    root.append(forged(assertion_of(root)))


def wrap_around(root):
    original = assertion_of(root)
    evil = forged(original)
    root.replace(original, evil)
    evil.append(original)


def wrap_inside_signature(root):
    original = assertion_of(root)
    evil = forged(original)
    signature = original.find(name(DS, "Signature"))
    root.replace(original, evil)
    original.remove(signature)
    evil.insert(1, signature)
    signature.append(original)


def wrap_in_object(root):
    original = assertion_of(root)
    evil = forged(original)
    signature = original.find(name(DS, "Signature"))
    root.replace(original, evil)
    original.remove(signature)
    evil.insert(1, signature)
    etree.SubElement(signature, name(DS, "Object")).append(original)


def wrap_in_extensions(root):
    original = assertion_of(root)
    evil = forged(original)
    root.replace(original, evil)
    extensions = etree.Element(name(SAMLP, "Extensions"))
    extensions.append(original)
    root.insert(1, extensions)


def wrap_response(root):
    """The whole signed response inside a forged one."""
    inner = copy.deepcopy(root)
    assertion = assertion_of(root)
    root.replace(assertion, forged(assertion))
    root.set("ID", "outer")
    root.append(inner)


def wrap_response_in_object(root):
    inner = copy.deepcopy(root)
    signature = inner.find(name(DS, "Signature"))
    for old in root.findall(name(DS, "Signature")):
        root.remove(old)
    if signature is not None:
        inner.remove(signature)
        root.insert(1, signature)
        etree.SubElement(signature, name(DS, "Object")).append(inner)
    assertion = assertion_of(root)
    root.set("ID", "outer")
    root.replace(assertion, forged(assertion))


@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
@pytest.mark.parametrize(
    "wrap",
    [
        wrap_before,
        wrap_after,
        wrap_around,
        wrap_inside_signature,
        wrap_in_object,
        wrap_in_extensions,
        wrap_response,
        wrap_response_in_object,
    ],
)
def test_signature_wrapping(browser, provider, wrap, sign):
    """CVE-2020-5390, CVE-2021-21238, CVE-2024-45409, CVE-2025-47949 and their kin."""

    def change(root):
        if wrap in (wrap_inside_signature, wrap_in_object) and sign == "response":
            provider.sign(assertion_of(root))
        wrap(root)

    response = provider.response(browser.sp, browser.start(), after=change, sign=sign)
    browser.assert_refused(browser.post(response), "")


def test_the_signed_assertion_under_an_id_given_twice(refuses):
    def change(root):
        evil = forged(assertion_of(root), new_id=assertion_of(root).get("ID"))
        root.insert(0, evil)

    refuses("an ID is used twice", after=change)


def test_id_in_a_namespace_beside_the_id(refuses):
    def change(root):
        root.set(name(SAMLP, "ID"), assertion_of(root).get("ID"))

    refuses("an ID attribute has a namespace", after=change)


def test_two_assertions_even_when_both_are_signed(refuses, provider):
    def change(root):
        second = forged(assertion_of(root))
        root.append(second)
        provider.sign(second)

    refuses("2 assertions", after=change)


def test_signature_over_another_element(refuses, provider):
    def change(root):
        assertion = assertion_of(root)
        signature = assertion.find(name(DS, "Signature"))
        find(assertion, "Conditions").append(signature)

    refuses("a signature where none belongs", after=change)


def test_reference_to_the_whole_document(refuses, provider):
    def change(root):
        find(root, "Reference").set("URI", "")

    refuses("does not refer to the element it stands in", after=change)


def test_reference_to_another_element(refuses, provider):
    def change(root):
        find(root, "Reference").set("URI", f"#{root.get('ID')}")

    refuses("does not refer to the element it stands in", after=change)


@pytest.mark.parametrize("own_id", ["xpointer(/)", "xpointer(id('a'))", "1", "a b"])
def test_an_id_that_is_no_plain_name(refuses, own_id):
    def change(root):
        assertion_of(root).set("ID", "plain")

    def rename(root):
        assertion_of(root).set("ID", own_id)
        find(root, "Reference").set("URI", f"#{own_id}")

    refuses("does not refer to the element it stands in", before=change, after=rename)


def test_a_key_in_the_message_is_never_used(refuses):
    """CVE-2021-21239: signed with the attacker's own key, certificate enclosed."""
    attacker = TestProvider()

    def change(root):
        signature = attacker.sign(assertion_of(root))
        info = etree.SubElement(signature, name(DS, "KeyInfo"))
        data = etree.SubElement(info, name(DS, "X509Data"))
        body = "".join(attacker.certificate.splitlines()[1:-1])
        etree.SubElement(data, name(DS, "X509Certificate")).text = body

    refuses("matches no certificate", after=change, sign="nothing")


def test_a_self_signed_look_alike(refuses, provider):
    key, certificate = new_key_pair("test provider")
    look_alike = TestProvider(key=key, certificate=certificate)
    refuses(
        "matches no certificate",
        after=lambda root: look_alike.sign(assertion_of(root)),
        sign="nothing",
    )


@pytest.mark.parametrize(
    "method", [xmlsec.constants.TransformRsaSha1, xmlsec.constants.TransformRsaMd5]
)
def test_weak_signature_methods(refuses, provider, method):
    def change(root):
        assertion = assertion_of(root)
        try:
            provider.sign(assertion, method=method)
        except xmlsec.Error:
            # The library does not even sign with it any more: claim it.
            assertion.remove(assertion.find(name(DS, "Signature")))
            provider.sign(assertion)
            find(assertion, "SignatureMethod").set("Algorithm", f"{DS}rsa-sha1")

    refuses("is not allowed", after=change, sign="nothing")


def test_weak_digest(refuses, provider):
    def change(root):
        provider.sign(assertion_of(root), digest=xmlsec.constants.TransformSha1)

    refuses("is not allowed", after=change, sign="nothing")


def test_hmac_with_the_public_key(refuses, provider):
    def change(root):
        key = xmlsec.Key.from_binary_data(
            xmlsec.constants.KeyDataHmac, provider.certificate.encode()
        )
        provider.sign(assertion_of(root), method=xmlsec.constants.TransformHmacSha256, key=key)

    refuses("is not allowed", after=change, sign="nothing")


@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/TR/1999/REC-xslt-19991116",
        "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "http://www.w3.org/2002/06/xmldsig-filter2",
        f"{DS}base64",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    ],
)
def test_other_transforms(refuses, algorithm):
    def change(root):
        transforms = find(root, "Transforms")
        etree.SubElement(transforms, name(DS, "Transform")).set("Algorithm", algorithm)

    refuses("is not allowed", after=change)


def test_no_enveloped_transform(refuses):
    def change(root):
        transforms = find(root, "Transforms")
        transforms.remove(transforms[0])

    refuses("unexpected transforms", after=change)


def test_two_references(refuses):
    def change(root):
        reference = find(root, "Reference")
        reference.addnext(copy.deepcopy(reference))

    refuses("exactly one reference", after=change)


def test_two_signed_infos(refuses):
    """CVE-2025-29774."""

    def change(root):
        signed_info = find(root, "SignedInfo")
        signed_info.addnext(copy.deepcopy(signed_info))

    refuses("unexpected parts", after=change)


def test_two_signatures_in_one_element(refuses):
    def change(root):
        signature = find(root, "Signature")
        signature.addnext(copy.deepcopy(signature))

    refuses("two signatures", after=change)


@pytest.mark.parametrize("local", ["DigestValue", "SignatureValue"])
def test_elements_in_signature_values(refuses, local):
    def change(root):
        etree.SubElement(find(root, local), "x")

    refuses("not plain text", after=change)


@pytest.mark.parametrize("local", ["DigestValue", "SignatureValue", "NameID", "AttributeValue"])
@pytest.mark.parametrize("node", [etree.Comment("x"), etree.ProcessingInstruction("x", "y")])
def test_comments_and_instructions(refuses, local, node):
    """CVE-2017-11427 and its siblings, CVE-2025-29775: ``admin@example.com<!-- -->.evil``."""

    def change(root):
        element = find(root, local)
        element.insert(0, copy.deepcopy(node))
        element[0].tail, element.text = element.text[5:], element.text[:5]

    refuses("a comment, a processing instruction or an entity", after=change)


def test_comment_signed_along(refuses):
    def change(root):
        element = find(root, "NameID")
        element.text = "admin@example.com"
        element.insert(0, etree.Comment(" "))
        element[0].tail = ".evil.example"

    refuses("a comment", before=change)


def test_relative_namespace(browser, provider):
    """Void canonicalisation: a relative namespace makes some libraries digest nothing."""
    response = base64.b64decode(provider.response(browser.sp, browser.start()))
    altered = response.replace(b"<saml:Subject>", b'<saml:Subject xmlns:x="relative">')
    assert altered != response
    browser.assert_refused(browser.post(encode(altered)), "a relative namespace")


@pytest.mark.parametrize(
    "doctype",
    [
        b'<!DOCTYPE r [<!ENTITY e "x">]>',
        b'<!DOCTYPE r SYSTEM "file:///etc/passwd">',
        b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        b"<!DOCTYPE samlp:Response>",
    ],
)
def test_doctypes(browser, provider, doctype):
    """Entities, external entities, billions of laughs; CVE-2025-25291 and CVE-2025-25292."""
    response = base64.b64decode(provider.response(browser.sp, browser.start()))
    browser.assert_refused(browser.post(encode(doctype + response)), "DOCTYPE")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-7"])
def test_other_encodings(browser, provider, encoding):
    response = base64.b64decode(provider.response(browser.sp, browser.start())).decode()
    doctype = '<!DOCTYPE r [<!ENTITY e "x">]>'
    document = f'<?xml version="1.0" encoding="{encoding}"?>{doctype}{response}'
    browser.assert_refused(browser.post(encode(document.encode(encoding))), "")
