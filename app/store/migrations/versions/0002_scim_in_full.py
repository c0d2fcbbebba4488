"""SCIM in full: declared schemas, OAuth clients, the provisioning log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MATCH_BY = "match_by IN ('display_name', 'external_id', 'role', 'entitlement')"
MATCH_BY_BEFORE = "match_by IN ('display_name', 'external_id')"


def text(length):
    return sa.String(length).with_variant(sa.VARCHAR(length, collation="C"), "postgresql")


def json():
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "declared_schemas",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("urn", text(1024), nullable=False),
        sa.Column("resource", text(64), nullable=False, comment="what it extends: User or Group"),
        sa.Column("name", text(1024), nullable=False),
        sa.Column("attributes", json(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "resource IN ('User', 'Group')", name=op.f("ck_declared_schemas_resource")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_declared_schemas_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "urn", name=op.f("pk_declared_schemas")),
    )
    op.create_table(
        "provisioning_log",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("connection_id", text(36), nullable=True),
        sa.Column("actor_id", text(36), nullable=True, comment="the token"),
        sa.Column("actor_name", text(1024), nullable=False),
        sa.Column("address", text(64), nullable=True),
        sa.Column("user_agent", text(1024), nullable=False),
        sa.Column("request_id", text(64), nullable=True),
        sa.Column("method", text(64), nullable=False),
        sa.Column(
            "path", text(1024), nullable=False, comment="under the SCIM root, with the filter"
        ),
        sa.Column("resource_type", text(64), nullable=True, comment="User, Group, …"),
        sa.Column("resource_id", text(36), nullable=True),
        sa.Column("resource_name", text(1024), nullable=True, comment="userName or displayName"),
        sa.Column("resource_key", text(1024), nullable=True, comment="the name, for comparison"),
        sa.Column("status", sa.Integer(), nullable=False, comment="HTTP status of the answer"),
        sa.Column("scim_type", text(64), nullable=True),
        sa.Column("detail", text(1024), nullable=True, comment="what the answer said was wrong"),
        sa.Column(
            "notes",
            json(),
            nullable=False,
            comment="what was read otherwise than sent, such as unknown attributes",
        ),
        sa.Column(
            "duration_us", sa.Integer(), nullable=False, comment="microseconds until it was decided"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_provisioning_log_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_provisioning_log")),
    )
    with op.batch_alter_table("provisioning_log") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_provisioning_log_account_id_connection_id_id"),
            ["account_id", "connection_id", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_provisioning_log_account_id_resource_id_id"),
            ["account_id", "resource_id", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_provisioning_log_account_id_resource_key_id"),
            ["account_id", "resource_key", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_provisioning_log_failures",
            ["account_id", "id"],
            unique=False,
            sqlite_where=sa.text("status >= 400"),
            postgresql_where=sa.text("status >= 400"),
        )

    op.create_table(
        "oauth_clients",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("connection_id", text(36), nullable=False),
        sa.Column("name", text(1024), nullable=False),
        sa.Column("hash", text(64), nullable=False, comment="SHA-256 of the secret, hexadecimal"),
        sa.Column("previous_hash", text(64), nullable=True, comment="of the secret it replaced"),
        sa.Column("previous_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scopes", json(), nullable=False),
        sa.Column("networks", json(), nullable=False, comment="CIDR; empty: any address"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            name=op.f("fk_oauth_clients_account_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_oauth_clients")),
    )
    with op.batch_alter_table("oauth_clients") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_oauth_clients_account_id_connection_id"),
            ["account_id", "connection_id"],
            unique=False,
        )
        batch_op.create_index("ix_oauth_clients_id", ["id"], unique=True)

    with op.batch_alter_table("accounts") as batch_op:
        batch_op.add_column(
            sa.Column(
                "scim_epoch",
                sa.Integer(),
                server_default="0",
                nullable=False,
                comment="grows when its SCIM schemas change",
            )
        )
        batch_op.add_column(
            sa.Column(
                "keeps_unknown",
                sa.Boolean(),
                server_default=sa.false(),
                nullable=False,
                comment="attributes no schema declares are kept, not ignored",
            )
        )

    with op.batch_alter_table("audit_events") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_audit_events_account_id_request_id"),
            ["account_id", "request_id"],
            unique=False,
        )

    with op.batch_alter_table("folders") as batch_op:
        batch_op.add_column(
            sa.Column("external_id", text(1024), nullable=True, comment="the provider's id of it")
        )
        batch_op.create_index(
            batch_op.f("ix_folders_account_id_external_id"),
            ["account_id", "external_id"],
            unique=False,
        )

    with op.batch_alter_table("grants") as batch_op:
        batch_op.add_column(
            sa.Column("external_id", text(1024), nullable=True, comment="the provider's id of it")
        )
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column(
                "updated_at",
                sa.DateTime(timezone=True),
                nullable=True,
                comment="empty: not since it was made",
            ))
    with op.batch_alter_table("mappings") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_mappings_match_by"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_mappings_match_by"), MATCH_BY)
        batch_op.alter_column(
            "connection_id",
            existing_type=text(36),
            existing_nullable=True,
            existing_comment="only groups of this connection; empty: of any",
            comment="only what came through this connection; empty: any",
        )

    with op.batch_alter_table("groups") as batch_op:
        batch_op.add_column(
            sa.Column(
                "undeclared",
                json(),
                nullable=True,
                comment="attributes no schema declares, where the account keeps them",
            )
        )

    with op.batch_alter_table("tokens") as batch_op:
        batch_op.add_column(
            sa.Column(
                "client_id", text(36), nullable=True, comment="the OAuth client it was issued to"
            )
        )
        batch_op.create_index(
            batch_op.f("ix_tokens_account_id_client_id_expires_at"),
            ["account_id", "client_id", "expires_at"],
            unique=False,
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_tokens_account_id_client_id"),
            "oauth_clients",
            ["account_id", "client_id"],
            ["account_id", "id"],
            ondelete="CASCADE",
        )

    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(
            sa.Column(
                "undeclared",
                json(),
                nullable=True,
                comment="attributes no schema declares, where the account keeps them",
            )
        )


def downgrade() -> None:
    op.execute("DELETE FROM mappings WHERE match_by IN ('role', 'entitlement')")
    with op.batch_alter_table("mappings") as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_mappings_match_by"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_mappings_match_by"), MATCH_BY_BEFORE)

    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_column("undeclared")

    with op.batch_alter_table("tokens") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_tokens_account_id_client_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_tokens_account_id_client_id_expires_at"))
        batch_op.drop_column("client_id")

    with op.batch_alter_table("groups") as batch_op:
        batch_op.drop_column("undeclared")

    # Not in a batch: SQLite would rebuild the table, and lose its index on expressions.
    for column in ("updated_at", "version", "external_id"):
        op.drop_column("grants", column)

    with op.batch_alter_table("folders") as batch_op:
        batch_op.drop_index(batch_op.f("ix_folders_account_id_external_id"))
        batch_op.drop_column("external_id")

    with op.batch_alter_table("audit_events") as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_events_account_id_request_id"))

    with op.batch_alter_table("accounts") as batch_op:
        batch_op.drop_column("keeps_unknown")
        batch_op.drop_column("scim_epoch")

    with op.batch_alter_table("oauth_clients") as batch_op:
        batch_op.drop_index("ix_oauth_clients_id")
        batch_op.drop_index(batch_op.f("ix_oauth_clients_account_id_connection_id"))

    op.drop_table("oauth_clients")
    with op.batch_alter_table("provisioning_log") as batch_op:
        batch_op.drop_index(
            "ix_provisioning_log_failures",
            sqlite_where=sa.text("status >= 400"),
            postgresql_where=sa.text("status >= 400"),
        )
        batch_op.drop_index(batch_op.f("ix_provisioning_log_account_id_resource_key_id"))
        batch_op.drop_index(batch_op.f("ix_provisioning_log_account_id_resource_id_id"))
        batch_op.drop_index(batch_op.f("ix_provisioning_log_account_id_connection_id_id"))

    op.drop_table("provisioning_log")
    op.drop_table("declared_schemas")
