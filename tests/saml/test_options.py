"""What an administrator sets of a connection changes what is asked and what is taken."""

from __future__ import annotations

import copy
from datetime import timedelta

import pytest
import xmlsec
from lxml import etree

from app.directory.errors import Invalid
from app.store.models import Session
from saml import connections, setup
from saml.keys import new_key_pair
from saml.options import NAME_ID_FORMATS, Options
from saml.xml import DS, SAML, SAMLP, name
from tests.conftest import make_app, write
from tests.inspection import audit, row
from tests.saml.conftest import connect, request_of
from tests.saml.provider import at, encrypted_name_id, find, setting

PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
HARDWARE = "urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard"


def configured(app, account, provider, **options):
    return connect(app, account, provider, **options)


# -- What is asked ------------------------------------------------------------------


def test_the_request_says_what_is_set(app, account, provider):
    browser = configured(
        app,
        account,
        provider,
        force_authn=True,
        authn_contexts=(PASSWORD, HARDWARE),
        name_id_format=NAME_ID_FORMATS[1],
    )
    answer = browser.client.get(f"/saml/{browser.connection_id}/login")
    request = request_of(answer.location)
    assert request.get("ForceAuthn") == "true"
    policy = request.find(name(SAMLP, "NameIDPolicy"))
    assert policy.get("Format") == NAME_ID_FORMATS[1]
    context = request.find(name(SAMLP, "RequestedAuthnContext"))
    assert context.get("Comparison") == "exact"
    assert [each.text for each in context] == [PASSWORD, HARDWARE]
    assert "Signature=" in answer.location


@pytest.mark.parametrize("post", [False, True])
def test_requests_are_unsigned_where_the_provider_wants_it_so(app, account, provider, post):
    browser = configured(app, account, provider, post=post, sign_requests=False)
    answer = browser.client.get(f"/saml/{browser.connection_id}/login")
    assert answer.status_code == (200 if post else 303)
    assert "Signature" not in (answer.location or "")


# -- Who signs in --------------------------------------------------------------------


def test_an_unsolicited_response_signs_in_where_it_may(app, account, ada, provider):
    browser = configured(app, account, provider, allow_unsolicited=True, landing="/folders")
    answer = browser.post(provider.response(browser.sp, None))
    assert (answer.status_code, answer.location) == (303, "/folders")
    assert browser.session() == "Ada@example.com"
    answer = browser.post(provider.response(browser.sp, None), RelayState="/deep?x=1")
    assert answer.location == "/deep?x=1"


@pytest.mark.parametrize(
    "state", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil", "x"]
)
def test_a_relay_state_leads_nowhere_else(app, account, ada, provider, state):
    browser = configured(app, account, provider, allow_unsolicited=True)
    answer = browser.post(provider.response(browser.sp, None), RelayState=state)
    assert (answer.status_code, answer.location) == (303, "/")


def test_an_unsolicited_response_is_taken_once(app, account, ada, provider):
    browser = configured(app, account, provider, allow_unsolicited=True)
    response = provider.response(browser.sp, None)
    assert browser.post(response).status_code == 303
    assert browser.post(response).status_code == 403


def test_a_weaker_way_of_signing_in_is_refused(app, account, ada, provider):
    browser = configured(app, account, provider, authn_contexts=(HARDWARE,))
    asked = browser.start()
    browser.assert_refused(browser.post(provider.response(browser.sp, asked)), "another way")

    def with_a_card(root):
        find(root, "AuthnContextClassRef").text = HARDWARE

    asked = browser.start()
    good = provider.response(browser.sp, asked, before=with_a_card)
    assert browser.post(good).status_code == 303


@pytest.mark.parametrize(("skew", "status"), [(0, 403), (120, 303)])
def test_clocks_may_differ_by_so_much(app, account, ada, provider, skew, status):
    browser = configured(app, account, provider, clock_skew_seconds=skew)
    late = setting("Conditions", "NotBefore", at(1))
    response = provider.response(browser.sp, browser.start(), before=late)
    assert browser.post(response).status_code == status


def test_a_session_lives_as_long_as_the_connection_says(app, account, ada, provider):
    browser = configured(app, account, provider, session_hours=2)
    answer = browser.post(provider.response(browser.sp, browser.start()))
    assert answer.status_code == 303
    assert "Max-Age=7200;" in answer.headers["Set-Cookie"]
    session = row(Session)
    assert session.expires_at - session.created_at == timedelta(hours=2)


# -- Encrypted assertions ---------------------------------------------------------------


@pytest.fixture
def encrypting(app, account, ada, provider, keys):
    """A browser, and what makes a response with an encrypted assertion for it."""
    browser = connect(app, account, provider)

    def response(**options):
        options = {"encrypt": keys.own_certificate} | options
        return provider.response(browser.sp, browser.start(), **options)

    return browser, response


@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_an_encrypted_assertion_signs_in(encrypting, sign):
    browser, response = encrypting
    assert browser.post(response(sign=sign)).status_code == 303
    assert browser.session() == "Ada@example.com"


@pytest.mark.parametrize(("sign", "status"), [("assertion", 403), ("response", 303), ("both", 303)])
def test_aes_cbc_is_taken_only_within_a_signature(encrypting, provider, sign, status):
    browser, response = encrypting
    provider.cipher = xmlsec.constants.TransformAes256Cbc
    assert browser.post(response(sign=sign)).status_code == status


def test_an_encrypted_assertion_nobody_signed_is_refused(encrypting):
    browser, response = encrypting
    browser.assert_refused(browser.post(response(sign="nothing")), "is signed")


def test_one_for_another_key_is_refused(encrypting):
    browser, response = encrypting
    _, certificate = new_key_pair("another")
    browser.assert_refused(browser.post(response(encrypt=certificate)), "cannot be decrypted")


def test_a_broken_text_is_refused_like_a_wrong_key(encrypting):
    browser, response = encrypting

    def broken(root):
        values = list(root.iter("{*}CipherValue"))
        text = "".join(values[-1].text.split())
        values[-1].text = text[:-8] + "AAAAAAA="

    browser.assert_refused(browser.post(response(after=broken)), "cannot be decrypted")


def test_a_plain_assertion_beside_it_is_refused(encrypting, provider):
    browser, response = encrypting

    def beside(root):
        other = etree.fromstring(f'<saml:Assertion xmlns:saml="{SAML}" ID="other" Version="2.0"/>')
        root.append(other)

    browser.assert_refused(browser.post(response(after=beside)), "no other")


def test_two_encrypted_assertions_are_refused(encrypting):
    browser, response = encrypting

    def twice(root):
        copy = etree.fromstring(etree.tostring(root.find(name(SAML, "EncryptedAssertion"))))
        root.append(copy)

    browser.assert_refused(browser.post(response(after=twice)), "")


def test_a_changed_response_around_it_is_refused(encrypting):
    browser, response = encrypting
    elsewhere = setting("Response", "Destination", "https://elsewhere.example/acs")
    browser.assert_refused(browser.post(response(sign="both", after=elsewhere)), "signature")


def test_encryption_can_be_required(app, account, ada, provider, keys):
    browser = connect(app, account, provider, require_encryption=True)
    plain = provider.response(browser.sp, browser.start())
    browser.assert_refused(browser.post(plain), "not encrypted")
    good = provider.response(browser.sp, browser.start(), encrypt=keys.own_certificate)
    assert browser.post(good).status_code == 303


def test_our_metadata_offers_the_key_for_encryption(browser):
    metadata = browser.client.get(f"/saml/{browser.connection_id}/metadata").get_data()
    uses = [each.get("use") for each in etree.fromstring(metadata).iter("{*}KeyDescriptor")]
    assert uses == ["signing", "encryption"]


# -- Setting them ---------------------------------------------------------------------------


def test_options_are_changed_and_kept(browser, account):
    with write(account) as work:
        setup.configure(work, "idp", allow_unsolicited=True, session_hours=3)
        changed = setup.configure(work, "IdP", landing="/x")
    loaded = connections.load(browser.connection_id)
    assert loaded.options == Options(allow_unsolicited=True, session_hours=3, landing="/x")
    assert changed == loaded.options.as_settings() | {"metadata_url": ""}


@pytest.mark.parametrize(
    "changes",
    [
        {"name_id_format": "urn:nothing"},
        {"clock_skew_seconds": 601},
        {"clock_skew_seconds": -1},
        {"session_hours": 10_000},
        {"authn_contexts": ("no uri",)},
        {"authn_contexts": ("urn:x:" + "x" * 2000,)},
        {"landing": "https://evil.example"},
        {"landing": "//evil.example"},
    ],
)
def test_what_cannot_be_set(browser, account, changes):
    with pytest.raises(Invalid), write(account) as work:
        setup.configure(work, "IdP", **changes)
    assert connections.load(browser.connection_id).options == Options()


def test_metadata_is_renewed_but_not_swapped_for_anothers(browser, account, provider):
    provider.key, provider.certificate = new_key_pair("renewed")
    response = provider.response(browser.sp, browser.start())
    assert browser.post(response).status_code == 403
    with write(account) as work:
        setup.renew_metadata(work, "IdP", setup.from_metadata(provider.metadata()))
    assert browser.post(provider.response(browser.sp, browser.start())).status_code == 303
    provider.entity_id = "https://evil.example"
    with pytest.raises(Invalid, match="another provider"), write(account) as work:
        setup.renew_metadata(work, "IdP", setup.from_metadata(provider.metadata()))


# -- Encryption, in the forms there are --------------------------------------------------------


def beside(root):
    """Put the encrypted key beside the encrypted data, as some providers do."""
    holder = find(root, "EncryptedAssertion")
    key_info = find(holder, "KeyInfo")
    holder.append(key_info[0])
    reference = etree.SubElement(key_info, name(DS, "RetrievalMethod"))
    reference.set("URI", "http://169.254.169.254/")  # it is not followed


def test_the_encrypted_key_may_stand_beside_the_data(browser, provider, keys):
    response = provider.response(
        browser.sp, browser.start(), encrypt=keys.own_certificate, after=beside
    )
    assert browser.post(response).status_code == 303


def test_two_keys_or_something_else_beside_it_are_refused(refuses, keys):
    def two_keys(root):
        beside(root)
        holder = find(root, "EncryptedAssertion")
        holder.append(copy.deepcopy(holder[1]))

    def something_else(root):
        etree.SubElement(find(root, "EncryptedAssertion"), name(SAML, "NameID")).text = "admin"

    for after in (two_keys, something_else):
        refuses("unexpected parts", encrypt=keys.own_certificate, after=after)


@pytest.mark.parametrize("sign", ["assertion", "response"])
def test_an_encrypted_name_is_read(browser, provider, keys, sign):
    response = provider.response(
        browser.sp,
        browser.start(),
        sign=sign,
        before=lambda root: encrypted_name_id(root, keys.own_certificate),
    )
    assert browser.post(response).status_code == 303
    assert browser.session() == "Ada@example.com"


def test_an_encrypted_name_beside_a_plain_one_is_refused(refuses, keys):
    def add(root):
        subject = find(root, "Subject")
        subject.insert(0, copy.deepcopy(subject[0]))
        encrypted_name_id(root, keys.own_certificate)

    refuses("not valid SAML", before=add)


def test_what_is_encrypted_must_be_a_name(refuses, keys):
    def wrap(root):
        find(root, "NameID").tag = name(SAML, "Issuer")
        encrypted_name_id(root, keys.own_certificate, "Issuer", parent="Subject")

    refuses("not the name of a person", before=wrap)


def test_a_name_encrypted_for_somebody_else_is_refused(refuses, keys):
    refuses("cannot be decrypted", before=lambda root: encrypted_name_id(root, keys.certificate))


# -- How often -------------------------------------------------------------------------------


def test_an_address_that_comes_too_often_waits(account, ada, provider, database_url):
    app = make_app(database_url, sign_ins_per_minute=3)
    with app.app_context():
        browser = connect(app, account, provider)
        for _ in range(3):
            assert browser.post("x").status_code == 403
        path = f"/saml/{browser.connection_id}"
        for answer in (
            browser.post("x"),
            browser.client.get(f"{path}/login"),
            browser.client.get(f"{path}/slo"),
        ):
            assert answer.status_code == 429
            assert 0 < int(answer.headers["Retry-After"]) <= 60
        assert len(audit(account, "session.refused")) == 3
        assert browser.client.get(f"{path}/metadata").status_code == 200
