"""The audit log by action, and what was refused, without walking all of it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

REFUSED = sa.text("outcome = 'refused'")


def upgrade() -> None:
    op.create_index(
        op.f("ix_audit_events_account_id_action_at"),
        "audit_events",
        ["account_id", "action", "at"],
    )
    op.create_index(
        "ix_audit_events_refused",
        "audit_events",
        ["account_id", "at"],
        sqlite_where=REFUSED,
        postgresql_where=REFUSED,
    )


def downgrade() -> None:
    op.drop_index("ix_audit_events_refused", "audit_events")
    op.drop_index(op.f("ix_audit_events_account_id_action_at"), "audit_events")
