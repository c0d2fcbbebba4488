"""A small identity provider on pysaml2's own IdP side, for the demo and for tests.

It knows a few made-up people and believes whoever says they are one of them: it is a fixture, not
a product. Its cryptography is Gatehouse's in-process backend, so it needs no program either.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask, Response, abort, render_template_string, request
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.server import Server
from saml2.sigver import RSACrypto
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256
from werkzeug.serving import WSGIRequestHandler, make_server

from saml.backend import InProcessBackend
from saml.keys import new_key_pair

PEOPLE = {
    "ada@example.com": "Ada Lovelace",
    "ben@example.com": "Ben Okri",
    "cleo@example.com": "Cleo Laine",
}

CHOICE = """<!doctype html><html lang="en"><title>Demo provider</title>
<main><h1>Demo identity provider</h1><p>Who are you?</p>
<form method="post">{% for email, name in people.items() %}
<p><button name="email" value="{{ email }}">{{ name }} ({{ email }})</button></p>{% endfor %}
</form></main></html>"""

ANSWER = """<!doctype html><html lang="en"><title>Back to Gatehouse</title>
<form method="post" action="{{ action }}">
<input type="hidden" name="SAMLResponse" value="{{ response }}">
<button>Go on to Gatehouse</button></form></html>"""


@dataclass
class DemoProvider:
    """A running identity provider."""

    url: str
    metadata: str
    _trusted: list[str]
    _config: dict[str, object]

    def trust(self, sp_metadata: str) -> None:
        """Answer requests of the service provider with this metadata."""
        self._trusted.append(sp_metadata)

    def server(self) -> Server:
        """Return pysaml2's IdP, knowing the service providers trusted by now."""
        config = IdPConfig().load(self._config | {"metadata": {"inline": list(self._trusted)}})
        server = Server(config=config)
        server.sec.crypto = InProcessBackend()
        server.sec.sec_backend = RSACrypto(None)  # Checks the signatures of HTTP-Redirect.
        return server


@contextmanager
def running_provider() -> Iterator[DemoProvider]:
    """Run the identity provider on a free port of 127.0.0.1."""
    with TemporaryDirectory(prefix="demo-idp-") as folder:
        app = Flask("demo-idp", static_folder=None)
        http = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
        url = f"http://127.0.0.1:{http.server_port}"
        config = _config(url, Path(folder))
        metadata = str(entity_descriptor(IdPConfig().load(config | {"metadata": {}})))
        provider = DemoProvider(url, metadata, [], config)
        _add_routes(app, provider)
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        try:
            yield provider
        finally:
            http.shutdown()
            thread.join()


class _Quiet(WSGIRequestHandler):
    """Serves without a line for each request: messages do not belong into a log."""

    def log_request(self, *_: object) -> None:
        pass


def _config(url: str, folder: Path) -> dict[str, object]:
    key, certificate = new_key_pair("Demo identity provider")
    (folder / "key.pem").touch(mode=0o600)
    (folder / "key.pem").write_text(key, encoding="ascii")
    (folder / "certificate.pem").write_text(certificate, encoding="ascii")
    return {
        "entityid": f"{url}/metadata",
        "service": {
            "idp": {
                "endpoints": {"single_sign_on_service": [(f"{url}/sso", BINDING_HTTP_REDIRECT)]},
                "policy": {"default": {"lifetime": {"minutes": 5}}},
                "want_authn_requests_signed": True,
            }
        },
        "key_file": str(folder / "key.pem"),
        "cert_file": str(folder / "certificate.pem"),
        "signing_algorithm": SIG_RSA_SHA256,
        "digest_algorithm": DIGEST_SHA256,
        # Named so that pysaml2 does not look for a program; ``server`` puts ours in its place.
        "crypto_backend": "XMLSecurity",
    }


def _add_routes(app: Flask, provider: DemoProvider) -> None:
    @app.get("/metadata")
    def metadata() -> Response:
        return Response(provider.metadata, content_type="application/samlmetadata+xml")

    @app.get("/sso")
    def choose() -> str:
        return render_template_string(CHOICE, people=PEOPLE)

    @app.post("/sso")
    def answer() -> str:
        email = request.form["email"]
        if email not in PEOPLE:
            abort(403)
        server = provider.server()
        query = request.args
        asked = server.parse_authn_request(
            query["SAMLRequest"],
            BINDING_HTTP_REDIRECT,
            relay_state=query.get("RelayState"),
            sigalg=query.get("SigAlg"),
            signature=query.get("Signature"),
        )
        arguments = server.response_args(asked.message, [BINDING_HTTP_POST])
        response = server.create_authn_response(
            {"mail": email, "displayName": PEOPLE[email]},
            in_response_to=arguments["in_response_to"],
            destination=arguments["destination"],
            sp_entity_id=arguments["sp_entity_id"],
            name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=email),
            authn={"class_ref": PASSWORDPROTECTEDTRANSPORT, "authn_auth": provider.url},
            sign_assertion=True,
            sign_response=True,
            sign_alg=SIG_RSA_SHA256,
            digest_alg=DIGEST_SHA256,
        )
        binding = server.apply_binding(
            BINDING_HTTP_POST, str(response), arguments["destination"], response=True
        )
        encoded = binding["data"].split('name="SAMLResponse" value="')[1].split('"')[0]
        return render_template_string(ANSWER, action=arguments["destination"], response=encoded)
