"""A device for passkeys in software: what browser and device do between them (WebAuthn Level 2).

ES256 keys, attestation "none". A test sets what it lies about.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

USER_PRESENT, ATTESTED = 0x01, 0x40


@dataclass
class Authenticator:
    """One device with one key, in a browser that shows a page."""

    origin: str = "http://127.0.0.1:8000"
    rp_id: str = "127.0.0.1"
    counts: bool = True
    counter: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def id(self) -> str:
        return bytes_to_base64url(self.credential_id)

    def create(self, options: dict[str, Any], **told: Any) -> dict[str, Any]:
        """Make the key known (§7.1): a RegistrationResponseJSON."""
        numbers = self.key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        cose = encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        length = len(self.credential_id).to_bytes(2, "big")
        attested = bytes(16) + length + self.credential_id + cose
        data = self._data(USER_PRESENT | ATTESTED) + attested
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        return self._named(
            clientDataJSON=self._client_data("webauthn.create", options, told),
            attestationObject=bytes_to_base64url(attestation),
            transports=["internal", "made-up"],
        )

    def get(self, options: dict[str, Any], **told: Any) -> dict[str, Any]:
        """Sign a challenge (§7.2): an AuthenticationResponseJSON."""
        self.counter += self.counts
        data = self._data(USER_PRESENT)
        client_data = self._client_data("webauthn.get", options, told)
        signed = data + hashlib.sha256(base64url_to_bytes(client_data)).digest()
        signature = self.key.sign(signed, ec.ECDSA(SHA256()))
        return self._named(
            clientDataJSON=client_data,
            authenticatorData=bytes_to_base64url(data),
            signature=bytes_to_base64url(signature),
        )

    def _data(self, flags: int) -> bytes:
        of_page = hashlib.sha256(self.rp_id.encode()).digest()
        return of_page + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _client_data(self, type_: str, options: dict[str, Any], told: dict[str, Any]) -> str:
        says = {"type": type_, "challenge": options["challenge"], "origin": self.origin} | told
        return bytes_to_base64url(json.dumps(says).encode())

    def _named(self, **response: Any) -> dict[str, Any]:
        return {"id": self.id, "rawId": self.id, "type": "public-key", "response": response}
