"""Streams of events, and the place of each outgoing event among those of its account."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ASKED_AGAIN = sa.text("asked_again_at IS NOT NULL")


def text(length):
    return sa.String(length).with_variant(sa.VARCHAR(length, collation="C"), "postgresql")


def json():
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def time():
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "accounts",
        sa.Column(
            "event_sequence",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="place of the last outgoing event",
        ),
    )
    op.drop_index("ix_outgoing_events_account_id_delivered_at_id", "outgoing_events")
    op.add_column("outgoing_events", sa.Column("sequence", sa.BigInteger(), nullable=True))
    number_events()
    with op.batch_alter_table("outgoing_events") as batch:
        batch.drop_column("attempts")
        batch.drop_column("delivered_at")
        batch.alter_column(
            "sequence",
            existing_type=sa.BigInteger(),
            nullable=False,
            comment="place among the account's events, in the order of its transactions",
        )
        batch.create_unique_constraint(
            op.f("uq_outgoing_events_account_id_sequence"), ["account_id", "sequence"]
        )
    create_streams()
    create_dead_letters()


def number_events() -> None:
    op.execute(
        "UPDATE outgoing_events SET sequence = numbered.place FROM ("
        "SELECT account_id, id, row_number() OVER (PARTITION BY account_id ORDER BY id) AS place"
        " FROM outgoing_events) AS numbered"
        " WHERE numbered.account_id = outgoing_events.account_id"
        " AND numbered.id = outgoing_events.id"
    )
    op.execute(
        "UPDATE accounts SET event_sequence = coalesce((SELECT max(sequence)"
        " FROM outgoing_events WHERE outgoing_events.account_id = accounts.id), 0)"
    )


def create_streams() -> None:
    op.create_table(
        "event_streams",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("name", text(1024), nullable=False),
        sa.Column(
            "delivery", text(64), nullable=False, comment="push (RFC 8935) or poll (RFC 8936)"
        ),
        sa.Column("endpoint", text(1024), comment="where events are pushed to"),
        sa.Column(
            "sealed_authorization",
            text(65536),
            comment="the Authorization header of a push, encrypted with the secret key",
        ),
        sa.Column(
            "hash",
            text(64),
            comment="SHA-256 of the token a receiver polls with, hexadecimal",
        ),
        sa.Column("audience", text(1024), nullable=False, comment="who the tokens are for (aud)"),
        sa.Column(
            "wanted",
            json(),
            nullable=False,
            comment="URIs of events, * at the end for any; none: all events",
        ),
        sa.Column("status", text(64), nullable=False),
        sa.Column("problem", text(1024), comment="why the last try failed"),
        sa.Column(
            "cursor",
            sa.BigInteger(),
            nullable=False,
            comment="all events up to this sequence are settled",
        ),
        sa.Column(
            "settled",
            json(),
            nullable=False,
            comment="those after it that a polling receiver has settled",
        ),
        sa.Column(
            "failures", sa.Integer(), nullable=False, comment="tries in a row, of the next event"
        ),
        sa.Column(
            "dead_in_a_row", sa.Integer(), nullable=False, comment="events given up in a row"
        ),
        sa.Column("next_try_at", time()),
        sa.Column("runner", text(36), comment="who pushes, made up at each turn"),
        sa.Column(
            "leased_until",
            time(),
            comment="who has not written by then is gone, and another one may go on",
        ),
        sa.Column("worked_at", time(), nullable=False, comment="when it had its last turn"),
        sa.Column("delivered_at", time(), comment="when the receiver last took an event"),
        sa.Column("created_at", time(), nullable=False),
        sa.CheckConstraint(
            "delivery IN ('push', 'poll')", name=op.f("ck_event_streams_delivery")
        ),
        sa.CheckConstraint(
            "status IN ('enabled', 'paused', 'disabled')", name=op.f("ck_event_streams_status")
        ),
        sa.CheckConstraint(
            "(delivery = 'push') = (endpoint IS NOT NULL)", name=op.f("ck_event_streams_endpoint")
        ),
        sa.CheckConstraint(
            "(delivery = 'poll') = (hash IS NOT NULL)", name=op.f("ck_event_streams_hash")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_event_streams_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_event_streams")),
        sa.UniqueConstraint("hash", name=op.f("uq_event_streams_hash")),
    )


def create_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("stream_id", text(36), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("event_id", text(36), nullable=False),
        sa.Column("type", text(64), nullable=False),
        sa.Column("error", text(1024), nullable=False, comment="what the receiver said of it"),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("died_at", time(), nullable=False),
        sa.Column("asked_again_at", time(), comment="somebody wants it to be tried again"),
        sa.ForeignKeyConstraint(
            ["account_id", "stream_id"],
            ["event_streams.account_id", "event_streams.id"],
            name=op.f("fk_dead_letters_account_id_stream_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "stream_id", "sequence", name=op.f("pk_dead_letters")
        ),
    )
    op.create_index(
        "ix_dead_letters_asked_again",
        "dead_letters",
        ["account_id", "stream_id"],
        sqlite_where=ASKED_AGAIN,
        postgresql_where=ASKED_AGAIN,
    )


def downgrade() -> None:
    op.drop_table("dead_letters")
    op.drop_table("event_streams")
    with op.batch_alter_table("outgoing_events") as batch:
        batch.drop_constraint(op.f("uq_outgoing_events_account_id_sequence"), type_="unique")
        batch.drop_column("sequence")
        batch.add_column(sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("delivered_at", time(), nullable=True))
    with op.batch_alter_table("outgoing_events") as batch:
        batch.alter_column("attempts", existing_type=sa.Integer(), server_default=None)
    op.create_index(
        "ix_outgoing_events_account_id_delivered_at_id",
        "outgoing_events",
        ["account_id", "delivered_at", "id"],
    )
    op.drop_column("accounts", "event_sequence")
