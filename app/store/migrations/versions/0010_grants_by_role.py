"""Who holds a role, without reading every grant of the account."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NAME = "ix_grants_account_id_role_id"


def upgrade() -> None:
    op.create_index(op.f(NAME), "grants", ["account_id", "role_id"])


def downgrade() -> None:
    op.drop_index(op.f(NAME), "grants")
