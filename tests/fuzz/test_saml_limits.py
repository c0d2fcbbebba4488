"""Each limit of docs/limits.md on XML: what it allows is read, one more refused, both quickly."""

from __future__ import annotations

import base64

import pytest
from lxml import etree

from saml import metadata, signatures, xml
from saml.bindings import decoded
from saml.errors import BadMetadata, Refused
from saml.metadata import read_provider
from saml.xml import parse
from tests.fuzz.measures import small, within
from tests.fuzz.targets import CORPUS, saml_response

GENUINE = (CORPUS / "saml_response" / "genuine").read_bytes()
METADATA = (CORPUS / "authn_metadata" / "genuine").read_bytes()


def around(inner: str, attributes: str = "") -> bytes:
    return f"<a{attributes}>{inner}</a>".encode()


LIMITS = {
    "bytes": (xml.MAX_BYTES, lambda n: around("x" * (n - 7))),
    "elements": (xml.MAX_ELEMENTS, lambda n: around("<b/>" * (n - 1))),
    "depth": (xml.MAX_DEPTH, lambda n: ("<a>" * n + "</a>" * n).encode()),
    "attributes": (
        xml.MAX_ATTRIBUTES,
        lambda n: around("", "".join(f' a{each}=""' for each in range(n))),
    ),
    "namespaces": (
        xml.MAX_NAMESPACES,
        lambda n: around("", "".join(f' xmlns:a{each}="urn:{each}"' for each in range(n))),
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_document_at_the_limit_and_beyond(name):
    limit, document = LIMITS[name]
    with within():
        parse(document(limit))
    with within(), pytest.raises(Refused):
        parse(document(limit + 1))


def test_a_message_in_a_form_at_the_limit_and_beyond():
    document = b"x" * xml.MAX_BYTES
    assert decoded(base64.b64encode(document).decode()) == document
    with pytest.raises(Refused, match="larger"):
        decoded(base64.b64encode(document + b"xxx").decode())


def test_a_list_of_prefixes_at_the_limit_and_beyond():
    for length, fits in ((signatures.MAX_PREFIXES, True), (signatures.MAX_PREFIXES + 1, False)):
        element = etree.Element(xml.name(signatures.EXCLUSIVE_C14N, "InclusiveNamespaces"))
        element.set("PrefixList", "p" * length)
        assert signatures._is_short_prefix_list(element) is fits


def test_metadata_at_the_limit_and_beyond():
    for length, fits in ((metadata.MAX_BYTES, True), (metadata.MAX_BYTES + 1, False)):
        document = METADATA.replace(
            b"</md:Entity", b" " * (length - len(METADATA)) + b"</md:Entity"
        )
        with within():
            try:
                assert read_provider(document) and fits
            except BadMetadata:
                assert not fits
    address = b"https://idp.example/sso"
    for length, fits in ((metadata.MAX_TEXT, True), (metadata.MAX_TEXT + 1, False)):
        document = METADATA.replace(address, address.ljust(length, b"x"))
        try:
            assert read_provider(document) and fits
        except BadMetadata:
            assert not fits


BOMB = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
WIDE = f"<!DOCTYPE a [<!ENTITY a0 '{'x' * 1000}'>]><a>{'&a0;' * 20_000}</a>"
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
PARAMETER = '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/"> %x;]><a/>'
HARMFUL = {
    "entities in entities": f'<!DOCTYPE a [<!ENTITY a0 "x">{BOMB}]><a>&a11;</a>',
    "an entity many times": WIDE,
    "a file": OUTSIDE,
    "an address": PARAMETER,
    "in UTF-16": OUTSIDE.encode("utf-16"),
    "in UTF-7": '<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>',
    "in EBCDIC": OUTSIDE.encode("cp500"),
    "deep": "<a>" * 80_000 + "</a>" * 80_000,
    "deep without an end": "<a>" * 170_000,
    "a huge attribute": f'<a b="{"x" * 500_000}"/>',
    "many attributes": "<a" + "".join(f' a{each}=""' for each in range(50_000)) + "/>",
    "many namespaces": "<a"
    + "".join(f' xmlns:a{each}="u:{each}"' for each in range(20_000))
    + "/>",
    "a huge name": f"<{'a' * 500_000}/>",
    "comments": "<a>" + "<!---->" * 70_000 + "</a>",
    "instructions": "<a>" + "<?x?>" * 100_000 + "</a>",
    "references to characters": "<a>" + "&#65;" * 100_000 + "</a>",
    "CDATA": "<a>" + "<![CDATA[x]]>" * 38_000 + "</a>",
}


@pytest.mark.parametrize("name", HARMFUL)
def test_what_is_made_to_do_harm_is_refused_in_little_time_and_memory(name):
    document = HARMFUL[name]
    document = document if isinstance(document, bytes) else document.encode()
    with within(), small():
        saml_response(document)  # accepts nothing but what was signed
    with within(), pytest.raises(BadMetadata):
        read_provider(document)


@pytest.mark.parametrize("times", [1, 50])
def test_a_genuine_response_blown_up_is_refused_quickly(times):
    """Its signed parts many times over, as wrapping does, up to what a document may be."""
    root = etree.fromstring(GENUINE)
    for child in list(root):
        for _ in range(times):
            root.append(etree.fromstring(etree.tostring(child)))
    with within(), small():
        saml_response(etree.tostring(root))
