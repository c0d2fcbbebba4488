"""One hardened way to read XML from outside. What is read once is what everything else uses.

What is allowed is narrow on purpose: UTF-8, no DOCTYPE, no comment or processing instruction, no
relative namespace, no ID twice. Nearly every published way to fool a SAML reader needs one of them.
"""

from __future__ import annotations

import re

from lxml import etree

from saml.errors import Refused

MAX_BYTES = 512 * 1024
MAX_ELEMENTS = 20_000

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.")
_ID_NAMES = ("ID", "Id", "id")

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"


def parse(document: bytes, *, comments: bool = False, limit: int = MAX_BYTES) -> etree._Element:
    """Return the root element of a document.

    :param comments: Whether to let comments and processing instructions pass, as in the metadata
        that an administrator gives. They are removed.
    :raises Refused: When it is too large, not well-formed, or holds what is not allowed.
    """
    if len(document) > limit:
        raise Refused(f"the document is larger than {limit} bytes")
    if b"\0" in document or b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        raise Refused("the document has a DOCTYPE or is not UTF-8")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=comments,
        remove_pis=comments,
    )
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Refused(f"the document is not well-formed XML: {error}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Refused("the document has a DOCTYPE")
    _check_nodes(root)
    return root


def name(namespace: str, local: str) -> str:
    """Return a qualified name in lxml's form."""
    return f"{{{namespace}}}{local}"


def _check_nodes(root: etree._Element) -> None:
    if root.getprevious() is not None or root.getnext() is not None:
        raise Refused("there is something beside the root element")
    ids: set[str] = set()
    namespaces: set[str] = set()
    for count, node in enumerate(root.iter()):
        if count > MAX_ELEMENTS:
            raise Refused(f"the document has more than {MAX_ELEMENTS} elements")
        if not isinstance(node.tag, str):
            raise Refused("the document has a comment, a processing instruction or an entity")
        namespaces.update(uri for uri in node.nsmap.values() if uri)
        _check_ids(node, ids)
    if any(not _ABSOLUTE.match(uri) for uri in namespaces):
        raise Refused("the document declares a relative namespace")


def _check_ids(node: etree._Element, seen: set[str]) -> None:
    for key, value in node.attrib.items():
        attribute = etree.QName(key)
        if attribute.localname not in _ID_NAMES:
            continue
        if attribute.namespace:
            raise Refused("an ID attribute has a namespace")
        if value in seen:
            raise Refused("an ID is used twice")
        seen.add(str(value))
