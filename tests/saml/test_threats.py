"""What must be refused, each forged from a genuinely signed response.

Every refusal ends in the same plain page, with the reason in the audit alone, no session and
nothing used up.
"""

import base64
import copy
from datetime import timedelta

import pytest
import xmlsec
from lxml import etree

from app.directory import users
from app.store.types import now
from saml.keys import new_key_pair
from saml.xml import DS, SAML, SAMLP, name
from tests.conftest import make_app, write
from tests.saml.provider import TestProvider, at, encode, find

MORE = "http://www.w3.org/2001/04/xmldsig-more#"


def assertion_of(root):
    return root.find(name(SAML, "Assertion"))


def forged(assertion, new_id="forged"):
    """A copy of an assertion that speaks of somebody else, unsigned."""
    copied = copy.deepcopy(assertion)
    copied.set("ID", new_id)
    for signature in copied.findall(name(DS, "Signature")):
        copied.remove(signature)
    find(copied, "NameID").text = "admin@example.com"
    return copied


@pytest.fixture
def refuses(browser, provider):
    """Alter a genuine response after (or before) it is signed, post it, and see it refused."""
    with write(browser.account_id) as work:
        users.create(work, users.Profile("admin@example.com"))

    def check(says, *, after=None, before=None, sign="assertion", asked=True, **options):
        asked = browser.start() if asked is True else asked
        response = provider.response(
            browser.sp, asked, before=before, after=after, sign=sign, **options
        )
        browser.assert_refused(browser.post(response), says)

    return check


# -- Signatures -----------------------------------------------------------


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


# -- Content --------------------------------------------------------------


def setting(local, attribute, value):
    def change(root):
        element = find(root, local)
        if value is None:
            del element.attrib[attribute]
        else:
            element.set(attribute, value)

    return change


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
        (setting("Conditions", "NotBefore", at(10)), "not valid yet"),
        (setting(CONFIRMATION, "NotOnOrAfter", at(-10)), "no longer valid"),
        (setting(CONFIRMATION, "NotOnOrAfter", None), "has no end"),
        (setting(CONFIRMATION, "NotOnOrAfter", at(60 * 48)), "for too long"),
        (setting(CONFIRMATION, "NotBefore", at(-1)), "must not have a beginning"),
        (setting(CONFIRMATION, "NotOnOrAfter", "tomorrow"), "cannot be read"),
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
    from saml import connections
    from tests.saml.conftest import Browser

    with write(account) as work:
        second = connections.register(work, "Second", provider.metadata())
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


# -- Transport ------------------------------------------------------------


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
