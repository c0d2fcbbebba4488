"""pysaml2 signs, verifies and decrypts in process: no program is started for it."""

import subprocess

import pytest
import xmlsec
from lxml import etree
from saml2.sigver import DecryptError, SecurityContext, SignatureError, pre_signature_part
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA1, SIG_RSA_SHA256

from saml.backend import InProcessBackend
from saml.keys import new_key_pair
from saml.xml import DS, ENC, SAML, name
from tests.saml.provider import find

ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"
ENC11 = "http://www.w3.org/2009/xmlenc11#"


@pytest.fixture(autouse=True)
def no_programs(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was started"))


@pytest.fixture
def context(keys, tmp_path) -> SecurityContext:
    """pysaml2 with the key of the provider in files, as it wants it."""
    (tmp_path / "key.pem").write_text(keys.key)
    (tmp_path / "certificate.pem").write_text(keys.certificate)
    return SecurityContext(
        InProcessBackend(),
        key_file=str(tmp_path / "key.pem"),
        cert_file=str(tmp_path / "certificate.pem"),
        enc_key_files=[],
    )


def template(method: str = SIG_RSA_SHA256) -> str:
    part = pre_signature_part("a1", sign_alg=method, digest_alg=DIGEST_SHA256)
    return (
        f'<saml:Assertion xmlns:saml="{SAML}" ID="a1"><saml:Issuer>me</saml:Issuer>'
        f"{part}<saml:Subject>Ada</saml:Subject></saml:Assertion>"
    )


def signed(context: SecurityContext) -> str:
    return context.sign_statement(template(), ASSERTION, node_id="a1")


def verify(context: SecurityContext, document: str, certificate: str = "") -> bool:
    file = certificate or context.cert_file
    return context.verify_signature(document, file, node_name=ASSERTION, node_id="a1")


def test_what_is_signed_verifies(context):
    assert verify(context, signed(context))


def test_what_is_altered_does_not(context):
    with pytest.raises(SignatureError):
        verify(context, signed(context).replace("Ada", "Eve"))


def test_what_is_not_signed_does_not(context):
    document = etree.fromstring(signed(context))
    document.remove(document.find(name(DS, "Signature")))
    with pytest.raises(SignatureError):
        verify(context, etree.tostring(document, encoding="unicode"))


def test_another_certificate_does_not(context, keys, tmp_path):
    (tmp_path / "other.pem").write_text(keys.own_certificate)
    with pytest.raises(SignatureError):
        verify(context, signed(context), str(tmp_path / "other.pem"))


def test_sha1_is_signed_with_by_nobody(context):
    with pytest.raises(SignatureError, match="not allowed"):
        context.sign_statement(template(SIG_RSA_SHA1), ASSERTION, node_id="a1")


# -- Decryption -----------------------------------------------------------

GCM = xmlsec.constants.TransformAes256Gcm
OAEP = xmlsec.constants.TransformRsaOaep


def encrypted(
    certificate: str, plain: bytes = b'<a xmlns="urn:a">secret</a>', method=GCM, wrap=OAEP
) -> etree._Element:
    """A document with one EncryptedData in it, as XML Encryption has it."""
    root = etree.fromstring("<r/>")
    data = xmlsec.template.encrypted_data_create(
        root, method, type=xmlsec.constants.TypeEncElement, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    key = xmlsec.template.add_encrypted_key(info, wrap)
    xmlsec.template.encrypted_data_ensure_cipher_value(key)
    manager = xmlsec.KeysManager()
    pem = xmlsec.constants.KeyDataFormatCertPem
    manager.add_key(xmlsec.Key.from_memory(certificate.encode(), pem))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(
        xmlsec.constants.KeyDataAes, 256, xmlsec.constants.KeyDataTypeSession
    )
    context.encrypt_binary(data, plain)
    root.append(data)
    return etree.fromstring(etree.tostring(root))


def decrypt(context: SecurityContext, document: etree._Element) -> str:
    return context.decrypt(etree.tostring(document, encoding="unicode"), context.key_file)


def test_what_is_encrypted_for_us_is_decrypted(context, keys):
    assert decrypt(context, encrypted(keys.certificate)) == '<r><a xmlns="urn:a">secret</a></r>'


def test_whom_the_key_is_for_is_not_looked_up(context, keys):
    document = encrypted(keys.certificate)
    key = find(document, "EncryptedKey")
    info = etree.SubElement(key, name(DS, "KeyInfo"))
    etree.SubElement(info, name(DS, "RetrievalMethod")).set("URI", "http://127.0.0.1:1/key")
    key.insert(1, info)
    assert "secret" in decrypt(context, document)


@pytest.mark.parametrize(
    "plain",
    [b"<!DOCTYPE a><a/>", b"<a><!-- --></a>", b"<a", b'<a xmlns="relative"/>', b"\x00"],
)
def test_what_comes_out_is_parsed_as_strictly_as_all_else(context, keys, plain):
    with pytest.raises(DecryptError):
        decrypt(context, encrypted(keys.certificate, plain))


def alter(local: str, attribute: str | None, value: str):
    def change(document):
        element = find(document, local)
        if attribute:
            element.set(attribute, value)
        else:
            element.text = value

    return change


def refer(document):
    cipher = document[0].find(name(ENC, "CipherData"))
    cipher.remove(cipher[0])
    etree.SubElement(cipher, name(ENC, "CipherReference")).set("URI", "http://127.0.0.1:1/text")


@pytest.mark.parametrize(
    "change",
    [
        alter("EncryptionMethod", "Algorithm", f"{ENC}aes256-cbc"),
        alter("EncryptionMethod", "Algorithm", f"{ENC}tripledes-cbc"),
        alter("EncryptionMethod", "Algorithm", ""),
        alter("CipherValue", None, "AAAA"),
        alter("CipherValue", None, ""),
        lambda document: find(document, "EncryptedKey")[0].set("Algorithm", f"{ENC}rsa-1_5"),
        lambda document: document[0].remove(find(document, "KeyInfo")),
        lambda document: find(document, "KeyInfo").append(
            etree.Element(name(DS, "RetrievalMethod"), URI="#x")
        ),
        refer,
    ],
)
def test_what_is_encrypted_in_any_other_way_is_refused(context, keys, change):
    document = encrypted(keys.certificate)
    change(document)
    with pytest.raises(DecryptError):
        decrypt(context, document)


def test_a_wrong_key_and_a_damaged_text_are_told_apart_by_nobody(keys):
    from saml.encryption import decrypted
    from saml.errors import Refused

    damaged, other = encrypted(keys.certificate), encrypted(new_key_pair("x")[1])
    value = damaged[0].find(f"{name(ENC, 'CipherData')}/{name(ENC, 'CipherValue')}")
    value.text = value.text[:-8] + "AAAAAAA="
    said = []
    for document in (damaged, other):
        with pytest.raises(Refused) as refused:
            decrypted(document[0], [keys.key])
        said.append(str(refused.value))
    assert said == ["it cannot be decrypted"] * 2
