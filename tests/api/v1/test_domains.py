"""``/api/v1/domains``."""

from __future__ import annotations

import pytest

from app.directory import domains
from app.store.models import Domain
from tests.api.v1.client import Api, an_api_token
from tests.conftest import write
from tests.factories import a_connection, an_account
from tests.inspection import audit, row, rows


@pytest.fixture
def okta(account) -> str:
    return a_connection(account, "saml", "Okta")


def a_domain(account: str, domain: str, connection: str) -> None:
    with write(account) as work:
        domains.add(work, domain, connection)


def names(found) -> list[str]:
    return [each["domain"] for each in found]


def test_a_domain_moves_and_goes(account, api, okta):
    a_domain(account, "example.com", okta)
    entra = a_connection(account, "saml", "Entra")
    moved = api.put("/domains/Example.COM", {"connection_id": entra})
    assert (moved.status_code, moved.json["connection"]) == (200, "Entra")
    assert api.put("/domains/example.com", {"connection_id": entra}).json == moved.json
    (event,) = audit(account, "domain.moved")
    assert (event.before["connection"], event.after["connection"]) == (okta, entra)
    assert api.delete("/domains/example.com").status_code == 204
    assert api.all("/domains") == []
    assert api.delete("/domains/example.com").status_code == 404


def test_nobody_takes_a_domain_the_account_does_not_have(api, okta):
    """Not even a free one: whose it is says who runs the installation."""
    theirs = an_account()
    a_domain(theirs, "theirs.example", a_connection(theirs, "saml"))
    for domain in ("theirs.example", "free.example"):
        answer = api.put(f"/domains/{domain}", {"connection_id": okta})
        assert answer.status_code == 404
        assert answer.json["detail"] == f"There is no domain {domain!r}."
        assert api.delete(f"/domains/{domain}").status_code == 404
    assert row(Domain).account_id == theirs
    assert api.all("/domains") == []


def test_it_moves_to_a_saml_connection_of_the_account(account, api, okta):
    a_domain(account, "example.com", okta)
    for other in (a_connection(account), a_connection(an_account(), "saml")):
        assert api.put("/domains/example.com", {"connection_id": other}).status_code == 404
    assert row(Domain).connection_id == okta


@pytest.mark.parametrize("domain", ["no-dot", "-.com", "a" * 300 + ".com", "%00.com", "%ff.com"])
def test_what_is_no_domain_is_refused(api, okta, domain):
    assert api.put(f"/domains/{domain}", {"connection_id": okta}).status_code == 422
    assert api.delete(f"/domains/{domain}").status_code == 422


def test_all_pages(account, api, okta):
    for name in ("b", "d", "a", "c", "e"):
        a_domain(account, f"{name}.example", okta)
    assert names(api.all("/domains")) == [f"{name}.example" for name in "abcde"]


def test_who_may(app, account, okta):
    a_domain(account, "example.com", okta)
    viewer = Api(app, an_api_token(account, {"connection.view"}))
    assert viewer.get("/domains").status_code == 200
    assert viewer.put("/domains/example.com", {"connection_id": okta}).status_code == 403
    assert viewer.delete("/domains/example.com").status_code == 403
    assert len(rows(Domain)) == 1
