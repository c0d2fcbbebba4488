"""Signing in through an identity provider: requests and assertions used once, users found."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError

from app.directory import bounds
from app.directory.errors import Forbidden
from app.directory.work import Work
from app.store.database import db, table, write_transaction
from app.store.models import SamlAssertion, SamlRequest, User, UserValue
from app.store.types import comparison_key, now
from app.words import say

REQUEST_LIFETIME = timedelta(minutes=10)
"""How long a person may take to sign in at the provider."""
REMEMBERED = timedelta(days=1)
"""For how long after its end the use of an assertion is remembered: if the clock was put forward
and back again, it must not be of use once more."""
_COLUMNS = (User.id, User.user_name, User.active, User.origin, User.connection_id)
ADDRESSES_LIMIT = 20
"""Most e-mail addresses of an assertion that are looked up."""

# What every sign-in asks is built once: building takes longer than asking.
_requests = table(SamlRequest)
_TAKE_REQUEST = (
    delete(_requests)
    .where(
        _requests.c.account_id == bindparam("account"),
        _requests.c.connection_id == bindparam("connection"),
        _requests.c.request_id == bindparam("request"),
        _requests.c.kind == bindparam("kind"),
        _requests.c.expires_at > bindparam("at"),
    )
    .returning(_requests.c.relay_state, _requests.c.browser_hash)
)
_ADD_REQUEST = insert(_requests)
_ADD_ASSERTION = insert(table(SamlAssertion))
_NAMED = select(*_COLUMNS, User.user_name_key, User.external_id).where(
    User.account_id == bindparam("account"),
    User.user_name_key.in_(bindparam("keys", expanding=True))
    | (User.external_id == bindparam("name_id")),
)


def remember_request(
    account_id: str,
    connection_id: str,
    request_id: str,
    relay_state: str = "",
    browser_hash: str | None = None,
    *,
    kind: str = "sign_in",
) -> None:
    """Note a request that was sent.

    :param relay_state: The path to return to.
    :param browser_hash: The digest of the cookie of the browser that asked, if it can keep one.
    :param kind: ``sign_in`` or ``logout``: an answer to one is no answer to the other.
    """
    at = now()
    row = {
        "account_id": account_id,
        "connection_id": connection_id,
        "request_id": request_id,
        "kind": kind,
        "browser_hash": browser_hash,
        "relay_state": relay_state,
        "expires_at": at + REQUEST_LIFETIME,
    }
    with write_transaction():
        db.session.execute(_ADD_REQUEST, [row])


def forget_old() -> None:
    """Delete what nobody answered in time, and the use of what is no longer valid anyway."""
    at = now()
    with write_transaction():
        db.session.execute(delete(SamlRequest).where(SamlRequest.expires_at < at))
        long_ago = SamlAssertion.expires_at < at - REMEMBERED
        db.session.execute(delete(SamlAssertion).where(long_ago))


def use_request(
    work: Work,
    connection_id: str,
    request_id: str,
    browser_hash: str | None = None,
    *,
    kind: str = "sign_in",
) -> str:
    """Use up the request an answer names, and return the path to go on to.

    :raises Forbidden: When there is no such open request, or another browser made it.
    """
    values = {
        "account": work.account_id,
        "connection": connection_id,
        "request": request_id,
        "kind": kind,
        "at": work.at,
    }
    row = db.session.execute(_TAKE_REQUEST, values).first()
    if row is None:
        raise Forbidden(say("it answers no request that is open"))
    if row.browser_hash is not None and row.browser_hash != browser_hash:
        raise Forbidden(say("another browser asked for it"))
    return str(row.relay_state)


def use_assertion(work: Work, connection_id: str, assertion_id: str, valid_until: datetime) -> None:
    """Use up an assertion, or another message. The table's key refuses it a second time.

    :raises Forbidden: When it was used before, by this process or any other.
    """
    row = {
        "account_id": work.account_id,
        "connection_id": connection_id,
        "assertion_id": assertion_id[:256],
        "expires_at": valid_until + timedelta(hours=1),
    }
    try:
        db.session.execute(_ADD_ASSERTION, [row])
    except IntegrityError:
        raise Forbidden(say("it was used before")) from None


def find_user(work: Work, name_id: str, emails: Iterable[str]) -> Any:
    """Return the row of the user an assertion speaks of, or None.

    The NameID is tried as userName and, where it is that of one user alone, as externalId; then
    the e-mail addresses as userName; then all of them as an address that one user alone has.

    :param emails: The first ``ADDRESSES_LIMIT`` are tried.
    :return: With ``id``, ``user_name``, ``active``, ``origin`` and ``connection_id``.
    :raises Forbidden: When the user is not active, or several have the address.
    """
    keys = [comparison_key(each) for each in (name_id, *islice(emails, ADDRESSES_LIMIT))]
    values = {"account": work.account_id, "keys": keys, "name_id": name_id}
    found = db.session.execute(_NAMED, values).all()
    by_name = {row.user_name_key: row for row in found}
    by_number = [row for row in found if row.external_id == name_id]
    user: Any = by_name.get(keys[0]) or (by_number[0] if len(by_number) == 1 else None)
    user = user or next((by_name[key] for key in keys if key in by_name), None)
    user = user or _by_address(work, keys)
    if user is not None and not user.active:
        raise Forbidden(say("%(name_id)r is not active", name_id=name_id[:200]))
    return user


def _by_address(work: Work, keys: list[str]) -> Any:
    """Return the one user who has an address of these, or None."""
    owners = select(UserValue.user_id).where(
        UserValue.account_id == work.account_id,
        UserValue.attribute == "emails",
        UserValue.value_key.in_([key[: bounds.VALUE_KEY_LENGTH] for key in keys]),
    )
    # Those made at their first sign-in go by their own NameID. Addresses that an assertion gave
    # them must not draw somebody else in.
    query = select(*_COLUMNS).where(
        User.account_id == work.account_id, User.id.in_(owners), User.origin != "saml"
    )
    rows = db.session.execute(query.limit(2)).all()
    if len(rows) > 1:
        raise Forbidden(say("several people here have this address"))
    return rows[0] if rows else None
