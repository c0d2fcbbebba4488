"""pysaml2's own identity-provider side, as a second provider that we did not write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.sigver import RSACrypto, import_rsa_key_from_file
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from saml.backend import InProcessBackend
from tests.saml.provider import TestProvider

URL = "https://pysaml2.example"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
SIGNED = {"sign_alg": SIG_RSA_SHA256, "digest_alg": DIGEST_SHA256}


class Pysaml2Provider:
    """An identity provider. It trusts one service provider, by its metadata."""

    def __init__(self, folder: Path, keys: TestProvider, binding: str) -> None:
        (folder / "key.pem").write_text(keys.key)
        (folder / "certificate.pem").write_text(keys.certificate)
        self._config: dict[str, Any] = {
            "entityid": f"{URL}/metadata",
            "service": {
                "idp": {
                    "endpoints": {
                        "single_sign_on_service": [(f"{URL}/sso", binding)],
                        "single_logout_service": [(f"{URL}/slo", binding)],
                    },
                    "policy": {"default": {"lifetime": {"minutes": 5}}},
                    "want_authn_requests_signed": True,
                }
            },
            "key_file": str(folder / "key.pem"),
            "cert_file": str(folder / "certificate.pem"),
            "crypto_backend": "XMLSecurity",  # named so that it looks for no program
        }
        self.binding = binding
        self.metadata = str(entity_descriptor(IdPConfig().load(self._config | {"metadata": {}})))

    def trust(self, sp_metadata: str) -> None:
        config = IdPConfig().load(self._config | {"metadata": {"inline": [sp_metadata]}})
        self.server = Server(config=config)
        self.server.sec.crypto = InProcessBackend()
        self.server.sec.sec_backend = RSACrypto(import_rsa_key_from_file(self._config["key_file"]))

    def asked(self, message: dict[str, str]) -> dict[str, Any]:
        """Read an AuthnRequest, check its signature, and return how to answer it."""
        request = self.server.parse_authn_request(
            message["SAMLRequest"], self.binding, **self._signature(message)
        )
        assert request.message.destination == f"{URL}/sso"
        return self.server.response_args(request.message, [BINDING_HTTP_POST])

    def response(self, asked: dict[str, Any], name_id: str, **options: Any) -> str:
        """Return the Response for a person, as XML."""
        return str(
            self.server.create_authn_response(
                {"mail": name_id, "givenName": name_id.partition("@")[0].capitalize()},
                in_response_to=asked["in_response_to"],
                destination=asked["destination"],
                sp_entity_id=asked["sp_entity_id"],
                name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=name_id),
                authn={"class_ref": PASSWORD, "authn_auth": URL},
                **SIGNED,
                **options,
            )
        )

    def logout_asked(self, message: dict[str, str]) -> Any:
        """Read a LogoutRequest of ours, check its signature, and return it."""
        found = self.server.parse_logout_request(
            message["SAMLRequest"], self.binding, **self._signature(message)
        )
        return found.message

    def logout_answered(self, message: dict[str, str]) -> Any:
        """Read a LogoutResponse of ours, and return it."""
        return self.server.parse_logout_request_response(
            message["SAMLResponse"], self.binding
        ).response

    def logout_answer(self, asked: Any, sp: str) -> dict[str, str]:
        """Return the answer to a LogoutRequest of ours, as its binding carries it."""
        posted = self.binding == BINDING_HTTP_POST
        answer = self.server.create_logout_response(asked, [self.binding], sign=posted, **SIGNED)
        return self._sent(str(answer), f"{sp}/slo", response=True)

    def logout_request(self, sp: str, name_id: str, session_index: str) -> dict[str, str]:
        """Return a LogoutRequest to us, as its binding carries it."""
        _, request = self.server.create_logout_request(
            f"{sp}/slo",
            f"{sp}/metadata",
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=name_id),
            session_indexes=[session_index],
            sign=self.binding == BINDING_HTTP_POST,
            **SIGNED,
        )
        return self._sent(str(request), f"{sp}/slo", response=False)

    def _sent(self, message: str, to: str, *, response: bool) -> dict[str, str]:
        """Return the fields of the form, or those of the URL, that carry a message."""
        from lxml import html

        redirected = self.binding == BINDING_HTTP_REDIRECT
        more = {"sign": True, "sigalg": SIG_RSA_SHA256} if redirected else {}
        sent = self.server.apply_binding(self.binding, message, to, "back", response, **more)
        if redirected:
            return {"query": dict(sent["headers"])["Location"].partition("?")[2]}
        return dict(html.document_fromstring(sent["data"]).forms[0].form_values())

    def _signature(self, message: dict[str, str]) -> dict[str, str | None]:
        if self.binding == BINDING_HTTP_POST:
            return {}
        return {
            "relay_state": message.get("RelayState"),
            "sigalg": message["SigAlg"],
            "signature": message["Signature"],
        }
