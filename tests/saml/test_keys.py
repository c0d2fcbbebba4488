"""Our own key at a provider takes another's place without a gap; our metadata, signed."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from lxml import etree
from saml2 import md

from app.directory import connection_keys
from app.directory.errors import Invalid, NotFound
from app.store.models import ConnectionKey
from saml import setup
from saml.bindings import signed_in_query
from saml.keys import certificate_pem, certificates_in, new_key_pair
from saml.signatures import verified
from saml.xml import parse
from tests.conftest import write
from tests.factories import an_account
from tests.inspection import audit, rows


def certificates(browser, use: str) -> list[str]:
    document = browser.client.get(f"/saml/{browser.connection_id}/metadata").data
    described = md.entity_descriptor_from_string(document).spsso_descriptor[0]
    return [
        certificate_pem(key.key_info.x509_data[0].x509_certificate.text)
        for key in described.key_descriptor
        if key.use == use
    ]


@pytest.fixture
def fresh(monkeypatch) -> str:
    """The certificate of the next key that is made."""
    key, certificate = new_key_pair("fresh")
    monkeypatch.setattr(setup, "new_key_pair", lambda common_name: (key, certificate))
    return certificate


@pytest.fixture
def encrypted(provider):
    """Sign in with an assertion encrypted for a certificate."""

    def sign_in(browser, certificate: str) -> int:
        response = provider.response(browser.sp, browser.start(), encrypt=certificate)
        return browser.post(response).status_code

    return sign_in


def signs_with(browser, certificate: str) -> bool:
    location = browser.client.get(f"/saml/{browser.connection_id}/login").location
    try:
        signed_in_query(location.partition("?")[2], "SAMLRequest", [certificate])
    except Exception:
        return False
    return True


def test_a_key_that_was_lost_with_the_secret_key_is_replaced(
    app, browser, account, keys, fresh, encrypted, monkeypatch
):
    other = replace(app.extensions["gatehouse"], secret_key="another key of 32 characters, or more")
    monkeypatch.setitem(app.extensions, "gatehouse", other)
    lost = browser.client.get(f"/saml/{browser.connection_id}/login")
    assert lost.status_code == 500
    assert "sealed with another secret key" in lost.get_data(as_text=True)
    with write(account) as work:
        setup.announce_key(work, "IdP")
        connection_keys.take_over(work, browser.connection_id)
    assert signs_with(browser, fresh)
    assert encrypted(browser, fresh) == 303


def test_a_key_takes_over_without_a_gap(browser, account, keys, fresh, encrypted):
    old = keys.own_certificate
    with write(account) as work:
        setup.announce_key(work, "IdP")
    for use in ("signing", "encryption"):
        assert certificates(browser, use) == [old, fresh]
    assert signs_with(browser, old)
    assert encrypted(browser, old) == encrypted(browser, fresh) == 303

    with write(account) as work:
        connection_keys.take_over(work, browser.connection_id)
    assert certificates(browser, "signing") == [fresh]
    assert signs_with(browser, fresh)
    assert encrypted(browser, old) == encrypted(browser, fresh) == 303

    with write(account) as work:
        connection_keys.forget(work, browser.connection_id, "previous")
    assert (encrypted(browser, old), encrypted(browser, fresh)) == (403, 303)
    assert [each.action for each in audit(account) if "key" in each.action] == [
        "connection.key_announced",
        "connection.key_taken_over",
        "connection.key_forgotten",
    ]


def test_one_step_after_another(browser, account, fresh):
    connection = browser.connection_id
    with pytest.raises(Invalid, match="No new key"), write(account) as work:
        connection_keys.take_over(work, connection)
    with pytest.raises(Invalid, match="no previous"), write(account) as work:
        connection_keys.forget(work, connection, "previous")
    with write(account) as work:
        setup.announce_key(work, connection)
    with pytest.raises(Invalid, match="already"), write(account) as work:
        setup.announce_key(work, connection)
    with write(account) as work:
        connection_keys.forget(work, connection, "next")
    assert [each.state for each in rows(ConnectionKey)] == ["current"]


def test_a_third_key_drops_the_first(browser, account, fresh):
    for _ in range(2):
        with write(account) as work:
            setup.announce_key(work, browser.connection_id)
            connection_keys.take_over(work, browser.connection_id)
    assert {each.state for each in rows(ConnectionKey)} == {"current", "previous"}


def test_keys_of_another_account_are_not_found(browser, account, fresh):
    other = an_account("Other")
    with pytest.raises(NotFound), write(other) as work:
        setup.announce_key(work, browser.connection_id)
    for step in (
        lambda work: connection_keys.take_over(work, browser.connection_id),
        lambda work: connection_keys.forget(work, browser.connection_id, "previous"),
    ):
        with pytest.raises(NotFound), write(other) as work:
            step(work)
    assert connection_keys.stored(other, browser.connection_id) == {}


def test_private_keys_are_in_no_row(browser, account, keys, fresh):
    with write(account) as work:
        setup.announce_key(work, "IdP")
    for each in rows(ConnectionKey):
        assert "PRIVATE KEY" not in each.sealed_key


def test_metadata_is_signed_on_request(browser, keys):
    address = f"/saml/{browser.connection_id}/metadata"
    plain = parse(browser.client.get(address).data)
    assert not verified(plain, [keys.own_certificate])
    signed = browser.client.get(f"{address}?signed").data
    assert verified(parse(signed), [keys.own_certificate])
    assert etree.fromstring(signed).get("entityID") == f"{browser.sp}/metadata"


def test_metadata_says_where_to_log_out_and_whether_requests_are_signed(browser, account):
    with write(account) as work:
        setup.configure(work, "IdP", sign_requests=False)
    document = browser.client.get(f"/saml/{browser.connection_id}/metadata").data
    described = md.entity_descriptor_from_string(document).spsso_descriptor[0]
    assert described.authn_requests_signed == "false"
    services = {each.binding.rsplit(":")[-1] for each in described.single_logout_service}
    assert services == {"HTTP-Redirect", "HTTP-POST"}
    assert {each.location for each in described.single_logout_service} == {f"{browser.sp}/slo"}


def test_beginnings_of_certificates_without_an_end_are_read_once(keys):
    text = "-----BEGIN CERTIFICATE-----" * 40_000
    began = time.thread_time()
    assert certificates_in(text + keys.certificate) == [keys.certificate.strip()]
    assert time.thread_time() - began < 1
