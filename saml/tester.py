"""The attribute-map tester: what a response would do, check by check, with nobody signed in."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import unquote

from app.access.difference import access_of
from app.directory.errors import DirectoryError, NotFound
from app.directory.preview import undone
from app.directory.work import Actor
from app.store.types import now
from saml import attributes, sign_in
from saml.assertions import moment
from saml.bindings import decoded
from saml.connections import SamlConnection, load
from saml.errors import Refused
from saml.trace import Check, Trace
from saml.xml import parse

FOLDERS_SHOWN = 100
OLDEST = timedelta(days=3650)


@dataclass(frozen=True)
class Outcome:
    """Who would sign in, and what they would have then."""

    user_name: str
    account_roles: list[str]
    folders: dict[str, list[str]]
    """Roles by path: the first ``FOLDERS_SHOWN``."""


@dataclass(frozen=True)
class Report:
    """What a response would do."""

    judged_at: datetime
    checks: list[Check]
    name_id: str | None
    attributes: dict[str, list[str]]
    """By the provider's names."""
    understood: dict[str, object] = field(default_factory=dict)
    """By our names."""
    outcome: Outcome | None = None
    """None: nobody would sign in."""


def test(connection: SamlConnection, encoded: str, actor: Actor) -> Report:
    """Take the steps of a sign-in with a response, and undo them.

    The response is judged as of the moment it says it was issued, and may have been used: one
    that came by yesterday tells as much about the set-up as a fresh one.

    :param encoded: The form field ``SAMLResponse``, base64.
    :param actor: The connection, as whom people are made.
    """
    trace = Trace()
    at = _issued(encoded)
    outcome = None
    try:
        answer = sign_in.read(connection, encoded, trace, at)
        with undone(connection.account_id, actor) as work:
            person = sign_in.person_of(work, connection, answer, trace)
            work.finish()
            outcome = _outcome(connection.account_id, person.user_id)
    except (Refused, DirectoryError):
        pass  # The trace says which check failed, and why.
    told = attributes.read(trace.attributes, connection.options.attribute_names)
    return Report(
        judged_at=at,
        checks=trace.checks,
        name_id=trace.name_id,
        attributes=trace.attributes,
        understood={key: value for key, value in vars(told).items() if value is not None},
        outcome=outcome,
    )


def test_of(connection_id: str, response: bytes) -> Report:
    """Test a response at a connection, as a command does.

    :param response: The form field ``SAMLResponse`` as it was sent, or the XML in it.
    :raises NotFound: When the connection is not in use.
    """
    connection = load(connection_id)
    if connection is None:
        raise NotFound("SAML connection in use", connection_id)
    actor = Actor(
        type="connection",
        id=connection.id,
        name=connection.name,
        surface="saml",
        connection_id=connection.id,
    )
    text = response.strip()
    is_xml = text.startswith(b"<")
    encoded = base64.b64encode(text) if is_xml else text.removeprefix(b"SAMLResponse=")
    return test(connection, unquote(encoded.decode("latin-1")), actor)


def _issued(encoded: str) -> datetime:
    """Return when a response says it was issued; now, if it cannot be read or lies ahead."""
    try:
        issued = moment(parse(decoded(encoded)).get("IssueInstant"))
    except Refused:
        issued = None
    at = now()
    return max(min(issued, at), at - OLDEST) if issued else at


def _outcome(account_id: str, user_id: str) -> Outcome:
    access = access_of(account_id, [user_id])[user_id]
    folders = sorted(access.folders.values(), key=lambda folder: folder.path)
    return Outcome(
        user_name=access.user_name,
        account_roles=sorted(access.account_roles),
        folders={folder.path: list(folder.roles) for folder in folders[:FOLDERS_SHOWN]},
    )
