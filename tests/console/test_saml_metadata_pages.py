"""A provider's metadata read anew in the console, and what ends soon."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest

from app.directory import connections
from app.directory.errors import Invalid
from app.store.models import Connection
from app.store.types import now
from saml import setup
from tests.conftest import write
from tests.factories import a_connection
from tests.inspection import audit, row, statements
from tests.saml.provider import SSO, TestProvider, certificate_until

URL = "https://idp.example/metadata"


@pytest.fixture(scope="module")
def other() -> TestProvider:
    return TestProvider()


@pytest.fixture
def page(okta) -> str:
    return f"/connections/{okta}/metadata"


def stored(okta: str) -> dict:
    return row(Connection, id=okta).settings


def text(answer) -> str:
    return answer.get_data(as_text=True)


def saved(admin, answer):
    """Press the button under what was shown."""
    from lxml import html

    page = html.document_fromstring(text(answer))
    (form,) = [each for each in page.forms if each.action.endswith("/save")]
    referrer = {"Referer": admin.base_url + form.action}
    return admin.post(form.action, data=dict(form.form_values()), headers=referrer)


def test_what_would_change_is_shown_and_saved_as_it_was_shown(
    admin, account, idp, other, okta, page
):
    document = idp.metadata(certificates=[other.certificate], sso=f"{SSO}/new").decode()
    seen = admin.submit(page, f"{page}/read", metadata=document)
    for expected in ("+ new:", "gone:", "No certificate stays.", f"{SSO}/new", "days left"):
        assert expected in text(seen), expected
    assert audit(account, "connection.updated") == []
    answer = saved(admin, seen)
    assert (answer.status_code, answer.location) == (303, f"/connections/{okta}")
    assert stored(okta)["certificates"] == [other.certificate]
    assert stored(okta)["sso_redirect"] == f"{SSO}/new"
    again = admin.submit(page, f"{page}/read", metadata=document)
    assert "It says what is known already." in text(again)


def test_metadata_comes_as_a_file(admin, idp, other, okta, page):
    both = idp.metadata(certificates=[idp.certificate, other.certificate])
    seen = admin.submit(page, f"{page}/read", file=(BytesIO(both), "metadata.xml"))
    assert "= as before:" in text(seen) and "No certificate stays." not in text(seen)
    saved(admin, seen)
    assert stored(okta)["certificates"] == [idp.certificate, other.certificate]


def test_a_large_file_is_read_too(admin, idp, page):
    padded = idp.metadata() + b" " * 600_000
    assert "known already" in text(
        admin.submit(page, f"{page}/read", file=(BytesIO(padded), "metadata.xml"))
    )
    huge = admin.submit(page, f"{page}/read", file=(BytesIO(padded * 4), "metadata.xml"))
    assert huge.status_code == 200 and "larger than" in text(huge)


def test_certificates_alone_are_put_in(admin, idp, other, okta, page):
    seen = admin.submit(page, f"{page}/read", certificates=idp.certificate + other.certificate)
    saved(admin, seen)
    assert stored(okta)["certificates"] == [idp.certificate, other.certificate]
    assert stored(okta)["sso_redirect"] == SSO


def test_it_is_fetched_from_its_address_and_read_anew_from_there(
    admin, account, idp, okta, page, monkeypatch
):
    monkeypatch.setattr(setup, "fetch_metadata", {URL: idp.metadata()}.__getitem__)
    connections.note_check(account, okta, "It could not be read.")
    seen = admin.submit(page, f"{page}/fetch", metadata_url=URL)
    assert f"read anew from {URL}" in text(seen) and stored(okta)["metadata_url"] == ""
    saved(admin, seen)
    assert stored(okta)["metadata_url"] == URL
    assert row(Connection, id=okta).problem is None
    by_hand = admin.submit(page, f"{page}/read", metadata=idp.metadata().decode())
    assert "takes the place of this" in text(by_hand)
    admin.submit(page, f"{page}/forget-address")
    assert stored(okta)["metadata_url"] == "" and stored(okta)["certificates"]


def test_what_cannot_be_read_is_said_at_its_field(admin, account, idp, page, monkeypatch):
    def refuse(url: str) -> bytes:
        raise Invalid("The address of the metadata answered 404.", field="metadata")

    monkeypatch.setattr(setup, "fetch_metadata", refuse)
    stranger = TestProvider(
        entity_id="https://evil.example", key=idp.key, certificate=idp.certificate
    )
    for action, given, said in (
        ("fetch", {"metadata_url": ""}, "metadata_url-wrong"),
        ("fetch", {"metadata_url": URL}, "answered 404"),
        ("read", {}, "in one way"),
        ("read", {"metadata": "<a", "certificates": "b"}, "in one way"),
        ("read", {"metadata": "<nonsense"}, "metadata-wrong"),
        ("read", {"certificates": "nonsense"}, "certificates-wrong"),
        ("read", {"metadata": stranger.metadata().decode()}, "another provider"),
        ("read", {"file": (BytesIO(b"\xff\xfe<"), "metadata.xml")}, "metadata-wrong"),
    ):
        answer = admin.submit(page, f"{page}/{action}", **given)
        assert answer.status_code == 200 and said in text(answer), (action, given)
    assert audit(account, "connection.updated") == []


def test_nothing_is_saved_that_is_none(admin, account, page):
    form = {"csrf_token": admin.form(page, f"{page}/read").fields["csrf_token"]}
    for given in ({}, {"metadata": "<nonsense"}, {"metadata_url": "x" * 2000}):
        answer = admin.post(
            f"{page}/save", data=form | given, headers={"Referer": admin.base_url + page}
        )
        assert (answer.status_code, answer.location) == (303, page)
        assert "alert-danger" in text(admin.get(page))
    assert audit(account, "connection.updated") == []


def test_what_ends_soon_is_said_wherever_one_looks(admin, account, idp, okta, page):
    for path in ("/", "/connections", f"/connections/{okta}"):
        assert "certificate ends" not in admin.text(path)
    short = certificate_until(idp.key, now() + timedelta(days=12, hours=1))
    with write(account) as work:
        described = setup.from_metadata(idp.metadata(certificates=[short]))
        setup.renew_metadata(work, okta, described)
    for path in ("/", "/connections", f"/connections/{okta}"):
        assert "the provider's certificate ends in 12 days" in admin.text(path), path
    assert "12 days left" in admin.text(page)
    over = certificate_until(idp.key, now() - timedelta(days=1))
    with write(account) as work:
        described = setup.from_metadata(idp.metadata(certificates=[over]))
        setup.renew_metadata(work, okta, described)
    for path in ("/", "/connections", f"/connections/{okta}"):
        assert "the provider's certificate has ended" in admin.text(path), path


def test_the_list_asks_as_often_however_long_it_is(admin, account, idp, okta):
    def asked() -> int:
        with statements() as seen:
            admin.get("/connections")
        return len(seen)

    asked()
    few = asked()
    with write(account) as work:
        for number in range(4):
            setup.register(work, f"IdP {number}", setup.from_metadata(idp.metadata()))
    assert asked() == few


def test_a_connection_of_scim_has_none(admin, account):
    scim = a_connection(account)
    assert admin.get(f"/connections/{scim}/metadata").status_code == 404
    assert admin.get(f"/connections/{scim}/key").status_code == 404
