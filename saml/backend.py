"""pysaml2's cryptography, in process: no program started, no key in a temporary file.

pysaml2 by default starts ``xmlsec1`` for every signature. Where its ``SecurityContext`` is used,
as on its identity-provider side, this backend takes the program's place.
"""

from __future__ import annotations

from typing import Any

from saml2.sigver import CryptoBackend, SigverError

from saml.crypto import sign
from saml.errors import Refused
from saml.signatures import verified
from saml.xml import parse


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
        document = statement.decode() if isinstance(statement, bytes) else str(statement)
        with open(key_file, encoding="ascii") as file:  # noqa: PTH123 - pysaml2 gives a path
            return sign(document, file.read(), node_id)

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
