"""One hardened way to read XML from outside. What is read once is what everything else uses.

What is allowed is narrow on purpose: UTF-8, no DOCTYPE, no comment or processing instruction, no
relative namespace, no ID twice. Nearly every published way to fool a SAML reader needs one of them.

The bounds are far from what providers send. Within them no document takes long to check; without
them a small one could, since canonicalisation looks at every namespace for every element.
"""

from __future__ import annotations

import re

from lxml import etree

from app.words import say
from saml.errors import Refused

MAX_BYTES = 512 * 1024
MAX_ELEMENTS = 5_000
MAX_DEPTH = 40
MAX_ATTRIBUTES = 100
"""Most attributes of one element."""
MAX_NAMESPACES = 50
"""Most namespaces of a document, counted once for each prefix they have."""

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.")
_ID_NAMES = ("ID", "Id", "id")

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
ENC = "http://www.w3.org/2001/04/xmlenc#"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"


def parse(document: bytes, *, comments: bool = False, limit: int = MAX_BYTES) -> etree._Element:
    """Return the root element of a document.

    :param comments: Whether to let comments and processing instructions pass, as in the metadata
        that an administrator gives. They are removed.
    :raises Refused: When it is too large, not well-formed, or holds what is not allowed.
    """
    if len(document) > limit:
        raise Refused(say("the document is larger than %(limit)s bytes", limit=limit))
    if b"\0" in document or b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        raise Refused(say("the document has a DOCTYPE or is not UTF-8"))
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
        sentence = say("the document is not well-formed XML: %(fault)s", fault=str(error))
        raise Refused(sentence) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Refused(say("the document has a DOCTYPE"))
    _check_nodes(root)
    return root


def name(namespace: str, local: str) -> str:
    """Return a qualified name in lxml's form."""
    return f"{{{namespace}}}{local}"


def _check_nodes(root: etree._Element) -> None:
    if root.getprevious() is not None or root.getnext() is not None:
        raise Refused(say("there is something beside the root element"))
    _check_size(root)
    _check_namespaces(root)
    ids: set[str] = set()
    for node in root.iter():
        if not isinstance(node.tag, str):
            raise Refused(say("the document has a comment, a processing instruction or an entity"))
        _check_ids(node, ids)


def _check_size(root: etree._Element) -> None:
    depth = 0
    count = 0
    for event, node in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        count += event == "start"
        if depth > MAX_DEPTH:
            raise Refused(say("the document is nested more than %(limit)s deep", limit=MAX_DEPTH))
        if count > MAX_ELEMENTS:
            raise Refused(say("the document has more than %(limit)s elements", limit=MAX_ELEMENTS))
        # lxml takes quadratic time to list them, so they are counted first.
        if len(node.attrib) > MAX_ATTRIBUTES:
            raise Refused(
                say("an element has more than %(limit)s attributes", limit=MAX_ATTRIBUTES)
            )


def _check_namespaces(root: etree._Element) -> None:
    declared = {declaration for _, declaration in etree.iterwalk(root, events=("start-ns",))}
    if len(declared) > MAX_NAMESPACES:
        raise Refused(say("the document has more than %(limit)s namespaces", limit=MAX_NAMESPACES))
    if any(uri and not _ABSOLUTE.match(uri) for _, uri in declared):
        raise Refused(say("the document declares a relative namespace"))


def _check_ids(node: etree._Element, seen: set[str]) -> None:
    for key, value in node.attrib.items():
        attribute = etree.QName(key)
        if attribute.localname not in _ID_NAMES:
            continue
        if attribute.namespace:
            raise Refused(say("an ID attribute has a namespace"))
        if value in seen:
            raise Refused(say("an ID is used twice"))
        seen.add(str(value))
