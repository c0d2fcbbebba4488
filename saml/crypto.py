"""pysaml2's cryptography, in process: no program started, no key in a file of ours.

pysaml2 by default starts ``xmlsec1`` for every signature. This backend calls the same library
through python-xmlsec instead.
"""

from __future__ import annotations

from typing import Any

import xmlsec
from lxml import etree
from saml2 import xmldsig
from saml2.sigver import CryptoBackend, SigverError

from saml.errors import Refused
from saml.signatures import verified
from saml.xml import SAML, name, parse

SIGNATURE_ALGORITHM = xmldsig.SIG_RSA_SHA256
DIGEST_ALGORITHM = xmldsig.DIGEST_SHA256


class InProcessBackend(CryptoBackend):  # type: ignore[misc]
    """A ``saml2.sigver.CryptoBackend`` over python-xmlsec.

    It signs and verifies; encrypted assertions are not supported yet.
    """

    name = "in-process"

    @property
    def version_nr(self) -> tuple[int, ...]:
        return (1, 3)

    def sign_statement(self, statement: Any, node_name: str, key_file: str, node_id: str) -> str:
        """Fill in the signature template that stands in the named element.

        :param key_file: Path of the private key, PEM.
        """
        with open(key_file, encoding="ascii") as file:  # noqa: PTH123 - pysaml2 gives a path
            return sign(str(statement), file.read(), node_id)

    def validate_signature(
        self, signedtext: Any, cert_file: str, cert_type: str, node_name: str, node_id: str
    ) -> bool:
        """Verify the signature of the element with an ID.

        :raises SigverError: When it is not good.
        """
        text = signedtext if isinstance(signedtext, bytes) else signedtext.encode()
        with open(cert_file, encoding="ascii") as file:  # noqa: PTH123 - pysaml2 gives a path
            certificate = file.read()
        try:
            found = parse(text).xpath("//*[@ID=$id]", id=node_id)
            if len(found) == 1 and verified(found[0], [certificate]):
                return True
        except Refused as error:
            raise SigverError(str(error)) from error
        raise SigverError("the element is not signed")


def sign(document: str, private_key: str, element_id: str) -> str:
    """Sign the element with an ID, RSA-SHA256, enveloped; return the document.

    A signature that pysaml2 put in as a template is filled in; otherwise one is added, right
    behind the Issuer, where the SAML schemas want it.

    :param private_key: PEM text.
    """
    root = parse(document.encode())
    (element,) = root.xpath("//*[@ID=$id]", id=element_id)
    signature = element.find(name(xmldsig.NAMESPACE, "Signature"))
    if signature is None:
        signature = _add_template(element)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(private_key.encode(), xmlsec.constants.KeyDataFormatPem)
    context.register_id(element, "ID")
    context.sign(signature)
    signed: str = etree.tostring(root, encoding="unicode")
    return signed


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
