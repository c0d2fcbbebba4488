"""The migrations make exactly the tables of the models, on both databases."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import check, downgrade
from sqlalchemy import CheckConstraint, inspect, text
from sqlalchemy.exc import IntegrityError

from app.directory import connection_keys, connections, mappings
from app.store.database import db, upgrade_database, use_migrations
from app.store.models import Connection, ConnectionKey, Grant
from tests.conftest import write
from tests.factories import a_grant, a_group, a_user
from tests.inspection import row

# SQLite cannot tell Alembic about indexes on expressions; the last tests here prove ours.
pytestmark = [
    pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based"),
    pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index"),
]


@pytest.fixture(autouse=True)
def migrations(app):
    use_migrations()


def test_models_and_migrations_agree(app):
    check()  # `alembic check`: exits when a migration is missing


def test_they_agree_in_types_and_defaults_too(app):
    with db.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, db.metadata) == []


def test_every_table_and_column_is_there(app):
    inspector = inspect(db.engine)
    tables = set(inspector.get_table_names()) - {"alembic_version"}
    assert tables == {table.name for table in db.metadata.sorted_tables}
    for table in db.metadata.sorted_tables:
        columns = {each["name"]: each["nullable"] for each in inspector.get_columns(table.name)}
        assert columns == {each.name: each.nullable for each in table.columns}
        indexes = {each["name"] for each in inspector.get_indexes(table.name)}
        if db.engine.dialect.name == "postgresql":
            assert indexes >= {each.name for each in table.indexes}


OF_THE_INSTALLATION = {"attempts", "jobs", "request_counts", "signing_keys"}


def test_every_table_starts_its_key_with_the_account():
    for table in db.metadata.sorted_tables:
        if table.name in OF_THE_INSTALLATION:
            continue
        first = next(iter(table.primary_key.columns)).name
        assert first == ("id" if table.name == "accounts" else "account_id")


def test_checks_of_the_models_are_in_the_database(app):
    """Alembic does not compare check constraints, so they are compared here."""
    inspector = inspect(db.engine)
    for table in db.metadata.sorted_tables:
        expected = {each.name for each in table.constraints if isinstance(each, CheckConstraint)}
        stored = {each["name"] for each in inspector.get_check_constraints(table.name)}
        assert stored == {str(name) for name in expected}, table.name


def test_a_grant_exists_once(account):
    """The index on expressions, which Alembic cannot compare on SQLite."""
    a_grant(account, a_user(account), "reports")
    copy = dict(row(Grant)._mapping) | {"id": "another"}
    with pytest.raises(IntegrityError), write(account):
        db.session.execute(Grant.__table__.insert(), [copy])


def test_upgrading_again_changes_nothing(account):
    upgrade_database()
    assert db.session.execute(text("SELECT count(*) FROM accounts")).scalar() == 1


def test_down_and_up_again(app):
    downgrade(revision="base")
    assert inspect(db.engine).get_table_names() == ["alembic_version"]
    upgrade_database()
    check()


def test_an_upgrade_from_the_first_revision_keeps_every_row(account):
    """SQLite rebuilds tables to change them; what refers to them must live through it."""
    group_id = a_group(account, "Designers")
    with write(account) as work:
        mappings.create(work, "Designers", "media_library_user")
    downgrade(revision="0001")
    upgrade_database()
    grant = row(Grant)
    assert (grant.group_id, grant.origin) == (group_id, "mapping")
    assert grant.version == 1


def test_the_key_of_a_connection_lives_through_it(account):
    with write(account) as work:
        connection_id = connections.create(work, "saml", "IdP", settings={"entity_id": "x"})
        connection_keys.add(work, connection_id, "current", "certificate", "sealed")
    downgrade(revision="0002")
    stored = db.session.execute(text("SELECT sealed_key, settings FROM connections")).one()
    assert stored.sealed_key == "sealed" and "certificate" in str(stored.settings)
    db.session.rollback()
    upgrade_database()
    key = row(ConnectionKey)
    assert (key.connection_id, key.state) == (connection_id, "current")
    assert (key.certificate, key.sealed_key) == ("certificate", "sealed")
    assert row(Connection).settings == {"entity_id": "x"}
