"""How somebody signed in last; indexes for people in every order, and for their links."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

SORTED = ("display_name_key", "last_sign_in_at")


def text(length):
    return sa.String(length).with_variant(sa.VARCHAR(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column(
        "users",
        sa.Column("last_sign_in_method", text(64), nullable=True, comment="saml, link or password"),
    )
    op.add_column(
        "users",
        sa.Column(
            "last_sign_in_factor",
            text(64),
            nullable=True,
            comment="totp, passkey, recovery_code or provider; empty: none was used",
        ),
    )
    for column in SORTED:
        op.drop_index(op.f(f"ix_users_account_id_{column}"), "users")
        op.create_index(
            op.f(f"ix_users_account_id_{column}_id"), "users", ["account_id", column, "id"]
        )
    op.create_index(
        op.f("ix_sign_in_links_account_id_user_id"), "sign_in_links", ["account_id", "user_id"]
    )
    _take_over_from_sessions()


def _take_over_from_sessions() -> None:
    """Of those who signed in lately the session still tells how."""
    newest = (
        "FROM sessions WHERE sessions.account_id = users.account_id AND sessions.user_id = users.id"
        " AND sessions.awaits IS NULL ORDER BY sessions.id DESC LIMIT 1"
    )
    op.execute(
        f"UPDATE users SET last_sign_in_method = (SELECT method {newest}),"
        f" last_sign_in_factor = (SELECT second_factor {newest})"
        " WHERE last_sign_in_at IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_sign_in_links_account_id_user_id"), "sign_in_links")
    for column in SORTED:
        op.drop_index(op.f(f"ix_users_account_id_{column}_id"), "users")
        op.create_index(op.f(f"ix_users_account_id_{column}"), "users", ["account_id", column])
    op.drop_column("users", "last_sign_in_factor")
    op.drop_column("users", "last_sign_in_method")
