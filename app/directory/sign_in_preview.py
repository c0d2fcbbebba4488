"""Whom a rule about signing in would shut out or sign out, asked before it counts. Read-only.

Each answer takes the same few statements, however many people there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select

from app.directory import requiring_saml, second_factor
from app.security.sessions import live
from app.settings import Settings
from app.store.database import db
from app.store.functions import position_of
from app.store.models import Connection, Domain, Passkey, Session, TotpDevice, User, UserValue
from app.store.types import now

SHOWN = 20
"""How many people are named."""
COUNTED = 10_000
"""How far is counted: what is one more is more than that."""


@dataclass(frozen=True)
class Asker:
    """Who asks, and in which session."""

    account_id: str
    user_id: str
    session_id: str


@dataclass(frozen=True)
class Consequences:
    """What a rule would do."""

    without: int
    """How many active people lack what it asks for, up to ``COUNTED`` and one more."""
    people: list[Any]
    """The first ``SHOWN`` of them by name: ``id``, ``user_name`` and ``display_name``."""
    is_asker_without: bool
    sessions: int
    """How many sessions would end that can be used now, as far as above."""
    signed_out: int
    """Of how many people."""
    is_asker_signed_out: bool


def of_requiring_saml(asker: Asker, settings: Settings) -> Consequences:
    """Return what requiring SAML would do.

    Those lack a way in who may not break glass and of whom nothing says that a connection in use
    knows them: none made them, they have not signed in through one as far back as sessions are
    kept, and no domain of their addresses is one's.
    """
    ended = requiring_saml.sessions_without(asker.account_id)
    return _consequences(asker, settings, _without_saml(asker.account_id), ended)


def of_requiring_second_factor(
    asker: Asker, settings: Settings, role_id: str | None = None
) -> Consequences:
    """Return what requiring a second factor would do.

    Those who have none yet are asked to set one up at their next sign-in, unless the provider's
    counts as one.

    :param role_id: Of whoever holds this role; None: of everybody in the account.
    """
    account_id = asker.account_id
    without: list[ColumnElement[bool]] = [
        User.id.not_in(_owners(account_id, TotpDevice, TotpDevice.confirmed_at.is_not(None))),
        User.id.not_in(_owners(account_id, Passkey)),
    ]
    whose = None if role_id is None else second_factor.holders(account_id, role_id, now())
    if whose is not None:
        without.append(User.id.in_(whose))
    ended = second_factor.sessions_without(account_id, whose)
    return _consequences(asker, settings, without, ended)


def _consequences(
    asker: Asker,
    settings: Settings,
    without: list[ColumnElement[bool]],
    ended: tuple[ColumnElement[bool], ...],
) -> Consequences:
    lacking = select(User.id, User.user_name, User.display_name).where(
        User.account_id == asker.account_id, User.active.is_(True), *without
    )
    people = list(db.session.execute(lacking.order_by(User.user_name_key).limit(SHOWN)))
    open_now = select(Session.id, Session.user_id).where(*ended, *live(settings, now()))
    counted = open_now.limit(COUNTED + 1).subquery()
    sessions = db.session.execute(
        select(func.count(), func.count(counted.c.user_id.distinct())).select_from(counted)
    ).one()
    return Consequences(
        # Fewer than are named are all of them, and everybody was looked at to find them.
        without=len(people) if len(people) < SHOWN else _count(lacking),
        people=people,
        is_asker_without=_is_any(lacking.where(User.id == asker.user_id)),
        sessions=sessions[0],
        signed_out=sessions[1],
        is_asker_signed_out=_is_any(open_now.where(Session.id == asker.session_id)),
    )


def _count(query: Select[*tuple[Any, ...]]) -> int:
    some = query.limit(COUNTED + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def _is_any(query: Select[*tuple[Any, ...]]) -> bool:
    return db.session.execute(query.limit(1)).first() is not None


def _without_saml(account_id: str) -> list[ColumnElement[bool]]:
    """Return the conditions of those who have no way in through SAML, the cheapest first."""
    in_use = select(Connection.id).where(
        Connection.account_id == account_id,
        Connection.kind == "saml",
        Connection.enabled.is_(True),
    )
    domains = select(Domain.domain).where(
        Domain.account_id == account_id, Domain.connection_id.in_(in_use)
    )
    came = exists().where(
        Session.account_id == account_id,
        Session.user_id == User.id,
        Session.connection_id.in_(in_use),
        Session.method == "saml",
    )
    found = [
        User.break_glass.is_(False),
        User.connection_id.is_(None) | User.connection_id.not_in(in_use),
    ]
    if db.session.scalar(domains.limit(1)) is None:
        return [*found, ~came]
    routed = exists().where(
        UserValue.account_id == account_id,
        UserValue.user_id == User.id,
        UserValue.attribute == "emails",
        _domain_of(UserValue.value_key).in_(domains),
    )
    return [*found, _domain_of(User.user_name_key).not_in(domains), ~came, ~routed]


def _domain_of(address: Any) -> ColumnElement[str]:
    """Return what stands behind the @ of an address."""
    return func.substr(address, position_of(address, "@") + 1)


def _owners(account_id: str, table: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
    return select(table.user_id).where(table.account_id == account_id, *conditions)
