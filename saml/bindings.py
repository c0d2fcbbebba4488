"""Bindings: how messages travel in a browser (SAML bindings §3.4 HTTP-Redirect, §3.5 HTTP-POST).

pysaml2 makes the messages. It keeps its signers in one place for all threads, so signing is done
here, with the key that is handed over.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import unquote_plus, urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509 import load_pem_x509_certificate
from lxml import etree
from saml2.s_utils import deflate_and_base64_encode

from app.words import say
from saml.crypto import SIGNATURE_ALGORITHM, sign, sign_bytes
from saml.errors import Refused
from saml.signatures import MORE, verified
from saml.xml import MAX_BYTES, parse

Parameter = Literal["SAMLRequest", "SAMLResponse"]

_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_SIGNED = ("SAMLRequest", "SAMLResponse", "RelayState", "SigAlg")
"""What a signature covers, in this order."""


def redirect_url(
    location: str, parameter: Parameter, message: Any, key: str | None, relay_state: str = ""
) -> str:
    """Return where to send the browser with a message.

    :param message: A message of pysaml2.
    :param key: Our private key, PEM; None leaves the message unsigned.
    """
    location += "&" if "?" in location else "?"
    fields: dict[str, str] = {parameter: deflate_and_base64_encode(str(message)).decode()}
    if relay_state:
        fields["RelayState"] = relay_state
    if key is None:
        return location + urlencode(fields)
    query = urlencode(fields | {"SigAlg": SIGNATURE_ALGORITHM})
    signature = sign_bytes(query.encode(), key)
    query += "&" + urlencode({"Signature": base64.b64encode(signature).decode()})
    return location + query


def post_value(message: Any, key: str | None) -> str:
    """Return the value of the form field that carries a message.

    :param message: A message of pysaml2, with an id.
    :param key: Our private key, PEM; None leaves the message unsigned.
    """
    signed = str(message) if key is None else sign(str(message), key, message.id)
    return base64.b64encode(signed.encode()).decode()


def decoded(value: str) -> bytes:
    """Return what a form field carries.

    :raises Refused: When it is too large, or no base64.
    """
    if len(value) > MAX_BYTES * 4 // 3 + 4:
        raise Refused(say("the message is larger than %(limit)s bytes", limit=MAX_BYTES))
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refused(say("the message is not base64")) from None


def signed_in_form(value: str, certificates: Sequence[str]) -> etree._Element:
    """Return the message of a form field, once its signature is known to be good.

    :raises Refused: When it is not signed by one of the certificates, or not as it must be.
    """
    root = parse(decoded(value))
    if not verified(root, certificates):
        raise Refused(say("the message is not signed"))
    return root


def signed_in_query(query: str, parameter: Parameter, certificates: Sequence[str]) -> Any:
    """Return the message of an URL, once its signature is known to be good.

    :param query: The query as it was sent: the signature covers its very characters.
    :raises Refused: When it is not signed by one of the certificates, or not as it must be.
    """
    raw = _single_fields(query)
    if parameter not in raw:
        raise Refused(say("the URL must carry one message"))
    if "Signature" not in raw or "SigAlg" not in raw:
        raise Refused(say("the message is not signed"))
    covered = "&".join(f"{field}={raw[field]}" for field in _SIGNED if field in raw)
    signature = decoded(unquote_plus(raw["Signature"]))
    algorithm = unquote_plus(raw["SigAlg"])
    if not any(_matches(each, algorithm, signature, covered) for each in certificates):
        raise Refused(say("the signature matches no certificate of the connection"))
    return parse(_inflated(decoded(unquote_plus(raw[parameter]))))


def _single_fields(query: str) -> dict[str, str]:
    """Return the fields of a query, still encoded.

    One that is there twice, or whose name is encoded, could be read in two ways.
    """
    fields: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name in fields or "%" in name or "+" in name:
            raise Refused(say("a field of the URL is there twice, or its name is encoded"))
        fields[name] = value
    if ("SAMLRequest" in fields) == ("SAMLResponse" in fields):
        raise Refused(say("the URL must carry one message"))
    return fields


def _inflated(data: bytes) -> bytes:
    inflate = zlib.decompressobj(-15)
    try:
        document = inflate.decompress(data, MAX_BYTES + 1)
    except zlib.error:
        raise Refused(say("the message is not compressed as it must be")) from None
    if len(document) > MAX_BYTES or inflate.unconsumed_tail:
        raise Refused(say("the message is larger than %(limit)s bytes", limit=MAX_BYTES))
    return document


def _matches(certificate: str, algorithm: str, signature: bytes, covered: str) -> bool:
    """Tell whether a signature over the query is that of a certificate's key."""
    kind, _, bits = algorithm.removeprefix(MORE).partition("-sha")
    if not algorithm.startswith(MORE) or kind not in ("rsa", "ecdsa") or bits not in _HASHES:
        raise Refused(say("the algorithm %(algorithm)r is not allowed", algorithm=algorithm[:100]))
    key = load_pem_x509_certificate(certificate.encode()).public_key()
    digest = _HASHES[bits]
    try:
        if kind == "rsa" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, covered.encode(), padding.PKCS1v15(), digest)
            return True
        if kind == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_as_der(signature, key), covered.encode(), ec.ECDSA(digest))
            return True
    except (InvalidSignature, ValueError):
        pass
    return False


def _as_der(signature: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    """Return an ECDSA signature as ASN.1: XML signatures are the two numbers alone (RFC 4050)."""
    size = (key.key_size + 7) // 8
    if len(signature) != 2 * size:
        return signature
    numbers = (int.from_bytes(signature[:size]), int.from_bytes(signature[size:]))
    return encode_dss_signature(*numbers)
