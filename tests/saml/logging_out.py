"""Messages of single logout, as a provider and a browser send them."""

from __future__ import annotations

import base64
import zlib
from functools import cache
from urllib.parse import quote_plus, urlencode

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from app.store.models import Session
from tests.inspection import rows
from tests.saml.provider import encode

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
REDIRECT = "HTTP-Redirect"
POST = "HTTP-POST"


def index_of() -> str:
    (stored,) = rows(Session, revoked_at=None)
    return stored.session_index


def query(provider, document, parameter="SAMLRequest", *, key=None, algorithm=RSA_SHA256, **more):
    """The query of an HTTP-Redirect, signed as a provider signs it."""
    deflated = zlib.compress(document)[2:-4]
    fields = {parameter: base64.b64encode(deflated).decode()} | more | {"SigAlg": algorithm}
    signed = urlencode(fields)
    digest = SHA1() if algorithm == RSA_SHA1 else SHA256()
    signature = private_key(key or provider.key).sign(signed.encode(), padding.PKCS1v15(), digest)
    return f"{signed}&Signature={quote_plus(base64.b64encode(signature))}"


@cache
def private_key(pem):
    """Reading one takes a tenth of a second: its numbers are tried for being primes."""
    return load_pem_private_key(pem.encode(), None)


def form(provider, document, parameter="SAMLRequest", **more):
    root = etree.fromstring(document)
    provider.sign(root)
    return {parameter: encode(root)} | more


def send(browser, query_string):
    return browser.client.get(f"/saml/{browser.connection_id}/slo", query_string=query_string)


def post(browser, fields):
    return browser.client.post(f"/saml/{browser.connection_id}/slo", data=fields)
