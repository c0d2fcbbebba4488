"""pysaml2's cryptography, in process: no program started, no key in a temporary file.

pysaml2 by default starts ``xmlsec1`` for every signature. Where its ``SecurityContext`` is used,
as on its identity-provider side, this backend takes the program's place.
"""

from __future__ import annotations

from typing import Any

from lxml import etree
from saml2.sigver import CryptoBackend, DecryptError, SignatureError

from saml.crypto import sign
from saml.encryption import ENCRYPTED_DATA, decrypted
from saml.errors import Refused
from saml.signatures import verified
from saml.xml import parse


class InProcessBackend(CryptoBackend):  # type: ignore[misc]
    """A ``saml2.sigver.CryptoBackend`` over python-xmlsec.

    It signs, verifies and decrypts; it does not encrypt. Keys and certificates are files, since
    pysaml2 names them so: our own service provider calls what is behind this class directly.
    """

    name = "in-process"

    def decrypt(self, enctext: Any, key_file: str) -> str:
        """Return a document with each EncryptedData replaced by what it holds.

        :param key_file: Path of the private key, PEM.
        :raises DecryptError: When one cannot be decrypted; pysaml2 then tries its next key.
        """
        text = enctext if isinstance(enctext, bytes) else enctext.encode()
        with open(key_file, encoding="ascii") as file:  # noqa: PTH123 - pysaml2 gives a path
            key = file.read()
        try:
            root = parse(text)
            for data in list(root.iterdescendants(ENCRYPTED_DATA)):
                data.getparent().replace(data, parse(decrypted(data, [key])))
        except Refused as error:
            raise DecryptError(str(error)) from error
        document: str = etree.tostring(root, encoding="unicode")
        return document

    def sign_statement(self, statement: Any, node_name: str, key_file: str, node_id: str) -> str:
        """Fill in the signature template that stands in the named element.

        :param key_file: Path of the private key, PEM.
        :raises SignatureError: When the template asks for what we would not accept ourselves,
            such as pysaml2's default, SHA-1.
        """
        document = statement.decode() if isinstance(statement, bytes) else str(statement)
        with open(key_file, encoding="ascii") as file:  # noqa: PTH123 - pysaml2 gives a path
            key = file.read()
        try:
            return sign(document, key, node_id)
        except Refused as error:
            raise SignatureError(str(error)) from error

    def validate_signature(
        self, signedtext: Any, cert_file: str, cert_type: str, node_name: str, node_id: str
    ) -> bool:
        """Verify the signature of the element with an ID.

        :raises SignatureError: When it is not good; pysaml2 then tries its next certificate.
        """
        text = signedtext if isinstance(signedtext, bytes) else signedtext.encode()
        with open(cert_file, encoding="ascii") as file:  # noqa: PTH123 - pysaml2 gives a path
            certificate = file.read()
        try:
            found = parse(text).xpath("//*[@ID=$id]", id=node_id)
            if len(found) == 1 and verified(found[0], [certificate]):
                return True
        except Refused as error:
            raise SignatureError(str(error)) from error
        raise SignatureError("the element is not signed")
