"""Responses: what an identity provider's answer must be, check by check.

The document is parsed once. Its signatures are checked on that tree, and what pysaml2 then reads
is the checked assertion alone, serialised from that very tree: nothing unsigned is ever looked at.
"""

from __future__ import annotations

import re

from lxml import etree
from saml2 import saml, samlp

from app.words import all_of, say
from saml import assertions, schema
from saml.assertions import Answer, Expected
from saml.bindings import decoded
from saml.encryption import decrypted_child
from saml.errors import Refused
from saml.signatures import SIGNATURE, verified
from saml.trace import Trace
from saml.xml import SAML, SAMLP, name, parse

_ASSERTION = name(SAML, "Assertion")
_ENCRYPTED = name(SAML, "EncryptedAssertion")
_STATUS = re.compile(r"urn:oasis:names:tc:SAML:2\.0:status:[A-Za-z]{1,60}")
_SUBJECT = name(SAML, "Subject")


def read(encoded: str, expected: Expected, trace: Trace) -> Answer:
    """Read the form field ``SAMLResponse`` (SAML profiles §4.1.4).

    :raises Refused: When anything about it is not as it must be; the trace says what.
    """
    with trace.check(say("It is a SAML response")):
        root = parse(decoded(encoded))
        if root.tag != name(SAMLP, "Response"):
            raise Refused(say("the message is not a Response"))
    assertion = _signed_assertion(root, expected, trace)
    with trace.check(say("The provider says that the sign-in succeeded, and says so to us")):
        _check_response(root, expected)
    return assertions.read(assertion, root.get("InResponseTo"), expected, trace)


def _signed_assertion(root: etree._Element, expected: Expected, trace: Trace) -> saml.Assertion:
    """Return the one assertion, once a signature over it is known to be the provider's."""
    certificates = expected.provider.certificates
    by_response = False
    encrypted = list(root.iter(_ENCRYPTED))
    if encrypted:
        # What the response's signature covers is the encrypted text, so it is checked first.
        with trace.check(say("What is signed around the encrypted assertion is the provider's")):
            _check_signatures_belong(root, root)
            by_response = verified(root, certificates)
        with trace.check(say("The encrypted assertion can be decrypted")):
            assertion = _decrypted_assertion(root, encrypted, expected, signed=by_response)
    else:
        with trace.check(say("It holds one assertion")):
            assertion = _plain_assertion(root, expected)
    with trace.check(say("It is signed with a certificate of this connection")) as check:
        if not encrypted:
            _check_signatures_belong(root, assertion)
            by_response = verified(root, certificates)
        by_assertion = verified(assertion, certificates)
        if not by_response and not by_assertion:
            raise Refused(
                say("neither the response nor its assertion is signed; let the provider sign one")
            )
        signed = {say("the response"): by_response, say("the assertion"): by_assertion}
        check.detail = all_of(what for what, is_signed in signed.items() if is_signed)
    with trace.check(say("It is valid SAML")):
        schema.check(root)
        if encrypted:
            schema.check(assertion)
        _decrypt_name_id(assertion, expected)
        return assertions.understood(assertion)


def _plain_assertion(root: etree._Element, expected: Expected) -> etree._Element:
    assertions = list(root.iter(_ASSERTION))
    if len(assertions) != 1 or assertions[0].getparent() is not root:
        _check_status(root)
        raise Refused(
            say("the response holds %(count)s assertions; it must hold one", count=len(assertions))
        )
    if expected.options.require_encryption:
        raise Refused(say("the assertion is not encrypted, and this connection wants it so"))
    return assertions[0]


def _decrypted_assertion(
    root: etree._Element, encrypted: list[etree._Element], expected: Expected, *, signed: bool
) -> etree._Element:
    """Return the assertion that is encrypted in a response, as a document of its own."""
    plain = root.find(f".//{_ASSERTION}")
    if len(encrypted) != 1 or encrypted[0].getparent() is not root or plain is not None:
        raise Refused(say("the response must hold one encrypted assertion, and no other"))
    assertion = parse(decrypted_child(encrypted[0], expected.keys(), signed=signed))
    if assertion.tag != _ASSERTION or assertion.find(f".//{_ASSERTION}") is not None:
        raise Refused(say("what was encrypted is not one assertion"))
    _check_signatures_belong(assertion, assertion)
    return assertion


def _check_signatures_belong(root: etree._Element, assertion: etree._Element) -> None:
    for signature in root.iter(SIGNATURE):
        if signature.getparent() is not root and signature.getparent() is not assertion:
            raise Refused(say("there is a signature where none belongs"))


def _decrypt_name_id(assertion: etree._Element, expected: Expected) -> None:
    """Put the name of the person where its encrypted form stands (SAML core §2.2.4)."""
    for subject in assertion.findall(_SUBJECT):
        for encrypted in subject.findall(name(SAML, "EncryptedID")):
            name_id = parse(decrypted_child(encrypted, expected.keys(), signed=True))
            if name_id.tag != name(SAML, "NameID"):
                raise Refused(say("what was encrypted is not the name of a person"))
            subject.replace(encrypted, name_id)


def _check_response(root: etree._Element, expected: Expected) -> None:
    """Check the envelope. Nothing of it is believed; it may only disagree."""
    _check_status(root)
    if root.get("Version") != "2.0":
        raise Refused(say("the response is not of SAML 2.0"))
    destination = root.get("Destination")
    if destination is not None and destination != expected.acs_url:
        raise Refused(
            say(
                "the response is meant for another place: %(place)s; "
                "at the provider, the address to answer to must be %(acs_url)s",
                place=destination[:200],
                acs_url=expected.acs_url,
            )
        )
    issuer = root.find(name(SAML, "Issuer"))
    if issuer is not None and (issuer.text or "").strip() != expected.provider.entity_id:
        raise Refused(say("the response comes from another issuer"))


def _check_status(root: etree._Element) -> None:
    code = root.find(f"{name(SAMLP, 'Status')}/{name(SAMLP, 'StatusCode')}")
    value = "" if code is None else code.get("Value", "")
    if value != samlp.STATUS_SUCCESS:
        inner = None if code is None else code.find(name(SAMLP, "StatusCode"))
        detail = value if inner is None else inner.get("Value", "")
        # It may be unsigned, from anybody: only what a status can be is repeated.
        known = detail if _STATUS.fullmatch(detail) else say("no status that is known")
        raise Refused(say("the provider did not sign the person in: %(why)s", why=known))
