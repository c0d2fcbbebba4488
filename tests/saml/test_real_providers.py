"""Real providers' metadata and responses, in their own forms, sign Ada in."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import xmlsec
from lxml import etree

from saml import setup
from saml.keys import certificate_body
from saml.metadata import read_provider
from saml.xml import DS, name
from tests.conftest import write
from tests.saml.conftest import Browser
from tests.saml.provider import TestProvider, encode

FIXTURES = Path(__file__).parents[2] / "idp-fixtures" / "saml"
PROVIDERS = sorted(path.parent.name for path in FIXTURES.glob("*/metadata.xml"))
ISSUER = "https://idp.example/entity?of=one&more"


def at(minutes: float) -> str:
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def filled(file: Path, keys: TestProvider, **values: str) -> bytes:
    """A fixture with its placeholders filled in."""
    text = file.read_text(encoding="utf-8")
    values |= {
        "issuer": ISSUER.replace("&", "&amp;"),
        "certificate": certificate_body(keys.certificate),
        "other_certificate": certificate_body(keys.own_certificate),
        "now": at(0),
        "before": at(-5),
        "soon": at(5),
        "in_an_hour": at(60),
        "in_years": at(5 * 365 * 24 * 60),
    }
    for key, value in values.items():
        text = text.replace(f"{{{{{key}}}}}", value)
    assert "{{" not in text
    return text.encode()


def signed(document: bytes, key: str) -> etree._Element:
    """The document with its empty signatures filled in, inner ones first."""
    root = etree.fromstring(document)
    for signature in reversed(list(root.iter(name(DS, "Signature")))):
        context = xmlsec.SignatureContext()
        pem = xmlsec.constants.KeyDataFormatPem
        context.key = xmlsec.Key.from_memory(key.encode(), pem)
        context.register_id(signature.getparent(), "ID")
        context.sign(signature)
    return root


@pytest.mark.parametrize("provider", PROVIDERS)
def test_metadata(provider, keys):
    found = read_provider(filled(FIXTURES / provider / "metadata.xml", keys))
    assert found.entity_id == ISSUER
    assert found.sso_redirect.startswith("https://") and found.sso_post.startswith("https://")
    signing = {"entra": (keys.own_certificate, keys.certificate)}
    assert found.certificates == signing.get(provider, (keys.certificate,))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_sign_in(app, account, ada, keys, provider):
    folder = FIXTURES / provider
    with write(account) as work:
        document = filled(folder / "metadata.xml", keys)
        connection_id = setup.register(work, provider, setup.from_metadata(document))
    browser = Browser(app, app.test_client(), account, connection_id)
    response = filled(
        folder / "response.xml",
        keys,
        entity_id=f"{browser.sp}/metadata",
        acs=f"{browser.sp}/acs",
        request=browser.start(),
        name_id="ada@example.com",
    )
    genuine = etree.tostring(signed(response, keys.key))
    altered = genuine.replace(b">ada@example.com</", b">eve@example.com</")
    assert altered != genuine
    browser.assert_refused(browser.post(encode(altered)), "matches no certificate")
    assert browser.post(encode(genuine)).status_code == 303
    assert browser.session() == "Ada@example.com"


def test_there_are_providers():
    assert len(PROVIDERS) >= 5
