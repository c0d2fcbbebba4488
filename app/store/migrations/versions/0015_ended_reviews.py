"""When a review was ended early, and by whom: its date stays what it was."""

import sqlalchemy as sa
from alembic import op


revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def text(length):
    return sa.String(length).with_variant(sa.VARCHAR(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column(
        "reviews",
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when somebody ended it before it was due",
        ),
    )
    op.add_column(
        "reviews",
        sa.Column("ended_by", text(1024), nullable=True, comment="name of the actor"),
    )


def downgrade() -> None:
    op.drop_column("reviews", "ended_by")
    op.drop_column("reviews", "ended_at")
