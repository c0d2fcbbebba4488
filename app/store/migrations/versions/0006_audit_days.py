"""How many audit events of each kind there were, day by day."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def text(length):
    return sa.String(length).with_variant(sa.VARCHAR(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "audit_days",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="in UTC"),
        sa.Column("action", text(64), nullable=False),
        sa.Column("outcome", text(64), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_audit_days_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "day", "action", "outcome", name=op.f("pk_audit_days")
        ),
    )
    _count_what_is_sealed()


def _count_what_is_sealed() -> None:
    """From here on an event is counted when it is sealed."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    day = "substr(at, 1, 10)" if is_sqlite else "CAST(at AT TIME ZONE 'UTC' AS date)"
    op.execute(
        "INSERT INTO audit_days (account_id, day, action, outcome, events)"
        f" SELECT account_id, {day}, action, outcome, count(*) FROM audit_events"
        f" WHERE sequence IS NOT NULL GROUP BY account_id, {day}, action, outcome"
    )


def downgrade() -> None:
    op.drop_table("audit_days")
