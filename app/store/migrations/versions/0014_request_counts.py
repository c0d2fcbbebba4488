"""How many requests those who ask much have made of all processes together."""

import sqlalchemy as sa
from alembic import op


revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def text(length):
    return sa.String(length).with_variant(sa.VARCHAR(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "request_counts",
        sa.Column(
            "key", text(64), nullable=False, comment="SHA-256 of whom it counts, hexadecimal"
        ),
        sa.Column(
            "minute", sa.Integer(), nullable=False, comment="since 1970 (Unix time / 60)"
        ),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "minute", name=op.f("pk_request_counts")),
    )


def downgrade() -> None:
    op.drop_table("request_counts")
