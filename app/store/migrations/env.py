"""How Alembic reaches the database: through the application that is running it."""

from alembic import context

import app.store.models  # noqa: F401 - the tables must be known
from app.store.database import db, keys_unchecked

with db.engine.connect().execution_options(gatehouse_write=True) as connection:
    context.configure(connection=connection, target_metadata=db.metadata, render_as_batch=True)
    with keys_unchecked(connection), context.begin_transaction():
        context.run_migrations()
