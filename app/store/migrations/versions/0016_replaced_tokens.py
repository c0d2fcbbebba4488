"""By which token another one was replaced: such a one is not replaced again."""

import sqlalchemy as sa
from alembic import op


revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def text(length):
    return sa.String(length).with_variant(sa.VARCHAR(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column(
        "tokens",
        sa.Column(
            "replaced_by",
            text(64),
            nullable=True,
            comment="prefix of the token that was issued in its place",
        ),
    )


def downgrade() -> None:
    op.drop_column("tokens", "replaced_by")
