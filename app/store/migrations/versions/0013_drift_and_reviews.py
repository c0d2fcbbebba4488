"""What drift reports found; access reviews."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'open'")


def text(length):
    return sa.String(length).with_variant(sa.VARCHAR(length, collation="C"), "postgresql")


def json():
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def time():
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    create_drift_rows()
    create_reviews()
    create_reviewers()
    create_items()


def create_drift_rows() -> None:
    op.create_table(
        "drift_rows",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("operation_id", text(36), nullable=False),
        sa.Column(
            "number",
            sa.Integer(),
            nullable=False,
            comment="line or resource of the file; extra ones come after",
        ),
        sa.Column("kind", text(64), nullable=False, comment="missing: here; extra: here alone"),
        sa.Column("user_id", text(36), nullable=True, comment="empty: missing"),
        sa.Column("name", text(1024), nullable=False, comment="user name"),
        sa.Column("name_key", text(1024), nullable=False, comment="name, for comparison"),
        sa.Column(
            "changes", json(), nullable=False, comment="by field, what is here and what is there"
        ),
        sa.Column(
            "person",
            json(),
            nullable=False,
            comment="what the file says, for it to be made so; empty: extra",
        ),
        sa.CheckConstraint(
            "kind IN ('missing', 'extra', 'different', 'same')", name=op.f("ck_drift_rows_kind")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "operation_id"],
            ["operations.account_id", "operations.id"],
            name=op.f("fk_drift_rows_account_id_operation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "operation_id", "number", name=op.f("pk_drift_rows")
        ),
    )
    for column in ("user_id", "name_key"):
        op.create_index(
            op.f(f"ix_drift_rows_account_id_operation_id_{column}"),
            "drift_rows",
            ["account_id", "operation_id", column],
        )


def create_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("name", text(1024), nullable=False),
        sa.Column("what", text(64), nullable=False),
        sa.Column("target_id", text(36), nullable=True, comment="the role, folder or group"),
        sa.Column(
            "target_name", text(1024), nullable=False, comment="as it was called at the start"
        ),
        sa.Column(
            "undecided", text(64), nullable=False, comment="what becomes of what nobody decided"
        ),
        sa.Column("state", text(64), nullable=False),
        sa.Column("item_count", sa.Integer(), nullable=False),
        sa.Column("created_by", text(1024), nullable=False, comment="name of the actor"),
        sa.Column("created_at", time(), nullable=False),
        sa.Column("due_at", time(), nullable=False),
        sa.Column(
            "told_at", time(), nullable=True, comment="when reviewers were written to first"
        ),
        sa.Column("reminded_at", time(), nullable=True),
        sa.Column("closed_at", time(), nullable=True),
        sa.CheckConstraint(
            "what IN ('role', 'folder', 'group', 'account_roles')", name=op.f("ck_reviews_what")
        ),
        sa.CheckConstraint(
            "undecided IN ('keep', 'revoke')", name=op.f("ck_reviews_undecided")
        ),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_reviews_state")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_reviews_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_reviews")),
    )
    op.create_index(
        "ix_reviews_open", "reviews", ["due_at"], sqlite_where=OPEN, postgresql_where=OPEN
    )


def of_review(table):
    return sa.ForeignKeyConstraint(
        ["account_id", "review_id"],
        ["reviews.account_id", "reviews.id"],
        name=op.f(f"fk_{table}_account_id_review_id"),
        ondelete="CASCADE",
    )


def create_reviewers() -> None:
    op.create_table(
        "review_reviewers",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("review_id", text(36), nullable=False),
        sa.Column("user_id", text(36), nullable=False),
        of_review("review_reviewers"),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["users.account_id", "users.id"],
            name=op.f("fk_review_reviewers_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "review_id", "user_id", name=op.f("pk_review_reviewers")
        ),
    )
    op.create_index(
        op.f("ix_review_reviewers_account_id_user_id"),
        "review_reviewers",
        ["account_id", "user_id"],
    )


def create_items() -> None:
    op.create_table(
        "review_items",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("review_id", text(36), nullable=False),
        sa.Column(
            "id", text(36), nullable=False, comment="of the grant; of a membership, of the member"
        ),
        sa.Column("kind", text(64), nullable=False),
        sa.Column("holder_type", text(64), nullable=False),
        sa.Column("holder_id", text(36), nullable=False),
        sa.Column("holder_name", text(1024), nullable=False),
        sa.Column(
            "holder_key", text(1024), nullable=False, comment="holder_name, for comparison"
        ),
        sa.Column("role_id", text(36), nullable=True, comment="empty: a membership"),
        sa.Column("role_name", text(1024), nullable=True),
        sa.Column("folder_id", text(36), nullable=True),
        sa.Column("folder_name", text(1024), nullable=True),
        sa.Column("origin", text(64), nullable=False),
        sa.Column("granted_by", text(1024), nullable=False),
        sa.Column("reason", text(1024), nullable=False, comment="why it was given"),
        sa.Column("since", time(), nullable=False),
        sa.Column("expires_at", time(), nullable=True),
        sa.Column("decision", text(64), nullable=True, comment="empty: not yet"),
        sa.Column(
            "outcome",
            text(64),
            nullable=True,
            comment="what came of it: kept, revoked, may_return, provider, gone or refused",
        ),
        sa.Column("comment", text(1024), nullable=True),
        sa.Column("decided_by_id", text(36), nullable=True, comment="empty: no person"),
        sa.Column("decided_by", text(1024), nullable=True, comment="name of the actor"),
        sa.Column("decided_at", time(), nullable=True),
        sa.CheckConstraint("kind IN ('grant', 'membership')", name=op.f("ck_review_items_kind")),
        sa.CheckConstraint(
            "holder_type IN ('user', 'group')", name=op.f("ck_review_items_holder_type")
        ),
        sa.CheckConstraint(
            "decision IN ('keep', 'revoke')", name=op.f("ck_review_items_decision")
        ),
        sa.CheckConstraint(
            "(decision IS NULL) = (outcome IS NULL)", name=op.f("ck_review_items_outcome")
        ),
        of_review("review_items"),
        sa.PrimaryKeyConstraint("account_id", "review_id", "id", name=op.f("pk_review_items")),
    )
    op.create_index(
        op.f("ix_review_items_account_id_review_id_holder_key_id"),
        "review_items",
        ["account_id", "review_id", "holder_key", "id"],
    )


def downgrade() -> None:
    for table in ("review_items", "review_reviewers", "reviews", "drift_rows"):
        op.drop_table(table)
