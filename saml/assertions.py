"""Assertions: what a signed one must say, and what it says (SAML core §2, profiles §4.1.4).

Everything here has been found to be signed by the provider.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import etree
from saml2 import saml
from saml2.saml import SCM_BEARER

from app.words import say
from saml.errors import Refused
from saml.metadata import Provider
from saml.options import Options
from saml.trace import Trace

LONGEST_VALIDITY = timedelta(hours=24)
"""How long an assertion is remembered as used, at the most; one valid for longer is refused."""


@dataclass(frozen=True)
class Expected:
    """What a message of the provider must match."""

    provider: Provider
    entity_id: str
    acs_url: str
    slo_url: str
    at: datetime
    options: Options
    keys: Callable[[], list[str]]
    """Returns our private keys, PEM, for what is encrypted."""

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
    name_id_format: str | None
    name_qualifier: str | None
    sp_name_qualifier: str | None
    session_index: str | None
    session_ends: datetime | None
    valid_until: datetime
    authn_context: str
    """How the person signed in there, as a URI; empty: it does not say."""
    attributes: dict[str, list[str]]


def understood(assertion: etree._Element) -> saml.Assertion:
    """Return an assertion, found to be valid by the schemas, as pysaml2 reads it."""
    found = saml.assertion_from_string(etree.tostring(assertion, with_tail=False))
    if found is None:
        raise Refused(say("the assertion cannot be read"))
    return found


def read(
    assertion: saml.Assertion, envelope_request: str | None, expected: Expected, trace: Trace
) -> Answer:
    """Return what an assertion says.

    :param envelope_request: The request that the response around it says to answer.
    :raises Refused: When it is not for us, here and now.
    """
    with trace.check(say("The assertion comes from the provider of this connection")):
        if assertion.version != "2.0" or not assertion.id:
            raise Refused(say("the assertion is not of SAML 2.0, or has no ID"))
        issuer = text_of(assertion.issuer)
        if issuer != expected.provider.entity_id:
            raise Refused(
                say(
                    "the assertion comes from another issuer: %(issuer)s; "
                    "this connection is to %(provider)s",
                    issuer=issuer[:200],
                    provider=expected.provider.entity_id,
                )
            )
    with trace.check(say("It is meant for us and for now")) as check:
        ends = [_check_conditions(assertion.conditions, expected)]
        check.detail = say("for %(entity_id)s", entity_id=expected.entity_id)
    with trace.check(say("It says who signed in, and was sent here")) as check:
        in_response_to, confirmed_until = _check_subject(assertion.subject, expected)
        if envelope_request is not None and envelope_request != in_response_to:
            raise Refused(say("the response and its assertion answer different requests"))
        ends.append(confirmed_until)
        name_id = assertion.subject.name_id
        trace.name_id = text_of(name_id)
    with trace.check(say("They signed in in a way that is good enough")) as check:
        statement = _authn_statement(assertion, expected)
        session_ends = moment(statement.session_not_on_or_after)
        if session_ends is not None and session_ends <= expected.at - expected.skew:
            raise Refused(say("the session at the provider is over"))
        check.detail = authn_context = _context_of(statement)
    with trace.check(say("Its attributes can be read")):
        trace.attributes = _attributes(assertion)
    return Answer(
        assertion_id=assertion.id,
        in_response_to=in_response_to,
        name_id=trace.name_id,
        name_id_format=name_id.format,
        name_qualifier=name_id.name_qualifier,
        sp_name_qualifier=name_id.sp_name_qualifier,
        session_index=statement.session_index,
        session_ends=session_ends,
        valid_until=min(end for end in ends if end is not None),
        authn_context=authn_context,
        attributes=trace.attributes,
    )


def _check_conditions(conditions: Any, expected: Expected) -> datetime | None:
    """Check period and audience, and return the end of the period."""
    if conditions is None:
        raise Refused(say("the assertion has no conditions, so no audience"))
    _check_period(conditions, expected)
    if not conditions.audience_restriction:
        raise Refused(say("the assertion is for no audience"))
    for restriction in conditions.audience_restriction:
        audiences = [text_of(audience) for audience in restriction.audience]
        if expected.entity_id not in audiences:
            raise Refused(
                say(
                    "the assertion is for another audience: %(audiences)s; "
                    "at the provider, the audience must be %(entity_id)s",
                    audiences=", ".join(audiences)[:200],
                    entity_id=expected.entity_id,
                )
            )
    return moment(conditions.not_on_or_after)


def _check_subject(subject: Any, expected: Expected) -> tuple[str | None, datetime]:
    """Return the request answered and the end of a bearer confirmation that holds here and now."""
    if subject is None or subject.name_id is None or not text_of(subject.name_id):
        raise Refused(say("the assertion names nobody"))
    problem = say("the assertion has no bearer confirmation")
    for confirmation in subject.subject_confirmation or ():
        data = confirmation.subject_confirmation_data
        if confirmation.method != SCM_BEARER or data is None:
            continue
        try:
            return data.in_response_to, _check_confirmation(data, expected)
        except Refused as refused:
            problem = refused.sentence
    raise Refused(problem)


def _check_confirmation(data: Any, expected: Expected) -> datetime:
    """Check a bearer confirmation (SAML profiles §4.1.4.2)."""
    if data.recipient != expected.acs_url:
        raise Refused(
            say(
                "the assertion is meant for another recipient: %(recipient)s; "
                "at the provider, the address to answer to must be %(acs_url)s",
                recipient=str(data.recipient)[:200],
                acs_url=expected.acs_url,
            )
        )
    ends = moment(data.not_on_or_after)
    if ends is None:
        raise Refused(say("the confirmation has no end"))
    if ends > expected.at + LONGEST_VALIDITY:
        raise Refused(say("the confirmation holds for too long"))
    if data.not_before is not None:
        raise Refused(say("a bearer confirmation must not have a beginning"))
    _check_period(data, expected)
    return ends


def _check_period(period: Any, expected: Expected) -> None:
    begins, ends = moment(period.not_before), moment(period.not_on_or_after)
    if begins is not None and begins > expected.at + expected.skew:
        raise Refused(say("the assertion is not valid yet; compare the clocks"))
    if ends is not None and ends <= expected.at - expected.skew:
        raise Refused(say("the assertion is no longer valid; compare the clocks"))


def _authn_statement(assertion: saml.Assertion, expected: Expected) -> Any:
    if not assertion.authn_statement:
        raise Refused(say("the assertion does not say that anyone signed in"))
    statement = assertion.authn_statement[0]
    wanted = expected.options.authn_contexts
    if wanted and _context_of(statement) not in wanted:
        raise Refused(
            say(
                "the person signed in another way than asked for: %(context)s",
                context=_context_of(statement),
            )
        )
    return statement


def _context_of(statement: Any) -> str:
    context = statement.authn_context and statement.authn_context.authn_context_class_ref
    return text_of(context)[:200]


def _attributes(assertion: saml.Assertion) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for statement in assertion.attribute_statement or ():
        for attribute in statement.attribute or ():
            values = [text_of(value) for value in attribute.attribute_value or ()]
            found.setdefault(attribute.name or "", []).extend(value for value in values if value)
    return found


def text_of(element: Any) -> str:
    """Return the text of an element, which must be all there is in it if there is any."""
    text = "" if element is None else (element.text or "").strip()
    if text and element.extension_elements:
        raise Refused(say("a value is cut in two by an element"))
    return text


def moment(text: str | None) -> datetime | None:
    """Return a time as a message carries it; without a zone it is UTC (SAML core §1.3.3).

    :raises Refused: When it is none.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(say("a time in the message cannot be read")) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
