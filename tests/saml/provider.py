"""An identity provider for tests: signs responses for real, and lets a test alter them first."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from lxml import etree

from saml.keys import certificate_body, new_key_pair
from saml.xml import DS, SAML, SAMLP, name

ENTITY_ID = "https://idp.example/metadata"
SSO = "https://idp.example/sso"
SLO = "https://idp.example/slo"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"

Change = Callable[[etree._Element], None]


def at(minutes: float) -> str:
    """A time so many minutes from now, as SAML writes it."""
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _key_descriptor(certificate: str) -> str:
    return f"""<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data>
              <ds:X509Certificate>{certificate_body(certificate)}</ds:X509Certificate>
            </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"""


def certificate_until(key: str, end: datetime) -> str:
    """Another certificate of a private key, PEM, that ends at a time."""
    private = load_pem_private_key(key.encode(), None)
    subject = x509.Name([])
    certificate = (
        x509.CertificateBuilder(subject, subject, private.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1))
        .not_valid_after(end)
        .sign(private, SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()


@dataclass
class TestProvider:
    """One identity provider with a key of its own."""

    __test__ = False

    entity_id: str = ENTITY_ID
    key: str = ""
    certificate: str = ""
    own_key: str = ""
    own_certificate: str = ""
    cipher: object = xmlsec.constants.TransformAes256Gcm
    counter: int = field(default=0)
    logout: str | None = None
    """The binding by which it knows single logout, if it does."""

    def __post_init__(self) -> None:
        if not self.key:
            self.key, self.certificate = new_key_pair("test provider")

    def metadata(
        self, *, post: bool = False, certificates: Sequence[str] = (), sso: str = SSO
    ) -> bytes:
        """Return what it says of itself.

        :param certificates: Those it signs with, PEM; none: its own.
        """
        binding = "HTTP-POST" if post else "HTTP-Redirect"
        keys = "".join(map(_key_descriptor, certificates or [self.certificate]))
        return f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
            entityID="{self.entity_id}">
          <md:IDPSSODescriptor protocolSupportEnumeration="{SAMLP}">
            {keys}
            {self._logout()}
            <md:SingleSignOnService Location="{sso}"
              Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}"/>
          </md:IDPSSODescriptor>
        </md:EntityDescriptor>""".encode()

    def _logout(self) -> str:
        if self.logout is None:
            return ""
        return f"""<md:SingleLogoutService Location="{SLO}" ResponseLocation="{SLO}/answers"
            Binding="urn:oasis:names:tc:SAML:2.0:bindings:{self.logout}"/>"""

    def response(
        self,
        sp: str,
        asked: str | None,
        *,
        name_id: str = "ada@example.com",
        before: Change | None = None,
        after: Change | None = None,
        sign: str = "assertion",
        encrypt: str | None = None,
    ) -> str:
        """Return the form field ``SAMLResponse``.

        :param sp: Base URL of the connection at the service provider.
        :param asked: The id of the request it answers.
        :param before: Alters the response before it is signed, ``after`` afterwards.
        :param sign: ``assertion``, ``response``, ``both`` or ``nothing``.
        :param encrypt: Encrypt the assertion for this certificate, PEM, before the response is
            signed.
        """
        root = self._unsigned(sp, asked, name_id)
        if before:
            before(root)
        if sign in ("assertion", "both"):
            self.sign(root.find(name(SAML, "Assertion")))
        if encrypt:
            root = etree.fromstring(etree.tostring(root))
            encrypt_assertion(root, encrypt, self.cipher)
        if sign in ("response", "both"):
            self.sign(root)
        if after:
            # Parsed anew: lxml does not find by name all that xmlsec added to a tree.
            root = etree.fromstring(etree.tostring(root))
            after(root)
        return encode(root)

    def sign(
        self,
        element: etree._Element,
        *,
        method: object = xmlsec.constants.TransformRsaSha256,
        digest: object = xmlsec.constants.TransformSha256,
        key: xmlsec.Key | None = None,
    ) -> etree._Element:
        """Sign an element in place, enveloped, and return its signature."""
        c14n = xmlsec.constants.TransformExclC14N
        signature = xmlsec.template.create(element, c14n, method, ns="ds")
        reference = xmlsec.template.add_reference(signature, digest, uri=f"#{element.get('ID')}")
        xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
        xmlsec.template.add_transform(reference, c14n)
        element.insert(1, signature)
        context = xmlsec.SignatureContext()
        pem = xmlsec.constants.KeyDataFormatPem
        context.key = key or xmlsec.Key.from_memory(self.key.encode(), pem)
        context.register_id(element, "ID")
        context.sign(signature)
        return signature

    def _unsigned(self, sp: str, asked: str | None, name_id: str) -> etree._Element:
        self.counter += 1
        number = f"{id(self)}-{self.counter}"
        answers = f'InResponseTo="{asked}"' if asked else ""
        return etree.fromstring(
            f"""<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="r{number}"
                Version="2.0" IssueInstant="{at(0)}" Destination="{sp}/acs" {answers}>
              <saml:Issuer>{self.entity_id}</saml:Issuer>
              <samlp:Status><samlp:StatusCode Value="{SUCCESS}"/></samlp:Status>
              <saml:Assertion ID="a{number}" Version="2.0" IssueInstant="{at(0)}">
                <saml:Issuer>{self.entity_id}</saml:Issuer>
                <saml:Subject>
                  <saml:NameID>{name_id}</saml:NameID>
                  <saml:SubjectConfirmation Method="{BEARER}">
                    <saml:SubjectConfirmationData Recipient="{sp}/acs" NotOnOrAfter="{at(5)}"
                      {answers}/>
                  </saml:SubjectConfirmation>
                </saml:Subject>
                <saml:Conditions NotBefore="{at(-1)}" NotOnOrAfter="{at(5)}">
                  <saml:AudienceRestriction>
                    <saml:Audience>{sp}/metadata</saml:Audience>
                  </saml:AudienceRestriction>
                </saml:Conditions>
                <saml:AuthnStatement AuthnInstant="{at(0)}" SessionIndex="s{number}">
                  <saml:AuthnContext><saml:AuthnContextClassRef>
                    urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport
                  </saml:AuthnContextClassRef></saml:AuthnContext>
                </saml:AuthnStatement>
                <saml:AttributeStatement>
                  <saml:Attribute Name="mail">
                    <saml:AttributeValue>{name_id}</saml:AttributeValue>
                  </saml:Attribute>
                </saml:AttributeStatement>
              </saml:Assertion>
            </samlp:Response>"""
        )


def encrypt_assertion(root: etree._Element, certificate: str, cipher: object) -> None:
    """Replace the assertion of a response by its encrypted form."""
    _encrypt(root.find(name(SAML, "Assertion")), "EncryptedAssertion", certificate, cipher)


def encrypted_name_id(
    root: etree._Element, certificate: str, local: str = "NameID", *, parent: str | None = None
) -> None:
    """Replace the first name of a person, or what stands for it, by its encrypted form."""
    cipher = xmlsec.constants.TransformAes256Gcm
    within = find(root, parent) if parent else root
    _encrypt(next(within.iter(name(SAML, local))), "EncryptedID", certificate, cipher)


def _encrypt(element: etree._Element, holder: str, certificate: str, cipher: object) -> None:
    manager = xmlsec.KeysManager()
    pem = xmlsec.constants.KeyDataFormatCertPem
    manager.add_key(xmlsec.Key.from_memory(certificate.encode(), pem))
    data = xmlsec.template.encrypted_data_create(
        element, cipher, type=xmlsec.constants.TypeEncElement, ns="xenc"
    )
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    key = xmlsec.template.add_encrypted_key(info, xmlsec.constants.TransformRsaOaep)
    xmlsec.template.encrypted_data_ensure_cipher_value(key)
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    context = xmlsec.EncryptionContext(manager)
    aes = cipher in (xmlsec.constants.TransformAes256Gcm, xmlsec.constants.TransformAes256Cbc)
    context.key = xmlsec.Key.generate(
        xmlsec.constants.KeyDataAes, 256 if aes else 128, xmlsec.constants.KeyDataTypeSession
    )
    # As a document of its own: it names its namespaces itself, as providers' do.
    encrypted = context.encrypt_binary(data, etree.tostring(element, with_tail=False))
    wrapped = etree.Element(name(SAML, holder), nsmap={"saml": SAML})
    wrapped.append(encrypted)
    element.getparent().replace(element, wrapped)


def encode(root: etree._Element | bytes) -> str:
    document = root if isinstance(root, bytes) else etree.tostring(root)
    return base64.b64encode(document).decode()


def find(root: etree._Element, local: str) -> etree._Element:
    """The first element with a local name, wherever it is."""
    return next(root.iter(f"{{*}}{local}"))


def assertion_of(root: etree._Element) -> etree._Element:
    """The assertion that stands directly in a response."""
    return root.find(name(SAML, "Assertion"))


def setting(local: str, attribute: str, value: str | None) -> Change:
    """Set an attribute of the first element of a name, or remove it."""

    def change(root: etree._Element) -> None:
        element = find(root, local)
        if value is None:
            del element.attrib[attribute]
        else:
            element.set(attribute, value)

    return change
