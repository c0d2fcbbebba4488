"""What drift reports found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None


def text(length):
    return sa.String(length).with_variant(sa.VARCHAR(length, collation="C"), "postgresql")


def json():
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
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


def downgrade() -> None:
    op.drop_table("drift_rows")
