"""Checking the sealed chain of ``audit_chain``: what was changed, removed or inserted shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from app.directory.audit_chain import Anchor, chain_key, head, seal_of
from app.store.database import db
from app.store.models import AuditEvent

PAGE = 200
"""How many events are in memory at once."""
FINDINGS = 20
"""After so many findings it ends: the first ones tell where to look."""
UNREADABLE = (ValueError, TypeError, RecursionError)
"""What reading a value raises that no event can hold."""
OTHER_KEY = (
    "GATEHOUSE_SECRET_KEY is not the key they were made with, or every one of them was changed"
)
WRONG_KEY = f"no seal fits: {OTHER_KEY}"


@dataclass
class Report:
    """What a check has found."""

    checked: int = 0
    """How many events were looked at."""
    end: Anchor | None = None
    """The last one, to be kept as an anchor; None: nothing is sealed, or it was not reached."""
    findings: list[str] = field(default_factory=list)
    """What is wrong, a sentence each, in the order of the chain."""
    unsealed: int = 0
    """How many events wait for their seal."""
    oldest_unsealed: datetime | None = None


@dataclass(frozen=True)
class _Link:
    """One sealed event. What cannot be read has no columns."""

    sequence: Any
    id: str
    seal: Any
    columns: dict[str, Any] | None


def check(
    account_id: str,
    expect: Anchor | None = None,
    progress: Callable[[int], None] = lambda checked: None,
) -> Report:
    """Follow an account's chain from its beginning and report the first problems.

    It may take its time: nobody waits for it, and what is sealed meanwhile is followed too.

    :param expect: An anchor noted before. Without one, a log that was replaced by an older copy of
        itself as a whole is a good chain.
    :param progress: Called with the number of events looked at, page by page.
    """
    report = Report()
    walk = _Walk(report, chain_key(), expect)
    for page, known_end in _pages(account_id):
        if page:
            walk.follow_all(page)
        else:
            walk.arrive(known_end)
        progress(report.checked)
        if walk.is_enough():
            report.end = None
            break
    report.findings[:0] = walk.before_any_fitted()
    _note_unsealed(account_id, report)
    return report


def newest_fit(account_id: str) -> bool | None:
    """Tell whether one of the newest seals was made with our key; None: there are none to tell."""
    rows = AuditEvent.__table__
    query = select(rows).where(
        AuditEvent.account_id == account_id, AuditEvent.sequence.is_not(None)
    )
    query = query.order_by(AuditEvent.sequence.desc()).limit(FINDINGS + 1)
    try:
        links = [
            _link(row, dict(row._mapping)) for row in reversed(db.session.execute(query).all())
        ]
    except UNREADABLE:
        return None
    walk = _Walk(Report(), chain_key(), None)
    if links and links[0].sequence != 1:  # There is one before it, which ours is made from.
        before, *links = links
        walk.sequence, walk.seal = before.sequence, str(before.seal)
    walk.follow_all(links)
    return walk.fitting > 0 if links else None


def _note_unsealed(account_id: str, report: Report) -> None:
    unsealed = (AuditEvent.account_id == account_id) & AuditEvent.sequence.is_(None)
    report.unsealed = db.session.scalar(select(func.count()).where(unsealed)) or 0
    oldest = select(AuditEvent.at).where(unsealed).order_by(AuditEvent.id).limit(1)
    try:
        report.oldest_unsealed = db.session.scalar(oldest)
    except UNREADABLE:
        report.findings.append("the oldest event that is not sealed cannot be read")
    db.session.rollback()


@dataclass
class _Walk:
    """How far the chain was followed."""

    report: Report
    key: bytes
    expect: Anchor | None
    sequence: int = 0
    seal: str | None = None
    fitting: int = 0
    misfits: int = 0
    """How many seals did not fit before any did: another key would explain them."""
    first_misfits: list[str] = field(default_factory=list)
    """Sentences about the first of these."""

    def follow_all(self, page: list[_Link]) -> None:
        for link in page:
            self.follow(link)
            if self.is_enough():
                return

    def is_enough(self) -> bool:
        """Tell whether enough was found. Seals of another key do not count: those after may fit."""
        return len(self.report.findings) >= FINDINGS

    def before_any_fitted(self) -> list[str]:
        """Return what is wrong with the seals before the first that fits."""
        if not self.fitting:
            return [WRONG_KEY] if self.report.checked else []
        if self.misfits > FINDINGS:
            return [f"no seal fits of the first {self.misfits} events: {OTHER_KEY}"]
        return self.first_misfits

    def follow(self, link: _Link) -> None:
        self.report.checked += 1
        here = f"event {link.id} at {link.sequence}"
        if not isinstance(link.sequence, int) or link.sequence <= self.sequence:
            self._find(f"{here} was inserted: the place is that of another")
            return
        missing = link.sequence - self.sequence - 1
        if missing:
            first = self.sequence + 1
            what = f"{first} to {first + missing - 1}" if missing > 1 else f"{first}"
            self._find(f"removed: {what}, before {here}, whose seal cannot be checked")
        elif self._fits(link):
            self.fitting += 1
        else:
            self._misfits(f"{here} was changed, or put in place of another")
        self.sequence, self.seal = link.sequence, str(link.seal)
        self.report.end = Anchor(self.sequence, self.seal)
        if self.expect and self.expect.sequence == self.sequence and not self._is_expected():
            self._find(f"the seal at {self.sequence} is not the one expected: rewritten up to here")

    def arrive(self, known_end: Anchor | None) -> None:
        """Compare the end of the chain with what is known of it."""
        known = known_end.sequence if known_end else 0
        if known > self.sequence:
            self._find(f"cut off: it ends at {self.sequence}, the account knows of {known}")
        elif known < self.sequence:
            self._find(f"it goes on to {self.sequence}, the account knows of {known} alone")
        elif known_end and known_end.seal != self.seal:
            self._find(f"the seal the account knows for its end, {known}, is another one")
        if self.expect and self.expect.sequence > self.sequence:
            self._find(f"cut off, or an older copy: it ends at {self.sequence}, before the anchor")

    def _misfits(self, what: str) -> None:
        if self.fitting:
            self._find(what)
            return
        self.misfits += 1
        if self.misfits <= FINDINGS:
            self.first_misfits.append(what)

    def _find(self, what: str) -> None:
        self.report.findings.append(what)

    def _fits(self, link: _Link) -> bool:
        if link.columns is None:
            return False
        try:
            return _same(seal_of(self.key, self.seal, link.columns), str(link.seal))
        except UNREADABLE:
            return False

    def _is_expected(self) -> bool:
        return self.expect is not None and _same(self.expect.seal, str(self.seal))


def _same(one: str, other: str) -> bool:
    return compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def _pages(account_id: str) -> Iterator[tuple[list[_Link], Anchor | None]]:
    """Return the sealed events in order, and what the account knew of the end before each page.

    The last page is empty: what the account knows then is the end, unless it is not true.
    """
    last: _Link | None = None
    while True:
        db.session.rollback()  # each page as things are by now
        known_end = head(account_id)
        page = _page(account_id, last)
        yield page, known_end
        if not page:
            return
        last = page[-1]


def _page(account_id: str, last: _Link | None) -> list[_Link]:
    rows = AuditEvent.__table__
    try:
        return [_link(row, dict(row._mapping)) for row in _after(account_id, last, select(rows))]
    except UNREADABLE:  # by one of them: which?
        keys = select(AuditEvent.sequence, AuditEvent.id, AuditEvent.seal)
        return [_link(key, _alone(account_id, key.id)) for key in _after(account_id, last, keys)]


def _after(account_id: str, last: _Link | None, query: Select[*tuple[Any, ...]]) -> list[Any]:
    query = query.where(AuditEvent.account_id == account_id, AuditEvent.sequence.is_not(None))
    if last is not None:
        beyond = and_(AuditEvent.sequence == last.sequence, AuditEvent.id > last.id)
        query = query.where(
            AuditEvent.sequence >= last.sequence,
            or_(AuditEvent.sequence > last.sequence, beyond),
        )
    query = query.order_by(AuditEvent.sequence, AuditEvent.id).limit(PAGE)
    return list(db.session.execute(query))


def _alone(account_id: str, event_id: str) -> dict[str, Any] | None:
    query = select(AuditEvent.__table__).where(
        AuditEvent.account_id == account_id, AuditEvent.id == event_id
    )
    try:
        return dict(db.session.execute(query).one()._mapping)
    except UNREADABLE:
        return None


def _link(row: Any, columns: dict[str, Any] | None) -> _Link:
    return _Link(row.sequence, row.id, row.seal, columns)
