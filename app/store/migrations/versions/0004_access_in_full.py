"""Access in full: second factors, tombstones, the sealed audit, API tokens, custom roles."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WHOLE = sa.text("sequence IS NULL")


def text(length):
    return sa.String(length).with_variant(sa.VARCHAR(length, collation="C"), "postgresql")


def json():
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def time():
    return sa.DateTime(timezone=True)


def key(name):
    return sa.Column(name, text(36), nullable=False)


def of_account(table):
    return sa.ForeignKeyConstraint(
        ["account_id"],
        ["accounts.id"],
        name=op.f(f"fk_{table}_account_id"),
        ondelete="CASCADE",
    )


def of_user(table):
    return sa.ForeignKeyConstraint(
        ["account_id", "user_id"],
        ["users.account_id", "users.id"],
        name=op.f(f"fk_{table}_account_id_user_id"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    _create_factors()
    _create_tombstones()
    _create_idempotency_keys()
    op.create_table(
        "attempts",
        sa.Column(
            "key",
            text(64),
            nullable=False,
            comment="SHA-256 of what is counted, hexadecimal",
        ),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("wait_until", time(), nullable=False),
        sa.Column("forget_at", time(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_attempts")),
    )
    op.create_index("ix_attempts_forget_at", "attempts", ["forget_at"])
    _add_columns()
    _change_tokens()
    for table, columns in INDEXES:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns)
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index(
        "ix_audit_events_unsealed",
        "audit_events",
        ["account_id", "id"],
        sqlite_where=WHOLE,
        postgresql_where=WHOLE,
    )


INDEXES = (
    ("folders", ["account_id", "name_key"]),
    ("users", ["account_id", "last_sign_in_at"]),
    ("grants", ["account_id", "mapping_id"]),
    ("audit_events", ["account_id", "actor_id", "at"]),
)


def _create_factors() -> None:
    op.create_table(
        "totp_devices",
        key("account_id"),
        key("id"),
        key("user_id"),
        sa.Column("name", text(1024), nullable=False),
        sa.Column(
            "sealed_secret", text(1024), nullable=False, comment="encrypted with the secret key"
        ),
        sa.Column(
            "last_step",
            sa.Integer(),
            nullable=True,
            comment="the last 30 seconds whose digits were used: none are good twice",
        ),
        sa.Column(
            "confirmed_at",
            time(),
            nullable=True,
            comment="empty: its first digits have not been seen yet",
        ),
        sa.Column("created_at", time(), nullable=False),
        sa.Column("last_used_at", time(), nullable=True),
        of_user("totp_devices"),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_totp_devices")),
    )
    op.create_table(
        "passkeys",
        key("account_id"),
        key("id"),
        key("user_id"),
        sa.Column("name", text(1024), nullable=False),
        sa.Column(
            "credential_id",
            text(1024),
            nullable=False,
            comment="base64url, as the device calls it",
        ),
        sa.Column("public_key", text(65536), nullable=False, comment="COSE, base64url"),
        sa.Column("sign_count", sa.Integer(), nullable=False),
        sa.Column("transports", text(1024), nullable=False, comment="comma-separated"),
        sa.Column("created_at", time(), nullable=False),
        sa.Column("last_used_at", time(), nullable=True),
        of_user("passkeys"),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_passkeys")),
    )
    op.create_index("ix_passkeys_credential_id", "passkeys", ["credential_id"], unique=True)
    op.create_table(
        "recovery_codes",
        key("account_id"),
        key("id"),
        key("user_id"),
        sa.Column("hash", text(64), nullable=False, comment="SHA-256 of the code, hexadecimal"),
        sa.Column("created_at", time(), nullable=False),
        sa.Column("used_at", time(), nullable=True),
        of_user("recovery_codes"),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_recovery_codes")),
    )
    for table in ("totp_devices", "passkeys", "recovery_codes"):
        op.create_index(
            op.f(f"ix_{table}_account_id_user_id"), table, ["account_id", "user_id"]
        )


def _create_tombstones() -> None:
    op.create_table(
        "tombstones",
        key("account_id"),
        sa.Column("id", text(36), nullable=False, comment="of what was deleted"),
        sa.Column("type", text(64), nullable=False, comment="user, group or folder"),
        sa.Column("name", text(1024), nullable=False, comment="empty once it is forgotten"),
        sa.Column(
            "content",
            json(),
            nullable=True,
            comment="what it was, with its memberships and grants; empty once it is forgotten",
        ),
        sa.Column("deleted_by", text(1024), nullable=False, comment="name of the actor"),
        sa.Column("deleted_at", time(), nullable=False),
        sa.Column(
            "forget_at",
            time(),
            nullable=True,
            comment="until when it can be restored; empty: no longer",
        ),
        of_account("tombstones"),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_tombstones")),
    )
    op.create_index(
        op.f("ix_tombstones_account_id_type_deleted_at"),
        "tombstones",
        ["account_id", "type", "deleted_at"],
    )
    op.create_index("ix_tombstones_forget_at", "tombstones", ["forget_at"])


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        key("account_id"),
        sa.Column("caller_id", text(36), nullable=False, comment="token or user"),
        sa.Column(
            "key_hash", text(64), nullable=False, comment="SHA-256 of the key, hexadecimal"
        ),
        sa.Column("fingerprint", text(64), nullable=False, comment="SHA-256 of what was asked"),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("location", text(1024), nullable=True),
        sa.Column("etag", text(64), nullable=True),
        sa.Column("body", json(), nullable=False, comment="without secrets"),
        sa.Column("created_at", time(), nullable=False),
        of_account("idempotency_keys"),
        sa.PrimaryKeyConstraint(
            "account_id", "caller_id", "key_hash", name=op.f("pk_idempotency_keys")
        ),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def _flag(name, comment):
    return sa.Column(
        name, sa.Boolean(), server_default=sa.false(), nullable=False, comment=comment
    )


def _columns():
    """The columns that come, each with its table."""
    yield (
        "accounts",
        _flag("requires_second_factor", "everyone proves with a second factor who they are"),
    )
    yield (
        "accounts",
        sa.Column(
            "audit_sequence",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="place of the last event in the sealed chain",
        ),
    )
    yield (
        "accounts",
        sa.Column("audit_seal", text(64), nullable=True, comment="seal of that event"),
    )
    yield (
        "address_rules",
        sa.Column(
            "created_by",
            text(1024),
            server_default=sa.text("''"),
            nullable=False,
            comment="name of the actor",
        ),
    )
    yield "users", sa.Column("password_changed_at", time(), nullable=True)
    yield "roles", sa.Column("description", text(1024), server_default=sa.text("''"), nullable=False)
    yield (
        "roles",
        _flag(
            "requires_second_factor", "who holds it proves with a second factor who they are"
        ),
    )
    yield "roles", sa.Column("version", sa.Integer(), server_default="1", nullable=False)
    yield (
        "roles",
        sa.Column(
            "updated_at", time(), nullable=True, comment="empty: not since it was made"
        ),
    )
    yield (
        "sessions",
        sa.Column(
            "awaits",
            text(64),
            nullable=True,
            comment="second_factor or enrolment: it is no sign-in before that; empty: nothing",
        ),
    )
    yield (
        "sessions",
        sa.Column(
            "second_factor",
            text(64),
            nullable=True,
            comment="totp, passkey, recovery_code or provider; empty: none was used",
        ),
    )
    yield (
        "sessions",
        sa.Column(
            "challenge",
            text(64),
            nullable=True,
            comment="what a passkey is to sign, once (WebAuthn)",
        ),
    )
    yield "sessions", sa.Column("challenge_expires_at", time(), nullable=True)
    yield (
        "sign_in_links",
        sa.Column(
            "purpose",
            text(64),
            server_default="sign_in",
            nullable=False,
            comment="sign_in, invitation or reset",
        ),
    )


def _add_columns() -> None:
    for table, column in _columns():
        op.add_column(table, column)


def _change_tokens() -> None:
    """A token of the API belongs to no connection."""
    with op.batch_alter_table("tokens") as batch:
        batch.add_column(
            sa.Column("surface", text(64), server_default="scim", nullable=False)
        )
        batch.alter_column(
            "connection_id",
            existing_type=text(36),
            nullable=True,
            comment="empty: it is for the API",
        )
        batch.create_check_constraint(
            op.f("ck_tokens_surface"), "surface IN ('scim', 'api')"
        )
        batch.create_check_constraint(
            op.f("ck_tokens_connection"),
            "(surface = 'scim') = (connection_id IS NOT NULL)",
        )


def downgrade() -> None:
    op.execute("DELETE FROM tokens WHERE surface <> 'scim'")
    with op.batch_alter_table("tokens") as batch:
        batch.drop_constraint(op.f("ck_tokens_connection"), type_="check")
        batch.drop_constraint(op.f("ck_tokens_surface"), type_="check")
        batch.alter_column("connection_id", existing_type=text(36), nullable=False, comment=None)
        batch.drop_column("surface")
    op.drop_index("ix_audit_events_unsealed", "audit_events")
    op.drop_index("ix_sessions_expires_at", "sessions")
    for table, columns in INDEXES:
        op.drop_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table)
    # A session that still waits for its second factor, or a link to set a password, must not
    # become a whole one.
    op.execute("DELETE FROM sessions WHERE awaits IS NOT NULL")
    op.execute("DELETE FROM sign_in_links WHERE purpose <> 'sign_in'")
    for table, column in reversed(list(_columns())):
        op.drop_column(table, column.name)
    for table in (
        "attempts",
        "idempotency_keys",
        "tombstones",
        "recovery_codes",
        "passkeys",
        "totp_devices",
    ):
        op.drop_table(table)
