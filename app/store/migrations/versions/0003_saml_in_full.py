"""SAML in full: keys with overlap, logout, domains, traces, applications; background work."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def text(length):
    return sa.String(length).with_variant(sa.VARCHAR(length, collation="C"), "postgresql")


def json():
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def time():
    return sa.DateTime(timezone=True)


def belongs_to(table, parent, column):
    """The foreign key of a row that goes when its parent goes."""
    return sa.ForeignKeyConstraint(
        ["account_id", column],
        [f"{parent}.account_id", f"{parent}.id"],
        name=op.f(f"fk_{table}_account_id_{column}"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    _create_connection_keys()
    _move_keys()
    _create_tables()
    op.create_table(
        "signing_keys",
        sa.Column("id", text(36), nullable=False),
        sa.Column("public", json(), nullable=False, comment="the public key, as a JWK"),
        sa.Column(
            "sealed_key",
            text(65536),
            nullable=False,
            comment="the private key (PEM), encrypted with the secret key",
        ),
        sa.Column("created_at", time(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_keys")),
    )
    op.create_table(
        "jobs",
        sa.Column("name", text(64), nullable=False),
        sa.Column("due_at", time(), nullable=False),
        sa.Column("done_at", time(), nullable=True),
        sa.Column("problem", text(1024), nullable=True, comment="why it failed the last time"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_jobs")),
    )
    _add_columns()


def _create_connection_keys() -> None:
    op.create_table(
        "connection_keys",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("connection_id", text(36), nullable=False),
        sa.Column(
            "state",
            text(64),
            nullable=False,
            comment="next: announced; current: signs; previous: still decrypts",
        ),
        sa.Column("certificate", text(65536), nullable=False, comment="PEM"),
        sa.Column(
            "sealed_key",
            text(65536),
            nullable=False,
            comment="the private key (PEM), encrypted with the secret key",
        ),
        sa.Column("created_at", time(), nullable=False),
        sa.CheckConstraint(
            "state IN ('next', 'current', 'previous')", name=op.f("ck_connection_keys_state")
        ),
        belongs_to("connection_keys", "connections", "connection_id"),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_connection_keys")),
        sa.UniqueConstraint("account_id", "connection_id", "state", name="connection_key_state"),
    )


def _tables():
    """The columns that keys move between, as they are in the middle of it."""
    connections = sa.table(
        "connections",
        sa.column("account_id", text(36)),
        sa.column("id", text(36)),
        sa.column("settings", json()),
        sa.column("sealed_key", text(65536)),
        sa.column("created_at", time()),
    )
    keys = sa.table(
        "connection_keys",
        *(
            sa.column(name, text(36))
            for name in ("account_id", "id", "connection_id", "state", "certificate", "sealed_key")
        ),
        sa.column("created_at", time()),
    )
    return connections, keys


def _move_keys() -> None:
    """The one key of each connection becomes its current one, under the connection's own id."""
    connections, keys = _tables()
    database = op.get_bind()
    found = database.execute(sa.select(connections).where(connections.c.sealed_key.is_not(None)))
    for row in found.mappings().all():
        settings = dict(row["settings"])
        certificate = settings.pop("signing_certificate", "")
        database.execute(
            sa.insert(keys).values(
                account_id=row["account_id"],
                id=row["id"],
                connection_id=row["id"],
                state="current",
                certificate=certificate,
                sealed_key=row["sealed_key"],
                created_at=row["created_at"],
            )
        )
        database.execute(
            sa.update(connections).where(connections.c.id == row["id"]).values(settings=settings)
        )
    op.drop_column("connections", "sealed_key")


def _create_tables() -> None:
    op.create_table(
        "domains",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("domain", text(1024), nullable=False, comment="in lower case"),
        sa.Column("connection_id", text(36), nullable=False),
        sa.Column("created_at", time(), nullable=False),
        belongs_to("domains", "connections", "connection_id"),
        sa.PrimaryKeyConstraint("account_id", "domain", name=op.f("pk_domains")),
    )
    op.create_index("ix_domains_domain", "domains", ["domain"], unique=True)
    op.create_index(
        op.f("ix_domains_account_id_connection_id"), "domains", ["account_id", "connection_id"]
    )
    op.create_table(
        "application_sessions",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("session_id", text(36), nullable=False),
        sa.Column(
            "origin", text(1024), nullable=False, comment="scheme, host and port of the application"
        ),
        sa.Column(
            "hash", text(64), nullable=False, comment="SHA-256 of the code, then of the cookie"
        ),
        sa.Column(
            "path", text(1024), nullable=True, comment="where the link leads; empty: it is used"
        ),
        sa.Column("created_at", time(), nullable=False),
        sa.Column("code_expires_at", time(), nullable=False),
        belongs_to("application_sessions", "sessions", "session_id"),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_application_sessions")),
    )
    op.create_index("ix_application_sessions_hash", "application_sessions", ["hash"], unique=True)
    op.create_index(
        op.f("ix_application_sessions_account_id_session_id"),
        "application_sessions",
        ["account_id", "session_id"],
    )
    op.create_table(
        "saml_traces",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("connection_id", text(36), nullable=False),
        sa.Column("at", time(), nullable=False),
        sa.Column("request_id", text(64), nullable=True, comment="what the person was shown"),
        sa.Column("address", text(64), nullable=True),
        sa.Column("reason", text(1024), nullable=False),
        sa.Column("checks", json(), nullable=False),
        sa.Column("name_id", text(1024), nullable=True, comment="masked"),
        sa.Column("attributes", json(), nullable=False, comment="names, and masked values"),
        belongs_to("saml_traces", "connections", "connection_id"),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_saml_traces")),
    )
    op.create_index(
        op.f("ix_saml_traces_account_id_connection_id_id"),
        "saml_traces",
        ["account_id", "connection_id", "id"],
    )
    op.create_index("ix_saml_traces_at", "saml_traces", ["at"])


def _add_columns() -> None:
    op.add_column(
        "connections",
        sa.Column(
            "checked_at",
            time(),
            nullable=True,
            comment="when its metadata was last fetched, or could not be",
        ),
    )
    op.add_column(
        "connections",
        sa.Column("problem", text(1024), nullable=True, comment="why it could not be fetched"),
    )
    op.add_column(
        "accounts",
        sa.Column(
            "requires_saml",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="people sign in through SAML and in no other way",
        ),
    )
    op.add_column(
        "users",
        sa.Column(
            "break_glass",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="may sign in without SAML where the account requires it",
        ),
    )
    for column in ("name_id_format", "name_qualifier", "sp_name_qualifier"):
        op.add_column("sessions", sa.Column(column, text(1024), nullable=True))
    op.create_index(
        op.f("ix_sessions_account_id_connection_id_name_id"),
        "sessions",
        ["account_id", "connection_id", "name_id"],
    )
    op.add_column(
        "saml_requests",
        sa.Column(
            "kind",
            text(64),
            server_default="sign_in",
            nullable=False,
            comment="sign_in or logout",
        ),
    )


def downgrade() -> None:
    op.execute("DELETE FROM saml_requests WHERE kind <> 'sign_in'")
    op.drop_column("saml_requests", "kind")
    op.drop_index(op.f("ix_sessions_account_id_connection_id_name_id"), "sessions")
    for column in ("name_id_format", "name_qualifier", "sp_name_qualifier"):
        op.drop_column("sessions", column)
    op.drop_column("users", "break_glass")
    op.drop_column("accounts", "requires_saml")
    op.drop_column("connections", "problem")
    op.drop_column("connections", "checked_at")
    for table in ("jobs", "signing_keys", "saml_traces", "application_sessions", "domains"):
        op.drop_table(table)
    op.add_column(
        "connections",
        sa.Column(
            "sealed_key",
            text(65536),
            nullable=True,
            comment="our private key (PEM), encrypted with the secret key",
        ),
    )
    _move_keys_back()
    op.drop_table("connection_keys")


def _move_keys_back() -> None:
    connections, keys = _tables()
    database = op.get_bind()
    current = sa.select(connections.c.settings, keys).join_from(
        connections, keys, connections.c.id == keys.c.connection_id
    )
    for row in database.execute(current.where(keys.c.state == "current")).mappings().all():
        settings = {**row["settings"], "signing_certificate": row["certificate"]}
        database.execute(
            sa.update(connections)
            .where(connections.c.id == row["connection_id"])
            .values(settings=settings, sealed_key=row["sealed_key"])
        )
