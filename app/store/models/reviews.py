"""Access reviews: who is asked whether what others hold is still right, and what they said."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base
from app.store.types import Id, Name, UtcDateTime, Word, new_id, now

_OPEN = text("state = 'open'")


class Review(Base):
    """One campaign."""

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint("what IN ('role', 'folder', 'group', 'account_roles')", name="what"),
        CheckConstraint("undecided IN ('keep', 'revoke')", name="undecided"),
        CheckConstraint("state IN ('open', 'closed')", name="state"),
        Index("ix_reviews_open", "due_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    account_id: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(Name)
    what: Mapped[str] = mapped_column(Word)
    target_id: Mapped[str | None] = mapped_column(Id, comment="the role, folder or group")
    target_name: Mapped[str] = mapped_column(Name, comment="as it was called at the start")
    undecided: Mapped[str] = mapped_column(Word, comment="what becomes of what nobody decided")
    state: Mapped[str] = mapped_column(Word, default="open")
    item_count: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[str] = mapped_column(Name, comment="name of the actor")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="when reviewers were written to first"
    )
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="when somebody ended it before it was due"
    )
    ended_by: Mapped[str | None] = mapped_column(Name, comment="name of the actor")
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ReviewReviewer(Base):
    """Somebody who decides."""

    __tablename__ = "review_reviewers"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "review_id"], ["reviews.account_id", "reviews.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["account_id", "user_id"], ["users.account_id", "users.id"], ondelete="CASCADE"
        ),
        Index(None, "account_id", "user_id"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    review_id: Mapped[str] = mapped_column(Id, primary_key=True)
    user_id: Mapped[str] = mapped_column(Id, primary_key=True)


class ReviewItem(Base):
    """What somebody held when the review began, by which grant or membership, and the decision."""

    __tablename__ = "review_items"
    __table_args__ = (
        ForeignKeyConstraint(
            ["account_id", "review_id"], ["reviews.account_id", "reviews.id"], ondelete="CASCADE"
        ),
        CheckConstraint("kind IN ('grant', 'membership')", name="kind"),
        CheckConstraint("holder_type IN ('user', 'group')", name="holder_type"),
        CheckConstraint("decision IN ('keep', 'revoke')", name="decision"),
        CheckConstraint("(decision IS NULL) = (outcome IS NULL)", name="outcome"),
        Index(None, "account_id", "review_id", "holder_key", "id"),
    )

    account_id: Mapped[str] = mapped_column(Id, primary_key=True)
    review_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(
        Id, primary_key=True, comment="of the grant; of a membership, of the member"
    )
    kind: Mapped[str] = mapped_column(Word)
    holder_type: Mapped[str] = mapped_column(Word)
    holder_id: Mapped[str] = mapped_column(Id)
    holder_name: Mapped[str] = mapped_column(Name)
    holder_key: Mapped[str] = mapped_column(Name, comment="holder_name, for comparison")
    role_id: Mapped[str | None] = mapped_column(Id, comment="empty: a membership")
    role_name: Mapped[str | None] = mapped_column(Name)
    folder_id: Mapped[str | None] = mapped_column(Id)
    folder_name: Mapped[str | None] = mapped_column(Name)
    origin: Mapped[str] = mapped_column(Word)
    granted_by: Mapped[str] = mapped_column(Name, default="")
    reason: Mapped[str] = mapped_column(Name, default="", comment="why it was given")
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision: Mapped[str | None] = mapped_column(Word, comment="empty: not yet")
    outcome: Mapped[str | None] = mapped_column(
        Word, comment="what came of it: kept, revoked, may_return, provider, gone or refused"
    )
    comment: Mapped[str | None] = mapped_column(Name)
    decided_by_id: Mapped[str | None] = mapped_column(Id, comment="empty: no person")
    decided_by: Mapped[str | None] = mapped_column(Name, comment="name of the actor")
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
