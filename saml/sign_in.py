"""A sign-in, step by step: the response is read, its request used up, the person found or made."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.directory import domains, just_in_time, sessions, sign_in
from app.directory.just_in_time import Arrival, Provisioned
from app.directory.sessions import AtProvider
from app.directory.work import Work
from app.security.requests import settings
from app.store.types import now
from app.words import say
from saml import attributes, responses
from saml.assertions import Answer, Expected
from saml.connections import SamlConnection
from saml.errors import Refused
from saml.trace import Trace

EMAIL_ATTRIBUTES = (
    "email",
    "mail",
    "emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
)


def expected_of(connection: SamlConnection, at: datetime | None = None) -> Expected:
    """Return what a message to this connection must match.

    :param at: The moment it must be valid at; None: now.
    """
    return Expected(
        connection.provider,
        connection.entity_id,
        connection.acs_url,
        connection.slo_url,
        at or now(),
        connection.options,
        connection.decryption_keys,
    )


def read(
    connection: SamlConnection, encoded: str, trace: Trace, at: datetime | None = None
) -> Answer:
    """Return what a response says, once it is one this connection takes.

    :raises Refused: When it is not.
    """
    answer = responses.read(encoded, expected_of(connection, at), trace)
    with trace.check(say("It was asked for, or need not be")) as check:
        if answer.in_response_to is None and not connection.options.allow_unsolicited:
            raise Refused(
                say(
                    "nobody asked for it, and this connection takes no unsolicited responses; "
                    "people begin here, or the connection allows them to begin at the provider"
                )
            )
        check.detail = answer.in_response_to or say("unsolicited")
    return answer


def use_up(
    work: Work,
    connection: SamlConnection,
    answer: Answer,
    relay_state: str,
    browser_hash: str | None,
    trace: Trace,
) -> str:
    """Use up the response and the request it answers, and return the path to go on to.

    :param relay_state: Where to go on to, if nobody asked.
    :raises Forbidden: When either was used before, or another browser asked.
    """
    with trace.check(say("It answers a request that is open, from this browser")):
        if answer.in_response_to is None:
            path = relay_state or connection.options.landing
        else:
            path = sign_in.use_request(work, connection.id, answer.in_response_to, browser_hash)
    with trace.check(say("It is used for the first time")):
        sign_in.use_assertion(work, connection.id, answer.assertion_id, answer.valid_until)
    return path


def person_of(work: Work, connection: SamlConnection, answer: Answer, trace: Trace) -> Provisioned:
    """Return who signs in, found or made as the connection says.

    :raises Forbidden: When nobody does, or somebody who must not.
    """
    options = connection.options
    emails = [
        value
        for name, values in answer.attributes.items()
        if options.match_email and name.lower() in EMAIL_ATTRIBUTES
        for value in values
    ]
    with trace.check(say("The person is known here, or can be made")) as check:
        found = sign_in.find_user(work, answer.name_id, emails)
        provisioned = just_in_time.provision(
            work, found, _arrival(connection, answer), options.provisioning, options.may_give
        )
        check.detail = provisioned.outcome
    with trace.check(say("Their domain is not that of another connection")):
        domains.check(work, provisioned.user_id, provisioned.user_name, connection.id)
    return provisioned


def lifetime_of(connection: SamlConnection, answer: Answer, at: datetime) -> timedelta:
    """Return how long the session lives: no longer than the provider's own."""
    lifetime = timedelta(hours=connection.options.session_hours or settings().session_hours)
    if answer.session_ends is None:
        return lifetime
    return max(min(lifetime, answer.session_ends - at), timedelta(minutes=1))


def open_session(
    work: Work, connection: SamlConnection, answer: Answer, person: Provisioned, user_agent: str
) -> str:
    """Open the session, and return its secret."""
    return sessions.open_session(
        work,
        person.user_id,
        method="saml",
        lifetime=lifetime_of(connection, answer, work.at),
        second_factor="provider" if _counts_as_second_factor(connection, answer) else None,
        at_provider=AtProvider(
            connection.id,
            answer.name_id,
            answer.name_id_format,
            answer.name_qualifier,
            answer.sp_name_qualifier,
            answer.session_index,
        ),
        user_agent=user_agent,
        note=person.outcome,
    )


def _counts_as_second_factor(connection: SamlConnection, answer: Answer) -> bool:
    return answer.authn_context in connection.options.second_factor_contexts


def _arrival(connection: SamlConnection, answer: Answer) -> Arrival:
    person = attributes.read(answer.attributes, connection.options.attribute_names)
    name = {"givenName": person.given_name, "familyName": person.family_name}
    told = {key: value for key, value in name.items() if value}
    profile = {"name": told, "displayName": person.display_name or " ".join(told.values())}
    return Arrival(
        name_id=answer.name_id,
        user_name=person.user_name or _named_by(answer.name_id, person.email),
        profile={key: value for key, value in profile.items() if value},
        email=person.email,
        groups=person.groups,
        account_role=person.account_role,
        folders=person.folders,
    )


def _named_by(name_id: str, email: str | None) -> str:
    """Return the userName of somebody new: the address that the provider vouches for first.

    People may be able to change the e-mail attribute there, and become somebody else here.
    """
    return name_id if "@" in name_id else email or name_id
