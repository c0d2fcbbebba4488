"""Domains of e-mail addresses lead to the connection of their people."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from app.directory import domains
from app.directory.errors import Invalid, NotFound, Taken
from app.store.database import db
from app.store.models import Connection
from tests.conftest import write
from tests.factories import a_connection, an_account
from tests.inspection import audit


def add(account: str, domain: str, connection: str) -> None:
    with write(account) as work:
        domains.add(work, domain, connection)


def test_an_address_leads_to_the_connection_of_its_domain(account):
    first, second = a_connection(account, "saml", "Okta"), a_connection(account, "saml")
    add(account, "@Example.COM", "okta")
    add(account, "bücher.example", second)
    assert domains.connection_of("ada@example.com") == first
    assert domains.connection_of("Ada@EXAMPLE.com") == first
    assert domains.connection_of("a@bücher.example") == second
    assert list(domains.listed(account)) == ["example.com", "xn--bcher-kva.example"]
    (event, _) = audit(account, "domain.added")
    assert (event.target_id, event.after) == (first, {"domain": "example.com"})


def test_a_connection_that_is_off_is_none(account):
    connection = a_connection(account, "saml")
    add(account, "example.com", connection)
    db.session.execute(update(Connection).values(enabled=False))
    db.session.commit()
    assert domains.connection_of("ada@example.com") is None


def test_a_domain_belongs_to_one_account(account):
    add(account, "example.com", a_connection(account, "saml"))
    other = an_account("Other")
    theirs = a_connection(other, "saml")
    with pytest.raises(Taken):
        add(other, "EXAMPLE.com", theirs)
    with pytest.raises(Taken):
        add(account, "example.com", a_connection(account, "saml"))
    with pytest.raises(NotFound), write(other) as work:
        domains.remove(work, "example.com")
    with pytest.raises(NotFound):
        add(account, "example.org", theirs)
    assert domains.listed(other) == {}


def test_a_domain_is_removed(account):
    add(account, "example.com", a_connection(account, "saml"))
    with write(account) as work:
        domains.remove(work, "Example.com")
    assert domains.connection_of("ada@example.com") is None
    assert audit(account, "domain.removed")[0].before == {"domain": "example.com"}


def test_only_saml_connections_have_domains(account):
    with pytest.raises(NotFound):
        add(account, "example.com", a_connection(account, "scim"))


BEYOND = [
    "x" * 64 + ".com",
    "\0.com",
    "a." * 130 + "com",
    "*.example.com",
    "http://a.com",
    "ada@example.com",
]


@pytest.mark.parametrize(
    "text",
    [
        *BEYOND,
        "",
        "com",
        "a b.com",
        "-a.com",
        "a..com",
        ".com",
        "a.com.",
        "x" * 64 + ".com",
        "\0.com",
    ],
)
def test_what_is_no_domain_is_refused(account, text):
    with pytest.raises(Invalid):
        domains.normalised(text)
    assert domains.connection_of(f"ada@{text}") is None
