"""Long operations, such as an import of people."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OPEN = sa.text("state IN ('waiting', 'running')")


def text(length):
    return sa.String(length).with_variant(sa.VARCHAR(length, collation="C"), "postgresql")


def json():
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def time():
    return sa.DateTime(timezone=True)


def key(name):
    return sa.Column(name, text(36), nullable=False)


def of_operation(table):
    return sa.ForeignKeyConstraint(
        ["account_id", "operation_id"],
        ["operations.account_id", "operations.id"],
        name=op.f(f"fk_{table}_account_id_operation_id"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    op.create_table(
        "operations",
        key("account_id"),
        key("id"),
        sa.Column("kind", text(64), nullable=False, comment="such as import"),
        sa.Column(
            "name", text(1024), nullable=False, comment="what it is about, such as a file's name"
        ),
        sa.Column("state", text(64), nullable=False),
        sa.Column("options", json(), nullable=False, comment="what is to be done, by kind"),
        sa.Column("total", sa.Integer(), nullable=False, comment="how much there is to do"),
        sa.Column("done", sa.Integer(), nullable=False, comment="how much of it is done"),
        sa.Column(
            "counts",
            json(),
            nullable=False,
            comment="what came of it, such as created, updated, refused",
        ),
        sa.Column(
            "position",
            json(),
            nullable=False,
            comment="where to go on; written with what was done up to there",
        ),
        sa.Column(
            "examples", json(), nullable=False, comment="the first things it did, to be shown"
        ),
        sa.Column("error", text(1024), nullable=True, comment="why it failed"),
        sa.Column("actor_type", text(64), nullable=False, comment="who asked for it"),
        sa.Column("actor_id", text(36), nullable=True),
        sa.Column("actor_name", text(1024), nullable=False),
        sa.Column(
            "surface", text(64), nullable=False, comment="cli: the command carries it on itself"
        ),
        sa.Column("address", text(64), nullable=True),
        sa.Column(
            "runner", text(36), nullable=True, comment="who works on it, made up at each turn"
        ),
        sa.Column(
            "leased_until",
            time(),
            nullable=True,
            comment="who has not written by then is gone, and another one may go on",
        ),
        sa.Column("created_at", time(), nullable=False),
        sa.Column("started_at", time(), nullable=True),
        sa.Column("updated_at", time(), nullable=False),
        sa.Column("finished_at", time(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled')",
            name=op.f("ck_operations_state"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_operations_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_operations")),
    )
    op.create_index(
        "ix_operations_open",
        "operations",
        ["created_at"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("ix_operations_updated_at", "operations", ["updated_at"])
    op.create_table(
        "operation_pieces",
        key("account_id"),
        key("operation_id"),
        sa.Column(
            "part",
            text(64),
            nullable=False,
            comment="file; people: the ids of those its rows are about",
        ),
        sa.Column(
            "number",
            sa.Integer(),
            nullable=False,
            comment="which piece; of people, the row it begins with",
        ),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        of_operation("operation_pieces"),
        sa.PrimaryKeyConstraint(
            "account_id", "operation_id", "part", "number", name=op.f("pk_operation_pieces")
        ),
    )
    op.create_table(
        "operation_problems",
        key("account_id"),
        key("operation_id"),
        sa.Column("line", sa.Integer(), nullable=False, comment="of the file, from 1"),
        sa.Column(
            "column", text(64), nullable=True, comment="which cell; empty: the whole row"
        ),
        sa.Column(
            "name", text(1024), nullable=False, comment="who the row is about, as far as it says"
        ),
        sa.Column("reason", text(1024), nullable=False),
        sa.Column(
            "whole", sa.Boolean(), nullable=False, comment="nothing of the row was done"
        ),
        of_operation("operation_problems"),
        sa.PrimaryKeyConstraint(
            "account_id", "operation_id", "line", name=op.f("pk_operation_problems")
        ),
    )


def downgrade() -> None:
    for table in ("operation_problems", "operation_pieces", "operations"):
        op.drop_table(table)
