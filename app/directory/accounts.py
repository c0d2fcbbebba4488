"""Accounts: one customer each, sealed off from the others."""

from __future__ import annotations

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.directory import bounds, folders, roles
from app.directory.errors import Invalid, NotFound, Taken
from app.directory.work import Actor, Target, Work, transaction
from app.store.database import db
from app.store.models import Account
from app.store.types import comparison_key, new_id
from app.words import say


def create(actor: Actor, name: str) -> str:
    """Add an account with its built-in roles and its root folder, and return its id.

    :raises Taken: When another account has this name, in any case.
    """
    account_id = new_id()
    name = bounds.required("name", name)
    with transaction(account_id, actor) as work:
        row = {"id": account_id, "name": name, "name_key": comparison_key(name)}
        try:
            db.session.execute(insert(Account), [row])
        except IntegrityError as error:
            raise Taken(say("There is an account %(name)r already.", name=name)) from error
        work.record("account.created", Target("account", account_id, name), after={"name": name})
        roles.seed_built_in(account_id)
        folders.create_root(work)
    return account_id


def find(name: str) -> str:
    """Return the id of an account, by name in any case or by id.

    :raises NotFound: When there is none.
    """
    query = select(Account.id).where(
        or_(Account.name_key == comparison_key(name), Account.id == name)
    )
    account_id = db.session.scalar(query.limit(1))
    if account_id is None:
        raise NotFound("account", name)
    return account_id


def listed() -> list[tuple[str, str]]:
    """Return the id and name of every account, by name."""
    rows = db.session.execute(select(Account.id, Account.name).order_by(Account.name_key))
    return [(row.id, row.name) for row in rows]


def set_keeps_unknown(work: Work, keeps: bool) -> bool:
    """Say whether attributes that no SCIM schema declares are kept; return whether it is a change.

    Where they are not kept they are ignored. What was kept so far stays where it is.
    """
    where = Account.id == work.account_id
    stored = db.session.execute(select(Account.name, Account.keeps_unknown).where(where)).one()
    if stored.keeps_unknown == keeps:
        return False
    db.session.execute(update(Account).where(where).values(keeps_unknown=keeps))
    work.record(
        "account.updated",
        Target("account", work.account_id, stored.name),
        before={"keeps_unknown": not keeps},
        after={"keeps_unknown": keeps},
    )
    return True


def scim_epoch(account_id: str) -> int:
    """Return which SCIM schemas an account has: a number that grows when they change."""
    query = select(Account.scim_epoch).where(Account.id == account_id)
    return db.session.scalars(query).one()


def any_exists() -> bool:
    """Tell whether there is an account at all; a fresh installation has none."""
    return db.session.scalar(select(Account.id).limit(1)) is not None


def only_one() -> str:
    """Return the id of the account when there is just one.

    :raises Invalid: When there is none, or more than one.
    """
    found = db.session.scalars(select(Account.id).limit(2)).all()
    if not found:
        raise Invalid(say("There is no account yet. Run: gatehouse account create NAME"))
    if len(found) > 1:
        raise Invalid(say("There are several accounts. Say which with --account."))
    return found[0]
