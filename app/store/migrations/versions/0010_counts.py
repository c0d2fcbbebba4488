"""How many users and groups an account has, so that a list need not count them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMNS = {
    "user_count": "how many users it has",
    "group_count": "how many groups it has",
    "list_version": "grows when a user or group is added or removed",
}


def upgrade() -> None:
    for name, comment in COLUMNS.items():
        column = sa.Column(
            name, sa.Integer(), server_default="0", nullable=False, comment=comment
        )
        op.add_column("accounts", column)
    op.execute(
        "UPDATE accounts SET"
        " user_count = (SELECT COUNT(*) FROM users WHERE users.account_id = accounts.id),"
        " group_count = (SELECT COUNT(*) FROM groups WHERE groups.account_id = accounts.id)"
    )


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("accounts", name)
