"""A connection out of use: nobody signs in or is pushed through it, at once."""

from __future__ import annotations

import pytest

from app.directory import connections, requiring_saml
from app.directory.errors import Invalid, NotFound
from app.directory.sessions import AtProvider
from app.store.models import Connection, Session
from saml.connections import load
from tests.conftest import write
from tests.factories import a_connection, a_session, a_user, an_account
from tests.inspection import audit, row, rows
from tests.scim.conftest import new_client


def switch(account: str, name: str, enabled: bool) -> bool:
    with write(account) as work:
        return connections.set_enabled(work, name, enabled)


def test_a_saml_connection_out_of_use_signs_nobody_in_and_its_sessions_end(account):
    okta, other = a_connection(account, "saml", "Okta"), a_connection(account, "saml")
    ada = a_user(account)
    for connection in (okta, other):
        a_session(account, ada, at_provider=AtProvider(connection, "ada"))
    a_session(account, ada, method="link")
    assert switch(account, "okta", False) and not switch(account, okta, False)
    assert load(okta) is None
    assert len(rows(Session, revoked_at=None)) == 2
    (event,) = audit(account, "session.revoked")
    assert (event.target_id, event.after) == (ada, {"reason": "connection out of use"})
    assert switch(account, okta, True)
    actions = [each.action for each in audit(account, "connection.disabled", "connection.enabled")]
    assert actions == ["connection.disabled", "connection.enabled"]
    assert len(rows(Session, revoked_at=None)) == 2


def test_a_scim_connection_out_of_use_takes_nothing(app, account):
    scim = new_client(app, account)
    connection = row(Connection, kind="scim").id
    scim.get("/Users")
    switch(account, connection, False)
    assert scim.refused("GET", "/Users")["status"] == "401"
    switch(account, connection, True)
    scim.get("/Users")


def test_the_last_one_stays_while_saml_is_required(account):
    okta, ada = a_connection(account, "saml"), a_user(account)
    with write(account) as work:
        requiring_saml.set_break_glass(work, ada, True)
    with write(account) as work:
        requiring_saml.require(work, True)
    with pytest.raises(Invalid, match="last connection"):
        switch(account, okta, False)
    assert row(Connection).enabled
    a_connection(account, "saml")
    assert switch(account, okta, False)


def test_connections_of_another_account_are_not_found(account):
    okta = a_connection(account, "saml")
    for name in (okta, "nothing"):
        with pytest.raises(NotFound):
            switch(an_account(), name, False)
