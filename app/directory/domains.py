"""Domains of e-mail addresses: whose people sign in through which connection.

A domain belongs to one account of the installation. Who runs the installation says whose it is.
"""

from __future__ import annotations

import re

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.directory.connections import find_saml
from app.directory.errors import Forbidden, Invalid, NotFound, Taken
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Connection, Domain, UserValue
from app.words import say

LONGEST = 253
"""Longest name of a domain, in characters (RFC 1035 §2.3.4)."""
_ANY = select(Domain.domain).where(Domain.account_id == bindparam("account")).limit(1)
_ADDRESSES = select(UserValue.value).where(
    UserValue.account_id == bindparam("account"),
    UserValue.user_id == bindparam("user"),
    UserValue.attribute == "emails",
)
_ROUTED = select(Domain.domain, Domain.connection_id).where(
    Domain.account_id == bindparam("account"),
    Domain.domain.in_(bindparam("domains", expanding=True)),
)
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]*[a-z0-9]")


def add(work: Work, domain: str, connection: str) -> None:
    """Send the people of a domain to a SAML connection, named or by its id.

    :raises Invalid: When it is no domain.
    :raises NotFound: When the account has no such SAML connection.
    :raises Taken: When the domain is routed already, here or in another account.
    """
    domain = normalised(domain)
    row = find_saml(work.account_id, connection)
    values = {
        "account_id": work.account_id,
        "domain": domain,
        "connection_id": row.id,
        "created_at": work.at,
    }
    try:
        db.session.execute(insert(Domain), [values])
    except IntegrityError as error:
        raise Taken(say("The domain %(domain)s is in use already.", domain=domain)) from error
    work.record("domain.added", Target("connection", row.id, row.name), after={"domain": domain})


def move(work: Work, domain: str, connection_id: str) -> bool:
    """Send the people of a domain to another connection, and return whether it is a change.

    :raises Invalid: When it is no domain.
    :raises NotFound: When the account has no such domain, or no such SAML connection.
    """
    domain = normalised(domain)
    where = (Domain.account_id == work.account_id) & (Domain.domain == domain)
    before = db.session.scalar(select(Domain.connection_id).where(where))
    if before is None:
        raise NotFound("domain", domain)
    row = find_saml(work.account_id, connection_id)
    if row.id == before:
        return False
    db.session.execute(update(Domain).where(where).values(connection_id=row.id))
    work.record(
        "domain.moved",
        Target("connection", row.id, row.name),
        before={"domain": domain, "connection": before},
        after={"domain": domain, "connection": row.id},
    )
    return True


def remove(work: Work, domain: str) -> None:
    """Send the people of a domain nowhere any more.

    :raises Invalid: When it is no domain.
    :raises NotFound: When the account has no such domain.
    """
    query = (
        delete(Domain)
        .where(Domain.account_id == work.account_id, Domain.domain == normalised(domain))
        .returning(Domain.domain, Domain.connection_id)
    )
    row = db.session.execute(query).first()
    if row is None:
        raise NotFound("domain", domain)
    target = Target("connection", row.connection_id)
    work.record("domain.removed", target, before={"domain": row.domain})


def listed(account_id: str) -> dict[str, str]:
    """Return the domains of an account, each with the name of its connection."""
    query = (
        select(Domain.domain, Connection.name)
        .join(
            Connection,
            (Connection.account_id == Domain.account_id) & (Connection.id == Domain.connection_id),
        )
        .where(Domain.account_id == account_id)
        .order_by(Domain.domain)
    )
    return {row.domain: row.name for row in db.session.execute(query)}


def connection_of(address: str) -> str | None:
    """Return the id of the connection in use for an e-mail address; None when there is none."""
    domain = _domain_of(address)
    query = (
        select(Connection.id)
        .join(
            Domain,
            (Domain.account_id == Connection.account_id) & (Domain.connection_id == Connection.id),
        )
        .where(Domain.domain == domain, Connection.enabled.is_(True))
    )
    return db.session.scalar(query)


def check(work: Work, user_id: str, user_name: str, connection_id: str) -> None:
    """Refuse somebody whose domains are those of other connections of the account alone.

    A second provider of the account could otherwise sign in as anybody of the first one's people.
    The domains of the userName and of the e-mail addresses count.

    :raises Forbidden: When none of them is this connection's, and one is another's.
    """
    if db.session.scalar(_ANY, {"account": work.account_id}) is None:
        return
    addresses = db.session.scalars(_ADDRESSES, {"account": work.account_id, "user": user_id})
    found = {_domain_of(each) for each in (user_name, *addresses)} - {""}
    values = {"account": work.account_id, "domains": sorted(found)}
    routed = {row.domain: row.connection_id for row in db.session.execute(_ROUTED, values)}
    if routed and connection_id not in routed.values():
        raise Forbidden(
            say(
                "people of %(domains)s sign in through another connection of the account",
                domains=sorted(routed),
            )
        )


def _domain_of(address: str | None) -> str:
    """Return the domain of an address, empty if it is none."""
    try:
        return normalised((address or "").rpartition("@")[2])
    except Invalid:
        return ""


def normalised(domain: str) -> str:
    """Return a domain in the form it is kept in: lower case, other scripts as ``xn--``.

    :raises Invalid: When it is none.
    """
    try:
        if len(domain) > LONGEST:
            raise UnicodeError  # Longer ones take ever more time to encode.
        ascii_form = domain.strip().lower().removeprefix("@").encode("idna").decode()
    except UnicodeError:
        ascii_form = ""
    if len(ascii_form) > LONGEST or not _DOMAIN.fullmatch(ascii_form):
        sentence = say("%(domain)r is no domain such as example.com.", domain=domain[:100])
        raise Invalid(sentence, field="domain")
    return ascii_form
