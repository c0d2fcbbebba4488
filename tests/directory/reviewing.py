"""A review in the tests: begun, decided, and what there is in it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import update

from app.directory.reviews import deciding, due, export
from app.directory.reviews.start import Plan, start
from app.directory.work import Actor
from app.lists import reviews as lists
from app.lists.reviews import ItemFilter
from app.store.database import db
from app.store.models import Review
from app.store.types import now
from tests.conftest import CLI_ACTOR, SECRET_KEY, write

SOON = timedelta(days=7)


def person(user_id: str, name: str = "somebody") -> Actor:
    return Actor(type="user", id=user_id, name=name, surface="console")


def program(actions: Collection[str]) -> Actor:
    """A token of the API."""
    return Actor(type="token", id="t", name="ci", surface="api", scopes=frozenset(actions))


def a_review(account: str, what: str, target: str | None = None, *, by: Actor = CLI_ACTOR, **more):
    """A review that has begun, and its id."""
    options = {"name": "Autumn", "due_at": now() + SOON} | more
    with write(account, by) as work:
        return start(work, Plan(what=what, target_id=target, **options))


def decide(account: str, by: Actor, review: str, items, decision: str, comment: str = "") -> int:
    with write(account, by) as work:
        return deciding.decide(work, review, items, decision, comment)


def holders(account: str, review: str, **wanted) -> list[str]:
    page = lists.items(account, review, ItemFilter(**wanted))
    return [each["holder_name"] for each in page.items]


def ids(account: str, review: str) -> dict[str, str]:
    return {
        each["holder_name"]: each["id"] for each in lists.items(account, review, ItemFilter()).items
    }


def end(account: str, review: str) -> None:
    """Let it be due now."""
    with write(account):
        db.session.execute(update(Review).where(Review.id == review).values(due_at=now()))
    due.close_due()


def exported(account: str, review: str) -> list[bytes]:
    return list(
        export.lines_of(account, review, secret_key=SECRET_KEY, issuer="https://g.example.com")
    )
