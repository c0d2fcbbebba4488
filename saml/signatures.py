"""Checking a signature: is this very element what the provider's key signed?

python-xmlsec does the cryptography, in process. Before it may, the signature must have exactly the
form that SAML asks for (SAML core §5.4): one reference, to the parent of the signature, with no
transforms but the enveloped one and exclusive canonicalisation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import xmlsec
from lxml import etree

from app.words import say
from saml.errors import Refused
from saml.xml import DS, ENC, name

EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = f"{DS}enveloped-signature"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"

SIGNATURE_METHODS = frozenset(
    f"{MORE}{kind}-sha{bits}" for kind in ("rsa", "ecdsa") for bits in (256, 384, 512)
)
DIGEST_METHODS = frozenset({f"{ENC}sha256", f"{MORE}sha384", f"{ENC}sha512"})
CANONICALISATION = frozenset({EXCLUSIVE_C14N})
TRANSFORMS = frozenset({ENVELOPED, EXCLUSIVE_C14N})

MAX_PREFIXES = 100
"""Longest list of inclusive namespaces, in characters: each is looked up at every element."""

SIGNATURE = name(DS, "Signature")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def verified(element: etree._Element, certificates: Sequence[str]) -> bool:
    """Tell whether an element carries a signature of its own, once that is known to be good.

    :param certificates: PEM certificates from the connection's metadata. Keys in the message are
        never used.
    :raises Refused: When there is a signature and it is not good.
    """
    signatures = element.findall(SIGNATURE)
    if not signatures:
        return False
    if len(signatures) > 1:
        raise Refused(say("an element has two signatures"))
    signature = signatures[0]
    check_form(signature, element)
    if not any(_matches(signature, element, certificate) for certificate in certificates):
        raise Refused(
            say(
                "the signature matches no certificate of the connection; the message was altered, "
                "or the provider has a new certificate: read its metadata anew"
            )
        )
    return True


def check_form(signature: etree._Element, parent: etree._Element) -> None:
    """Check that a signature has the one form and only the algorithms that we accept.

    :raises Refused: When it has not.
    """
    parts = [child.tag for child in signature]
    expected = [name(DS, "SignedInfo"), name(DS, "SignatureValue"), name(DS, "KeyInfo")]
    if parts not in (expected, expected[:2]):
        raise Refused(say("the signature has unexpected parts"))
    _text_only(signature[1])
    signed_info = signature[0]
    parts = [child.tag for child in signed_info]
    expected = ["CanonicalizationMethod", "SignatureMethod", "Reference"]
    if parts != [name(DS, local) for local in expected]:
        raise Refused(say("the signature must have exactly one reference"))
    canonicalisation, method, reference = signed_info
    _algorithm(canonicalisation, CANONICALISATION)
    _algorithm(method, SIGNATURE_METHODS)
    _check_reference(reference, parent)


def _check_reference(reference: etree._Element, parent: etree._Element) -> None:
    parts = [child.tag for child in reference]
    if parts != [name(DS, local) for local in ("Transforms", "DigestMethod", "DigestValue")]:
        raise Refused(say("the reference has unexpected parts"))
    own_id = parent.get("ID")
    # A plain name: in a URI, "xpointer(…)" would be read as an expression.
    if not own_id or not _NAME.fullmatch(own_id) or reference.get("URI") != f"#{own_id}":
        raise Refused(say("the signature does not refer to the element it stands in"))
    transforms, digest, value = reference
    algorithms = [_algorithm(transform, TRANSFORMS) for transform in transforms]
    if algorithms not in ([ENVELOPED], [ENVELOPED, EXCLUSIVE_C14N]):
        raise Refused(say("the signature has unexpected transforms"))
    _algorithm(digest, DIGEST_METHODS)
    _text_only(value)


def _algorithm(element: etree._Element, allowed: frozenset[str]) -> str:
    algorithm: str = element.get("Algorithm", "")
    if algorithm not in allowed:
        raise Refused(say("the algorithm %(algorithm)r is not allowed", algorithm=algorithm[:100]))
    parameters = list(element)
    if parameters and not (algorithm == EXCLUSIVE_C14N and _is_short_prefix_list(*parameters)):
        raise Refused(say("an algorithm has unexpected parameters"))
    return algorithm


def _is_short_prefix_list(element: etree._Element, *more: etree._Element) -> bool:
    return (
        element.tag == name(EXCLUSIVE_C14N, "InclusiveNamespaces")
        and len(element.get("PrefixList", "")) <= MAX_PREFIXES
        and not len(element)
        and not more
    )


def _text_only(element: etree._Element) -> None:
    if len(element) or not (element.text or "").strip():
        raise Refused(say("a value of the signature is not plain text"))


def _matches(signature: etree._Element, element: etree._Element, certificate: str) -> bool:
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(
        certificate.encode(), xmlsec.constants.KeyDataFormatCertPem
    )
    context.register_id(element, "ID")
    try:
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True
