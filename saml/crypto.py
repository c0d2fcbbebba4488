"""Signing our own messages, in process: RSA-SHA256; XML enveloped, canonicalised exclusively."""

from __future__ import annotations

from typing import Any

import xmlsec
from lxml import etree

from saml.signatures import SIGNATURE, check_form
from saml.xml import SAML, name, parse

SIGNATURE_ALGORITHM = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


def sign(document: str, private_key: str, element_id: str) -> str:
    """Sign the element with an ID, RSA-SHA256, enveloped; return the document.

    A signature that pysaml2 put in as a template is filled in; otherwise one is added, right
    behind the Issuer, where the SAML schemas want it.

    :param private_key: PEM text.
    :raises Refused: When the template asks for what we would not accept, such as SHA-1.
    """
    root = parse(document.encode())
    (element,) = root.xpath("//*[@ID=$id]", id=element_id)
    signature = element.find(SIGNATURE)
    if signature is None:
        signature = _add_template(element)
    context = _context(private_key)
    context.register_id(element, "ID")
    context.sign(signature)
    check_form(signature, element)
    signed: str = etree.tostring(root, encoding="unicode")
    return signed


def sign_bytes(content: bytes, private_key: str) -> bytes:
    """Return the signature of what is no XML, RSA-SHA256 with PKCS #1 v1.5 padding.

    :param private_key: PEM text. It is taken as it is: it is ours, and comes out of its seal. To
        try whether its numbers are primes, as other libraries do, takes 50 times as long.
    """
    signature: bytes = _context(private_key).sign_binary(
        content, xmlsec.constants.TransformRsaSha256
    )
    return signature


def _context(private_key: str) -> Any:
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(private_key.encode(), xmlsec.constants.KeyDataFormatPem)
    return context


def _add_template(element: etree._Element) -> etree._Element:
    signature = xmlsec.template.create(
        element, xmlsec.constants.TransformExclC14N, xmlsec.constants.TransformRsaSha256, ns="ds"
    )
    reference = xmlsec.template.add_reference(
        signature, xmlsec.constants.TransformSha256, uri=f"#{element.get('ID')}"
    )
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
    issuer = element.find(name(SAML, "Issuer"))
    element.insert(0 if issuer is None else element.index(issuer) + 1, signature)
    return signature
