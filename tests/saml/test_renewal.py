"""What metadata read anew would change, and which certificates end soon."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.directory import connection_keys, connections
from app.directory.errors import Invalid
from app.store.models import Connection
from app.store.types import now
from saml import expiry, setup
from saml.keys import certificates_in
from saml.metadata import Endpoint
from saml.renewal import NewAddress, renewal_of
from tests.conftest import write
from tests.factories import a_connection, an_account
from tests.inspection import row, statements
from tests.saml.provider import SLO, SSO, TestProvider, certificate_until

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def other() -> TestProvider:
    return TestProvider()


def connected(account: str, metadata: bytes, name: str = "IdP") -> str:
    with write(account) as work:
        return setup.register(work, name, setup.from_metadata(metadata))


def prints(certificates) -> list[str]:
    return [each["pem"] for each in certificates]


def test_certificates_that_come_go_and_stay(account, provider, other):
    first = connected(account, provider.metadata())
    settings = row(Connection, id=first).settings
    both = provider.metadata(certificates=[other.certificate, provider.certificate])
    found = renewal_of(settings, setup.from_metadata(both))
    assert prints(found.added) == [other.certificate]
    assert prints(found.kept) == [provider.certificate]
    assert (found.removed, found.addresses, found.is_change) == ([], [], True)
    replaced = provider.metadata(certificates=[other.certificate])
    found = renewal_of(settings, setup.from_metadata(replaced))
    assert (prints(found.added), prints(found.removed)) == (
        [other.certificate],
        [provider.certificate],
    )
    assert found.kept == []
    assert not renewal_of(settings, setup.from_metadata(provider.metadata())).is_change


def test_addresses_that_are_others(account, provider):
    settings = row(Connection, id=connected(account, provider.metadata())).settings
    talkative = TestProvider(key=provider.key, certificate=provider.certificate, logout="HTTP-POST")
    moved = setup.from_metadata(talkative.metadata(post=True, sso=f"{SSO}/new"))
    assert moved.slo_post == Endpoint(SLO, f"{SLO}/answers")
    assert renewal_of(settings, moved).addresses == [
        NewAddress("sso_redirect", SSO, None),
        NewAddress("sso_post", None, f"{SSO}/new"),
        NewAddress("slo_post", None, f"{SLO}, answers to {SLO}/answers"),
    ]


def test_another_provider_is_refused(account, provider):
    settings = row(Connection, id=connected(account, provider.metadata())).settings
    stranger = TestProvider(
        entity_id="https://evil.example", key=provider.key, certificate=provider.certificate
    )
    with pytest.raises(Invalid, match="another provider, https://evil"):
        renewal_of(settings, setup.from_metadata(stranger.metadata()))


def test_certificates_alone_take_the_place_of_those_there_are(account, provider, other):
    connection = connected(account, provider.metadata())
    text = f"Two of them:\n{other.certificate}\n{provider.certificate}"
    assert len(certificates_in(text)) == 2
    found = setup.with_certificates(account, connection, text)
    assert found.certificates == (other.certificate, provider.certificate)
    assert (found.entity_id, found.sso_redirect) == (provider.entity_id, SSO)
    for wrong in ("", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"):
        with pytest.raises(Invalid, match="certificate cannot be used"):
            setup.with_certificates(account, connection, wrong)


# -- What ends soon ------------------------------------------------------------


def ending(account: str, *connections_: str) -> dict[str, list[str]]:
    found = expiry.endings_of(account, connections_)
    return {id_: [each.whose for each in endings] for id_, endings in found.items()}


@pytest.mark.parametrize(
    ("days", "expected"), [((29,), True), ((31,), False), ((-1,), True), ((-1, 31), False)]
)
def test_a_providers_certificate_counts_where_no_other_takes_its_place(
    account, provider, days, expected
):
    made = [certificate_until(provider.key, now() + each * DAY) for each in days]
    connection = connected(account, provider.metadata(certificates=made))
    assert ending(account, connection) == ({connection: ["provider"]} if expected else {})
    with write(account) as work:
        connections.set_enabled(work, connection, False)
    assert ending(account, connection) == {}, "nobody signs in through it"


def test_our_own_counts_until_we_sign_with_another(account, provider, keys, monkeypatch):
    short = certificate_until(keys.own_key, now() + 5 * DAY)
    monkeypatch.setattr(setup, "new_key_pair", lambda name: (keys.own_key, short))
    connection = connected(account, provider.metadata())
    assert ending(account, connection) == {connection: ["ours"]}
    pair = (keys.own_key, keys.own_certificate)
    monkeypatch.setattr(setup, "new_key_pair", lambda name: pair)
    with write(account) as work:
        setup.announce_key(work, connection)
    assert ending(account, connection) == {connection: ["ours"]}
    with write(account) as work:
        connection_keys.take_over(work, connection)
    assert ending(account, connection) == {}


def test_however_many_there_are_it_is_two_statements(account, provider):
    soon = provider.metadata(certificates=[certificate_until(provider.key, now() + DAY)])
    made = [connected(account, soon, f"IdP {number}") for number in range(5)]
    scim, stranger = a_connection(account), connected(an_account("Other"), soon)
    with statements() as seen:
        assert set(ending(account, *made, scim, stranger)) == set(made)
    assert len(seen) == 2
