"""Responses: what an identity provider's answer must be, check by check.

The document is parsed once. Its signatures are checked on that tree, and what pysaml2 then reads
is the checked assertion alone, serialised from that very tree: nothing unsigned is ever looked at.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import etree
from saml2 import saml, samlp
from saml2.saml import SCM_BEARER

from saml.encryption import ENCRYPTED_DATA, decrypted
from saml.errors import Refused
from saml.metadata import Provider
from saml.options import Options
from saml.signatures import SIGNATURE, verified
from saml.xml import MAX_BYTES, SAML, SAMLP, name, parse

LONGEST_VALIDITY = timedelta(hours=24)
"""How long an assertion is remembered as used, at the most; one valid for longer is refused."""

_ASSERTION = name(SAML, "Assertion")
_ENCRYPTED = name(SAML, "EncryptedAssertion")
_ONCE = frozenset(
    name(SAML, local)
    for local in ("Issuer", "Subject", "Conditions", "NameID", "SubjectConfirmationData")
)
"""What one element holds at most once: of two, a reader would silently take one."""
_CONDITIONS = frozenset(
    name(SAML, local) for local in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction")
)
_VALUE_TYPE = name("http://www.w3.org/2001/XMLSchema-instance", "type")


@dataclass(frozen=True)
class Expected:
    """What an answer must match."""

    provider: Provider
    entity_id: str
    acs_url: str
    at: datetime
    options: Options
    key: Callable[[], str]
    """Returns our private key, PEM, for an encrypted assertion."""

    @property
    def skew(self) -> timedelta:
        """How far the provider's clock may be from ours."""
        return timedelta(seconds=self.options.clock_skew_seconds)


@dataclass(frozen=True)
class Answer:
    """What a good response says. Every value comes from the signed assertion."""

    assertion_id: str
    in_response_to: str | None
    """The request it answers; None when nobody asked."""
    name_id: str
    name_id_format: str
    session_index: str | None
    session_ends: datetime | None
    valid_until: datetime
    attributes: dict[str, list[str]]


def read(encoded: str, expected: Expected) -> Answer:
    """Read the form field ``SAMLResponse`` (SAML profiles §4.1.4).

    :raises Refused: When anything about it is not as it must be.
    """
    root = parse(_decoded(encoded))
    assertion = _signed_assertion(root, expected)
    _check_response(root, expected)
    return _read_assertion(assertion, root.get("InResponseTo"), expected)


def _decoded(encoded: str) -> bytes:
    if len(encoded) > MAX_BYTES * 4 // 3 + 4:
        raise Refused(f"the response is larger than {MAX_BYTES} bytes")
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("the response is not base64") from None


def _signed_assertion(root: etree._Element, expected: Expected) -> saml.Assertion:
    """Return the one assertion, once a signature over it is known to be the provider's."""
    if root.tag != name(SAMLP, "Response"):
        raise Refused("the message is not a Response")
    certificates = expected.provider.certificates
    by_response = False
    encrypted = list(root.iter(_ENCRYPTED))
    if encrypted:
        # What the response's signature covers is the encrypted text, so it is checked first.
        _check_signatures_belong(root, root)
        by_response = verified(root, certificates)
        assertion = _decrypted_assertion(root, encrypted, expected, signed=by_response)
    else:
        assertion = _plain_assertion(root, expected)
        _check_signatures_belong(root, assertion)
        by_response = verified(root, certificates)
    by_assertion = verified(assertion, certificates)
    if not by_response and not by_assertion:
        raise Refused("neither the response nor its assertion is signed")
    return _read_by_pysaml2(assertion)


def _plain_assertion(root: etree._Element, expected: Expected) -> etree._Element:
    assertions = list(root.iter(_ASSERTION))
    if len(assertions) != 1 or assertions[0].getparent() is not root:
        _check_status(root)
        raise Refused(f"the response holds {len(assertions)} assertions; it must hold one")
    if expected.options.require_encryption:
        raise Refused("the assertion is not encrypted, and this connection wants it so")
    return assertions[0]


def _decrypted_assertion(
    root: etree._Element, encrypted: list[etree._Element], expected: Expected, *, signed: bool
) -> etree._Element:
    """Return the assertion that is encrypted in a response, as a document of its own."""
    plain = root.find(f".//{_ASSERTION}")
    if len(encrypted) != 1 or encrypted[0].getparent() is not root or plain is not None:
        raise Refused("the response must hold one encrypted assertion, and no other")
    (data, *others) = list(encrypted[0]) or [encrypted[0]]
    if data.tag != ENCRYPTED_DATA or others:
        raise Refused("the encrypted assertion has unexpected parts")
    assertion = parse(decrypted(data, expected.key(), signed=signed))
    if assertion.tag != _ASSERTION or assertion.find(f".//{_ASSERTION}") is not None:
        raise Refused("what was encrypted is not one assertion")
    _check_signatures_belong(assertion, assertion)
    return assertion


def _check_signatures_belong(root: etree._Element, assertion: etree._Element) -> None:
    for signature in root.iter(SIGNATURE):
        if signature.getparent() is not root and signature.getparent() is not assertion:
            raise Refused("there is a signature where none belongs")


def _read_by_pysaml2(assertion: etree._Element) -> saml.Assertion:
    _check_structure(assertion)
    for value in assertion.iter(name(SAML, "AttributeValue")):
        # We take every value as text. pysaml2 fails on one it does not find to be of its type,
        # and it does not know all forms: xs:boolean has 1 and 0 too.
        value.attrib.pop(_VALUE_TYPE, None)
    found = saml.assertion_from_string(etree.tostring(assertion, with_tail=False))
    if found is None:
        raise Refused("the assertion cannot be read")
    return found


def _check_structure(assertion: etree._Element) -> None:
    """Refuse what leaves open what the assertion says (SAML core §2.4, §2.5.1)."""
    for parent in assertion.iter():
        single = [child.tag for child in parent if child.tag in _ONCE]
        if len(single) != len(set(single)):
            raise Refused("an element of the assertion is there twice")
    for conditions in assertion.findall(name(SAML, "Conditions")):
        if any(child.tag not in _CONDITIONS for child in conditions):
            raise Refused("the assertion has a condition we do not know")


def _check_response(root: etree._Element, expected: Expected) -> None:
    """Check the envelope. Nothing of it is believed; it may only disagree."""
    _check_status(root)
    if root.get("Version") != "2.0":
        raise Refused("the response is not of SAML 2.0")
    destination = root.get("Destination")
    if destination is not None and destination != expected.acs_url:
        raise Refused(f"the response is meant for another place: {destination[:200]}")
    issuer = root.find(name(SAML, "Issuer"))
    if issuer is not None and (issuer.text or "").strip() != expected.provider.entity_id:
        raise Refused("the response comes from another issuer")


def _check_status(root: etree._Element) -> None:
    code = root.find(f"{name(SAMLP, 'Status')}/{name(SAMLP, 'StatusCode')}")
    value = "" if code is None else code.get("Value", "")
    if value != samlp.STATUS_SUCCESS:
        inner = None if code is None else code.find(name(SAMLP, "StatusCode"))
        detail = value if inner is None else inner.get("Value", "")
        raise Refused(f"the provider did not sign the person in: {detail[-100:] or 'no status'}")


def _read_assertion(
    assertion: saml.Assertion, envelope_request: str | None, expected: Expected
) -> Answer:
    if assertion.version != "2.0" or not assertion.id:
        raise Refused("the assertion is not of SAML 2.0, or has no ID")
    if _text(assertion.issuer) != expected.provider.entity_id:
        raise Refused("the assertion comes from another issuer")
    ends = [_check_conditions(assertion.conditions, expected)]
    in_response_to, confirmed_until = _check_subject(assertion.subject, expected)
    if envelope_request is not None and envelope_request != in_response_to:
        raise Refused("the response and its assertion answer different requests")
    ends.append(confirmed_until)
    statement = _authn_statement(assertion, expected)
    session_ends = _moment(statement.session_not_on_or_after)
    if session_ends is not None and session_ends <= expected.at - expected.skew:
        raise Refused("the session at the provider is over")
    return Answer(
        assertion_id=assertion.id,
        in_response_to=in_response_to,
        name_id=_text(assertion.subject.name_id),
        name_id_format=assertion.subject.name_id.format or "",
        session_index=statement.session_index,
        session_ends=session_ends,
        valid_until=min(end for end in ends if end is not None),
        attributes=_attributes(assertion),
    )


def _check_conditions(conditions: Any, expected: Expected) -> datetime | None:
    """Check period and audience, and return the end of the period."""
    if conditions is None:
        raise Refused("the assertion has no conditions, so no audience")
    _check_period(conditions, expected)
    if not conditions.audience_restriction:
        raise Refused("the assertion is for no audience")
    for restriction in conditions.audience_restriction:
        audiences = [_text(audience) for audience in restriction.audience]
        if expected.entity_id not in audiences:
            raise Refused(f"the assertion is for another audience: {', '.join(audiences)[:200]}")
    return _moment(conditions.not_on_or_after)


def _check_subject(subject: Any, expected: Expected) -> tuple[str | None, datetime]:
    """Return the request answered and the end of a bearer confirmation that holds here and now."""
    if subject is None or subject.name_id is None or not _text(subject.name_id):
        raise Refused("the assertion names nobody")
    problem = "the assertion has no bearer confirmation"
    for confirmation in subject.subject_confirmation or ():
        data = confirmation.subject_confirmation_data
        if confirmation.method != SCM_BEARER or data is None:
            continue
        try:
            return data.in_response_to, _check_confirmation(data, expected)
        except Refused as refused:
            problem = str(refused)
    raise Refused(problem)


def _check_confirmation(data: Any, expected: Expected) -> datetime:
    """Check a bearer confirmation (SAML profiles §4.1.4.2)."""
    if data.recipient != expected.acs_url:
        raise Refused("the assertion is meant for another recipient")
    ends = _moment(data.not_on_or_after)
    if ends is None:
        raise Refused("the confirmation has no end")
    if ends > expected.at + LONGEST_VALIDITY:
        raise Refused("the confirmation holds for too long")
    if data.not_before is not None:
        raise Refused("a bearer confirmation must not have a beginning")
    _check_period(data, expected)
    return ends


def _check_period(period: Any, expected: Expected) -> None:
    begins, ends = _moment(period.not_before), _moment(period.not_on_or_after)
    if begins is not None and begins > expected.at + expected.skew:
        raise Refused("the assertion is not valid yet; compare the clocks")
    if ends is not None and ends <= expected.at - expected.skew:
        raise Refused("the assertion is no longer valid; compare the clocks")


def _authn_statement(assertion: saml.Assertion, expected: Expected) -> Any:
    if not assertion.authn_statement:
        raise Refused("the assertion does not say that anyone signed in")
    statement = assertion.authn_statement[0]
    wanted = expected.options.authn_contexts
    context = statement.authn_context and statement.authn_context.authn_context_class_ref
    if wanted and _text(context) not in wanted:
        raise Refused(f"the person signed in another way than asked for: {_text(context)[:200]}")
    return statement


def _attributes(assertion: saml.Assertion) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for statement in assertion.attribute_statement or ():
        for attribute in statement.attribute or ():
            values = [_text(value) for value in attribute.attribute_value or ()]
            found.setdefault(attribute.name or "", []).extend(value for value in values if value)
    return found


def _text(element: Any) -> str:
    """Return the text of an element, which must be all there is in it if there is any."""
    text = "" if element is None else (element.text or "").strip()
    if text and element.extension_elements:
        raise Refused("a value is cut in two by an element")
    return text


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("a time in the assertion cannot be read") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
