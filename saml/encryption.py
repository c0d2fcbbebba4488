"""Decryption, in process: what somebody encrypted for our key.

Encryption says nothing of who wrote a message, for our public key is public: what comes out is
text from outside, to be parsed and its signature checked like any other.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import xmlsec
from lxml import etree

from app.words import say
from saml.errors import Refused
from saml.xml import DS, ENC, name

ENCRYPTED_DATA = name(ENC, "EncryptedData")
_ENCRYPTED_KEY = name(ENC, "EncryptedKey")
_ENC11 = "http://www.w3.org/2009/xmlenc11#"

CIPHERS = frozenset(f"{_ENC11}aes{bits}-gcm" for bits in (128, 192, 256))
UNAUTHENTIC_CIPHERS = frozenset(f"{ENC}aes{bits}-cbc" for bits in (128, 192, 256))
"""Whoever can alter such a text and watch us refuse it could read it: only where it is signed."""
KEY_TRANSPORTS = frozenset({f"{ENC}rsa-oaep-mgf1p", f"{_ENC11}rsa-oaep"})


def decrypted_child(
    holder: etree._Element, private_keys: Sequence[str], *, signed: bool = False
) -> bytes:
    """Return what an EncryptedAssertion or EncryptedID holds (SAML core §2.2.4, §2.3.4).

    Its key stands within the EncryptedData, or beside it.

    :raises Refused: As :func:`decrypted`.
    """
    holder = copy.deepcopy(holder)
    (data, *beside) = list(holder) or [holder]
    if data.tag != ENCRYPTED_DATA or [key.tag for key in beside] not in ([], [_ENCRYPTED_KEY]):
        raise Refused(say("what is encrypted has unexpected parts"))
    if beside:
        for key_info in data.findall(name(DS, "KeyInfo")):
            # What it says of where the key is, is not followed: there is one key.
            key_info[:] = beside
    return decrypted(data, private_keys, signed=signed)


def decrypted(data: etree._Element, private_keys: Sequence[str], *, signed: bool = False) -> bytes:
    """Return what an EncryptedData holds (XML Encryption §4.2, with the key inside its KeyInfo).

    :param private_keys: PEM texts; the first that opens it does.
    :param signed: Whether a signature over the encrypted text is known to be good. AES-CBC is
        taken only then.
    :raises Refused: When its form or an algorithm is not allowed, or it cannot be decrypted; in
        the latter case the message is always the same.
    """
    data = copy.deepcopy(data)
    # Told that it is XML, xmlsec would parse it itself, with a parser that is not ours.
    data.attrib.pop("Type", None)
    encrypted_key = _check_form(data, CIPHERS | UNAUTHENTIC_CIPHERS if signed else CIPHERS)
    _check_form_of_key(encrypted_key)
    for private_key in private_keys:
        plain = _decrypted(copy.deepcopy(data), private_key)
        if plain is not None:
            return plain
    raise Refused(say("it cannot be decrypted"))


def _decrypted(data: etree._Element, private_key: str) -> bytes | None:
    keys = xmlsec.KeysManager()
    keys.add_key(xmlsec.Key.from_memory(private_key.encode(), xmlsec.constants.KeyDataFormatPem))
    try:
        plain = xmlsec.EncryptionContext(keys).decrypt(data)
    except xmlsec.Error:
        return None
    return plain if isinstance(plain, bytes) else None


def _check_form(data: etree._Element, ciphers: frozenset[str]) -> etree._Element:
    """Return the EncryptedKey of an EncryptedData that holds all it needs."""
    if [child.tag for child in data] != [
        name(ENC, "EncryptionMethod"),
        name(DS, "KeyInfo"),
        name(ENC, "CipherData"),
    ]:
        raise Refused(say("the encrypted data has unexpected parts"))
    method, key_info, cipher = data
    _check_algorithm(method, ciphers)
    _check_cipher_data(cipher)
    if [child.tag for child in key_info] != [_ENCRYPTED_KEY]:
        raise Refused(say("the encrypted data does not hold its key"))
    return key_info[0]


def _check_form_of_key(key: etree._Element) -> None:
    for key_info in key.findall(name(DS, "KeyInfo")):
        # It says for whom the key is encrypted. We have one key, and follow no reference.
        key.remove(key_info)
    if [child.tag for child in key] != [name(ENC, "EncryptionMethod"), name(ENC, "CipherData")]:
        raise Refused(say("the encrypted key has unexpected parts"))
    method, cipher = key
    _check_algorithm(method, KEY_TRANSPORTS)
    _check_cipher_data(cipher)


def _check_algorithm(method: etree._Element, allowed: frozenset[str]) -> None:
    algorithm = method.get("Algorithm", "")
    if algorithm not in allowed:
        raise Refused(say("the algorithm %(algorithm)r is not allowed", algorithm=algorithm[:100]))


def _check_cipher_data(element: etree._Element) -> None:
    """Refuse a CipherReference, which says where on the network to fetch the text."""
    if [child.tag for child in element] != [name(ENC, "CipherValue")]:
        raise Refused(say("the encrypted text is not in the message"))
