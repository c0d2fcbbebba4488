"""The whole model."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def text(length):
    return sa.String(length).with_variant(sa.VARCHAR(length, collation="C"), "postgresql")


def json():
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", text(36), nullable=False),
        sa.Column("name", text(1024), nullable=False),
        sa.Column("name_key", text(1024), nullable=False, comment="name, for comparison"),
        sa.Column(
            "access_epoch",
            sa.Integer(),
            nullable=False,
            comment="grows with every write that can change who may do what",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("name_key", name=op.f("uq_accounts_name_key")),
    )
    op.create_table(
        "address_rules",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("surface", text(64), nullable=False),
        sa.Column("network", text(64), nullable=False, comment="CIDR, IPv4 or IPv6"),
        sa.Column("note", text(1024), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "surface IN ('console', 'api', 'scim')", name=op.f("ck_address_rules_surface")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_address_rules_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_address_rules")),
    )
    with op.batch_alter_table("address_rules", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_address_rules_account_id_surface"),
            ["account_id", "surface"],
            unique=False,
        )

    op.create_table(
        "audit_events",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", text(64), nullable=False, comment="such as user.deactivated"),
        sa.Column("outcome", text(64), nullable=False),
        sa.Column("reason", text(1024), nullable=False, comment="why it was refused"),
        sa.Column(
            "actor_type", text(64), nullable=False, comment="user, token, connection or system"
        ),
        sa.Column("actor_id", text(36), nullable=True),
        sa.Column("actor_name", text(1024), nullable=False),
        sa.Column("surface", text(64), nullable=False, comment="scim, saml, console, api or cli"),
        sa.Column("target_type", text(64), nullable=False),
        sa.Column("target_id", text(36), nullable=True),
        sa.Column("target_name", text(1024), nullable=False),
        sa.Column("before", json(), nullable=True),
        sa.Column("after", json(), nullable=True),
        sa.Column("address", text(64), nullable=True),
        sa.Column("request_id", text(64), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True, comment="place in the sealed chain"),
        sa.Column("seal", text(64), nullable=True, comment="hash over this row and the one before"),
        sa.CheckConstraint(
            "outcome IN ('success', 'refused')", name=op.f("ck_audit_events_outcome")
        ),
        sa.CheckConstraint(
            "(sequence IS NULL) = (seal IS NULL)", name=op.f("ck_audit_events_sealed")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_audit_events_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_audit_events")),
        sa.UniqueConstraint("account_id", "sequence", name="audit_sequence"),
    )
    with op.batch_alter_table("audit_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_audit_events_account_id_at"), ["account_id", "at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_audit_events_account_id_target_type_target_id_at"),
            ["account_id", "target_type", "target_id", "at"],
            unique=False,
        )

    op.create_table(
        "connections",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("kind", text(64), nullable=False),
        sa.Column("name", text(1024), nullable=False),
        sa.Column("name_key", text(1024), nullable=False, comment="name, for comparison"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("settings", json(), nullable=False),
        sa.Column(
            "sealed_key",
            text(65536),
            nullable=True,
            comment="our private key (PEM), encrypted with the secret key",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('scim', 'saml')", name=op.f("ck_connections_kind")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_connections_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_connections")),
        sa.UniqueConstraint("account_id", "name_key", name="connection_name"),
    )
    with op.batch_alter_table("connections", schema=None) as batch_op:
        batch_op.create_index("ix_connections_id", ["id"], unique=True)

    op.create_table(
        "folders",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("parent_id", text(36), nullable=True),
        sa.Column("name", text(1024), nullable=False),
        sa.Column("name_key", text(1024), nullable=False, comment="name, for comparison"),
        sa.Column(
            "restricted",
            sa.Boolean(),
            nullable=False,
            comment="grants above this folder do not reach it",
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id <> parent_id", name=op.f("ck_folders_not_in_itself")),
        sa.ForeignKeyConstraint(
            ["account_id", "parent_id"],
            ["folders.account_id", "folders.id"],
            name=op.f("fk_folders_account_id_parent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_folders_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_folders")),
        sa.UniqueConstraint("account_id", "parent_id", "name_key", name="folder_name"),
    )
    with op.batch_alter_table("folders", schema=None) as batch_op:
        batch_op.create_index(
            "ix_folders_one_root",
            ["account_id"],
            unique=True,
            sqlite_where=sa.text("parent_id IS NULL"),
            postgresql_where=sa.text("parent_id IS NULL"),
        )

    op.create_table(
        "outgoing_events",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", text(64), nullable=False),
        sa.Column("payload", json(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_outgoing_events_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_outgoing_events")),
    )
    with op.batch_alter_table("outgoing_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_outgoing_events_account_id_delivered_at_id"),
            ["account_id", "delivered_at", "id"],
            unique=False,
        )

    op.create_table(
        "roles",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("scope", text(64), nullable=False),
        sa.Column("name", text(1024), nullable=False),
        sa.Column("name_key", text(1024), nullable=False, comment="name, for comparison"),
        sa.Column("built_in", sa.Boolean(), nullable=False),
        sa.Column(
            "permissions",
            json(),
            nullable=False,
            comment="actions of a custom role; empty for a built-in one",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("scope IN ('account', 'folder')", name=op.f("ck_roles_scope")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_roles_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_roles")),
        sa.UniqueConstraint("account_id", "scope", "name_key", name="role_name"),
    )
    op.create_table(
        "folder_closure",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("descendant_id", text(36), nullable=False),
        sa.Column("ancestor_id", text(36), nullable=False),
        sa.Column("depth", sa.Integer(), nullable=False),
        sa.CheckConstraint("depth >= 0", name=op.f("ck_folder_closure_depth")),
        sa.ForeignKeyConstraint(
            ["account_id", "ancestor_id"],
            ["folders.account_id", "folders.id"],
            name=op.f("fk_folder_closure_account_id_ancestor_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "descendant_id"],
            ["folders.account_id", "folders.id"],
            name=op.f("fk_folder_closure_account_id_descendant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "descendant_id", "ancestor_id", name=op.f("pk_folder_closure")
        ),
    )
    with op.batch_alter_table("folder_closure", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_folder_closure_account_id_ancestor_id_descendant_id"),
            ["account_id", "ancestor_id", "descendant_id"],
            unique=False,
        )

    op.create_table(
        "groups",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("display_name", text(1024), nullable=False),
        sa.Column("display_name_key", text(1024), nullable=False, comment="for comparison"),
        sa.Column("external_id", text(1024), nullable=True),
        sa.Column("attributes", json(), nullable=False),
        sa.Column("origin", text(64), nullable=False),
        sa.Column("connection_id", text(36), nullable=True, comment="who provisioned it"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("origin IN ('manual', 'scim', 'saml')", name=op.f("ck_groups_origin")),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            name=op.f("fk_groups_account_id_connection_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_groups_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_groups")),
    )
    with op.batch_alter_table("groups", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_groups_account_id_display_name_key"),
            ["account_id", "display_name_key"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_groups_account_id_external_id"),
            ["account_id", "external_id"],
            unique=False,
        )

    op.create_table(
        "mappings",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column(
            "connection_id",
            text(36),
            nullable=True,
            comment="only groups of this connection; empty: of any",
        ),
        sa.Column("match_by", text(64), nullable=False),
        sa.Column("match_key", text(1024), nullable=False, comment="what to match, for comparison"),
        sa.Column(
            "match_value", text(1024), nullable=False, comment="what to match, as it was given"
        ),
        sa.Column("role_id", text(36), nullable=False),
        sa.Column("folder_id", text(36), nullable=True, comment="empty: a role on the account"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "match_by IN ('display_name', 'external_id')", name=op.f("ck_mappings_match_by")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            name=op.f("fk_mappings_account_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "folder_id"],
            ["folders.account_id", "folders.id"],
            name=op.f("fk_mappings_account_id_folder_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "role_id"],
            ["roles.account_id", "roles.id"],
            name=op.f("fk_mappings_account_id_role_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_mappings_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_mappings")),
    )
    with op.batch_alter_table("mappings", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_mappings_account_id_match_by_match_key"),
            ["account_id", "match_by", "match_key"],
            unique=False,
        )

    op.create_table(
        "saml_assertions",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("connection_id", text(36), nullable=False),
        sa.Column("assertion_id", text(1024), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            name=op.f("fk_saml_assertions_account_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "connection_id", "assertion_id", name=op.f("pk_saml_assertions")
        ),
    )
    with op.batch_alter_table("saml_assertions", schema=None) as batch_op:
        batch_op.create_index("ix_saml_assertions_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "saml_requests",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("connection_id", text(36), nullable=False),
        sa.Column("request_id", text(1024), nullable=False),
        sa.Column(
            "browser_hash",
            text(64),
            nullable=True,
            comment="SHA-256 of the cookie of the browser that asked, if it keeps one",
        ),
        sa.Column("relay_state", text(1024), nullable=False, comment="path to return to"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            name=op.f("fk_saml_requests_account_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "connection_id", "request_id", name=op.f("pk_saml_requests")
        ),
    )
    with op.batch_alter_table("saml_requests", schema=None) as batch_op:
        batch_op.create_index("ix_saml_requests_expires_at", ["expires_at"], unique=False)

    op.create_table(
        "tokens",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("connection_id", text(36), nullable=False),
        sa.Column("name", text(1024), nullable=False),
        sa.Column(
            "prefix", text(64), nullable=False, comment="start of the token, to recognise it by"
        ),
        sa.Column("hash", text(64), nullable=False, comment="SHA-256 of the token, hexadecimal"),
        sa.Column("scopes", json(), nullable=False),
        sa.Column("networks", json(), nullable=False, comment="CIDR; empty: any address"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            name=op.f("fk_tokens_account_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_tokens")),
    )
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_tokens_account_id_connection_id"),
            ["account_id", "connection_id"],
            unique=False,
        )
        batch_op.create_index("ix_tokens_hash", ["hash"], unique=True)

    op.create_table(
        "users",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("user_name", text(1024), nullable=False),
        sa.Column("user_name_key", text(1024), nullable=False, comment="user_name, for comparison"),
        sa.Column("external_id", text(1024), nullable=True),
        sa.Column("display_name", text(1024), nullable=True),
        sa.Column("display_name_key", text(1024), nullable=True, comment="for comparison"),
        sa.Column(
            "active",
            sa.Boolean(),
            nullable=True,
            comment="empty: a provider removed it; that is not active",
        ),
        sa.Column("password_hash", text(1024), nullable=True, comment="argon2id"),
        sa.Column("attributes", json(), nullable=False),
        sa.Column("origin", text(64), nullable=False),
        sa.Column("connection_id", text(36), nullable=True, comment="who provisioned it"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_sign_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("origin IN ('manual', 'scim', 'saml')", name=op.f("ck_users_origin")),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            name=op.f("fk_users_account_id_connection_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_users_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_users")),
        sa.UniqueConstraint("account_id", "user_name_key", name="user_name"),
    )
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_users_account_id_display_name_key"),
            ["account_id", "display_name_key"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_users_account_id_external_id"),
            ["account_id", "external_id"],
            unique=False,
        )

    op.create_table(
        "grants",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("user_id", text(36), nullable=True),
        sa.Column("group_id", text(36), nullable=True),
        sa.Column("role_id", text(36), nullable=False),
        sa.Column("folder_id", text(36), nullable=True, comment="empty: a role on the account"),
        sa.Column("origin", text(64), nullable=False),
        sa.Column("mapping_id", text(36), nullable=True),
        sa.Column("granted_by", text(1024), nullable=False, comment="name of the actor"),
        sa.Column("reason", text(1024), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(origin = 'mapping') = (mapping_id IS NOT NULL)", name=op.f("ck_grants_mapping")
        ),
        sa.CheckConstraint(
            "origin IN ('manual', 'mapping', 'scim', 'saml')", name=op.f("ck_grants_origin")
        ),
        sa.CheckConstraint(
            "(user_id IS NULL) <> (group_id IS NULL)", name=op.f("ck_grants_one_principal")
        ),
        sa.CheckConstraint(
            "not_before IS NULL OR not_before < expires_at", name=op.f("ck_grants_period")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "folder_id"],
            ["folders.account_id", "folders.id"],
            name=op.f("fk_grants_account_id_folder_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "group_id"],
            ["groups.account_id", "groups.id"],
            name=op.f("fk_grants_account_id_group_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "mapping_id"],
            ["mappings.account_id", "mappings.id"],
            name=op.f("fk_grants_account_id_mapping_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "role_id"],
            ["roles.account_id", "roles.id"],
            name=op.f("fk_grants_account_id_role_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["users.account_id", "users.id"],
            name=op.f("fk_grants_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_grants_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_grants")),
    )
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_grants_account_id_folder_id"), ["account_id", "folder_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_grants_account_id_group_id_folder_id"),
            ["account_id", "group_id", "folder_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_grants_account_id_user_id_folder_id"),
            ["account_id", "user_id", "folder_id"],
            unique=False,
        )
    op.create_index(
        "ix_grants_once",
        "grants",
        [
            "account_id",
            sa.text("coalesce(user_id, group_id)"),
            "role_id",
            sa.text("coalesce(folder_id, '')"),
            "origin",
            sa.text("coalesce(mapping_id, '')"),
        ],
        unique=True,
    )

    op.create_table(
        "memberships",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("group_id", text(36), nullable=False),
        sa.Column("user_id", text(36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "group_id"],
            ["groups.account_id", "groups.id"],
            name=op.f("fk_memberships_account_id_group_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["users.account_id", "users.id"],
            name=op.f("fk_memberships_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "group_id", "user_id", name=op.f("pk_memberships")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_memberships_account_id_user_id_group_id"),
            ["account_id", "user_id", "group_id"],
            unique=False,
        )

    op.create_table(
        "nested_groups",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("group_id", text(36), nullable=False),
        sa.Column("member_id", text(36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("group_id <> member_id", name=op.f("ck_nested_groups_not_in_itself")),
        sa.ForeignKeyConstraint(
            ["account_id", "group_id"],
            ["groups.account_id", "groups.id"],
            name=op.f("fk_nested_groups_account_id_group_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "member_id"],
            ["groups.account_id", "groups.id"],
            name=op.f("fk_nested_groups_account_id_member_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "group_id", "member_id", name=op.f("pk_nested_groups")
        ),
    )
    with op.batch_alter_table("nested_groups", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_nested_groups_account_id_member_id_group_id"),
            ["account_id", "member_id", "group_id"],
            unique=False,
        )

    op.create_table(
        "sessions",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("user_id", text(36), nullable=False),
        sa.Column("connection_id", text(36), nullable=True),
        sa.Column("hash", text(64), nullable=False, comment="SHA-256 of the cookie, hexadecimal"),
        sa.Column("method", text(64), nullable=False, comment="saml, link, …"),
        sa.Column("name_id", text(1024), nullable=True),
        sa.Column("session_index", text(1024), nullable=True),
        sa.Column("address", text(64), nullable=True),
        sa.Column("user_agent", text(1024), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connections.account_id", "connections.id"],
            name=op.f("fk_sessions_account_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["users.account_id", "users.id"],
            name=op.f("fk_sessions_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sessions_account_id_user_id"), ["account_id", "user_id"], unique=False
        )
        batch_op.create_index("ix_sessions_hash", ["hash"], unique=True)

    op.create_table(
        "sign_in_links",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("id", text(36), nullable=False),
        sa.Column("user_id", text(36), nullable=False),
        sa.Column(
            "hash", text(64), nullable=False, comment="SHA-256 of the link's secret, hexadecimal"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["users.account_id", "users.id"],
            name=op.f("fk_sign_in_links_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_sign_in_links")),
    )
    with op.batch_alter_table("sign_in_links", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_links_hash", ["hash"], unique=True)

    op.create_table(
        "user_values",
        sa.Column("account_id", text(36), nullable=False),
        sa.Column("user_id", text(36), nullable=False),
        sa.Column("attribute", text(64), nullable=False, comment="SCIM name: emails, …"),
        sa.Column("position", sa.Integer(), nullable=False, comment="place in the list, from 0"),
        sa.Column("value", text(65536), nullable=True),
        sa.Column("value_key", text(1024), nullable=True, comment="value, for comparison"),
        sa.Column("type", text(1024), nullable=True),
        sa.Column("display", text(1024), nullable=True),
        sa.Column("primary", sa.Boolean(), nullable=True),
        sa.Column(
            "extra",
            json(),
            nullable=True,
            comment="other sub-attributes by their SCIM names, such as those of addresses",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["users.account_id", "users.id"],
            name=op.f("fk_user_values_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "user_id", "attribute", "position", name=op.f("pk_user_values")
        ),
    )
    with op.batch_alter_table("user_values", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_user_values_account_id_attribute_value_key"),
            ["account_id", "attribute", "value_key"],
            unique=False,
        )


def downgrade() -> None:
    with op.batch_alter_table("user_values", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_values_account_id_attribute_value_key"))

    op.drop_table("user_values")
    with op.batch_alter_table("sign_in_links", schema=None) as batch_op:
        batch_op.drop_index("ix_sign_in_links_hash")

    op.drop_table("sign_in_links")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index("ix_sessions_hash")
        batch_op.drop_index(batch_op.f("ix_sessions_account_id_user_id"))

    op.drop_table("sessions")
    with op.batch_alter_table("nested_groups", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_nested_groups_account_id_member_id_group_id"))

    op.drop_table("nested_groups")
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_memberships_account_id_user_id_group_id"))

    op.drop_table("memberships")
    op.drop_index("ix_grants_once", "grants")
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_grants_account_id_user_id_folder_id"))
        batch_op.drop_index(batch_op.f("ix_grants_account_id_group_id_folder_id"))
        batch_op.drop_index(batch_op.f("ix_grants_account_id_folder_id"))

    op.drop_table("grants")
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_users_account_id_external_id"))
        batch_op.drop_index(batch_op.f("ix_users_account_id_display_name_key"))

    op.drop_table("users")
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.drop_index("ix_tokens_hash")
        batch_op.drop_index(batch_op.f("ix_tokens_account_id_connection_id"))

    op.drop_table("tokens")
    with op.batch_alter_table("saml_requests", schema=None) as batch_op:
        batch_op.drop_index("ix_saml_requests_expires_at")

    op.drop_table("saml_requests")
    with op.batch_alter_table("saml_assertions", schema=None) as batch_op:
        batch_op.drop_index("ix_saml_assertions_expires_at")

    op.drop_table("saml_assertions")
    with op.batch_alter_table("mappings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mappings_account_id_match_by_match_key"))

    op.drop_table("mappings")
    with op.batch_alter_table("groups", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_groups_account_id_external_id"))
        batch_op.drop_index(batch_op.f("ix_groups_account_id_display_name_key"))

    op.drop_table("groups")
    with op.batch_alter_table("folder_closure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_folder_closure_account_id_ancestor_id_descendant_id"))

    op.drop_table("folder_closure")
    op.drop_table("roles")
    with op.batch_alter_table("outgoing_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outgoing_events_account_id_delivered_at_id"))

    op.drop_table("outgoing_events")
    with op.batch_alter_table("folders", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_folders_one_root",
            sqlite_where=sa.text("parent_id IS NULL"),
            postgresql_where=sa.text("parent_id IS NULL"),
        )

    op.drop_table("folders")
    with op.batch_alter_table("connections", schema=None) as batch_op:
        batch_op.drop_index("ix_connections_id")

    op.drop_table("connections")
    with op.batch_alter_table("audit_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_events_account_id_target_type_target_id_at"))
        batch_op.drop_index(batch_op.f("ix_audit_events_account_id_at"))

    op.drop_table("audit_events")
    with op.batch_alter_table("address_rules", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_address_rules_account_id_surface"))

    op.drop_table("address_rules")
    op.drop_table("accounts")
