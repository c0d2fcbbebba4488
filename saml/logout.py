"""Single logout (SAML core §3.7, profiles §4.4): messages about it, from us and to us.

What arrives has been found to be signed by the provider (``saml.bindings``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lxml import etree
from saml2 import saml, samlp

from app.directory.sessions import AtProvider
from app.words import say
from saml import schema
from saml.assertions import Expected, moment
from saml.encryption import decrypted_child
from saml.errors import Refused
from saml.requests import issue_instant, new_message_id
from saml.xml import SAML, SAMLP, name, parse

LONGEST_AGE = timedelta(minutes=10)
"""How long after it was issued a request to log out is taken."""
SESSIONS_LIMIT = 100
"""Most sessions one request may name."""


@dataclass(frozen=True)
class LogoutRequest:
    """Whom the provider has logged out."""

    id: str
    name_id: str
    session_indexes: tuple[str, ...]
    """The sessions that end; none: all of this person."""
    valid_until: datetime


@dataclass(frozen=True)
class LogoutAnswer:
    """What the provider answers to a request of ours."""

    in_response_to: str
    complete: bool
    """Whether the person is logged out everywhere."""


def read_request(root: etree._Element, expected: Expected) -> LogoutRequest:
    """Read a LogoutRequest (SAML core §3.7.1).

    :raises Refused: When it is not for us, here and now, or names nobody.
    """
    issued = _check_envelope(root, "LogoutRequest", expected)
    ends = moment(root.get("NotOnOrAfter")) or issued + LONGEST_AGE
    if ends <= expected.at - expected.skew or issued + LONGEST_AGE <= expected.at - expected.skew:
        raise Refused(say("the request is no longer valid; compare the clocks"))
    indexes = [_text(each) for each in root.findall(name(SAMLP, "SessionIndex"))]
    if len(indexes) > SESSIONS_LIMIT:
        raise Refused(say("the request names more than %(limit)s sessions", limit=SESSIONS_LIMIT))
    return LogoutRequest(
        id=root.get("ID", ""),
        name_id=_name_id(root, expected),
        session_indexes=tuple(indexes),
        valid_until=issued + LONGEST_AGE,
    )


def read_answer(root: etree._Element, expected: Expected) -> LogoutAnswer:
    """Read a LogoutResponse (SAML core §3.7.2).

    :raises Refused: When it is not for us, or answers nothing.
    """
    _check_envelope(root, "LogoutResponse", expected)
    codes = [each.get("Value") for each in root.iter(name(SAMLP, "StatusCode"))]
    in_response_to = root.get("InResponseTo")
    if not in_response_to:
        raise Refused(say("it answers no request"))
    return LogoutAnswer(in_response_to, complete=codes == [samlp.STATUS_SUCCESS])


def request(session: AtProvider, entity_id: str, destination: str) -> samlp.LogoutRequest:
    """Return a LogoutRequest for a session, with a new id."""
    return samlp.LogoutRequest(
        id=new_message_id(),
        version="2.0",
        issue_instant=issue_instant(),
        destination=destination,
        issuer=saml.Issuer(text=entity_id),
        name_id=saml.NameID(
            text=session.name_id,
            format=session.name_id_format,
            name_qualifier=session.name_qualifier,
            sp_name_qualifier=session.sp_name_qualifier,
        ),
        session_index=[samlp.SessionIndex(text=session.session_index)]
        if session.session_index
        else [],
    )


def answer(in_response_to: str, entity_id: str, destination: str) -> samlp.LogoutResponse:
    """Return the LogoutResponse that says it is done."""
    return samlp.LogoutResponse(
        id=new_message_id(),
        version="2.0",
        issue_instant=issue_instant(),
        destination=destination,
        in_response_to=in_response_to,
        issuer=saml.Issuer(text=entity_id),
        status=samlp.Status(status_code=samlp.StatusCode(value=samlp.STATUS_SUCCESS)),
    )


def _check_envelope(root: etree._Element, kind: str, expected: Expected) -> datetime:
    """Check what both kinds of messages carry, and return when it was issued."""
    schema.check(root)
    if root.tag != name(SAMLP, kind):
        raise Refused(say("the message is not a %(kind)s", kind=kind))
    if root.get("Version") != "2.0" or not root.get("ID"):
        raise Refused(say("the message is not of SAML 2.0, or has no ID"))
    if _text(_only(root, name(SAML, "Issuer"))) != expected.provider.entity_id:
        raise Refused(say("the message comes from another issuer"))
    destination = root.get("Destination")
    if destination is not None and destination != expected.slo_url:
        raise Refused(
            say("the message is meant for another place: %(place)s", place=destination[:200])
        )
    issued = moment(root.get("IssueInstant"))
    if issued is None or issued > expected.at + expected.skew:
        raise Refused(say("the message is not valid yet; compare the clocks"))
    return issued


def _name_id(root: etree._Element, expected: Expected) -> str:
    encrypted = root.findall(name(SAML, "EncryptedID"))
    plain = root.findall(name(SAML, "NameID"))
    if len(encrypted) + len(plain) != 1:
        raise Refused(say("the request must name one person"))
    if plain:
        return _text(plain[0])
    name_id = parse(decrypted_child(encrypted[0], expected.keys(), signed=True))
    if name_id.tag != name(SAML, "NameID"):
        raise Refused(say("what was encrypted is not the name of a person"))
    return _text(name_id)


def _only(root: etree._Element, tag: str) -> Any:
    found = root.findall(tag)
    if len(found) != 1:
        raise Refused(say("the message lacks a part, or has it twice"))
    return found[0]


def _text(element: etree._Element) -> str:
    text = (element.text or "").strip()
    if not text or len(element):
        raise Refused(say("a value is not plain text"))
    return text
