"""Genuine responses, altered at random: whatever is still accepted says exactly what was signed."""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from app.store.types import now
from saml import responses
from saml.assertions import Answer, Expected
from saml.errors import Refused
from saml.metadata import read_provider
from saml.options import Options
from saml.trace import Trace
from saml.xml import SAML, name
from tests.saml.provider import TestProvider, encode

SP = "https://sp.example/saml/1"
EVIL = "admin@example.com"
PIECES = [EVIL, "", "x", "<x/>", "<!-- -->", "<?x?>", "&#65;", "&amp;", "\n", "ID", "<![CDATA[a]]>"]

WAYS = ["text", "attribute", "copy", "move", "remove", "wrap", "tag"]


@pytest.fixture(scope="module")
def genuine(keys) -> dict[str, tuple[bytes, Answer, Expected]]:
    """A response signed each way, what it says, and what it is held against."""
    provider = TestProvider(key=keys.key, certificate=keys.certificate)
    metadata = read_provider(provider.metadata())
    found = {}
    for sign in ("assertion", "response", "both"):
        for encrypt in (None, keys.own_certificate):
            expected = Expected(
                metadata,
                f"{SP}/metadata",
                f"{SP}/acs",
                f"{SP}/slo",
                now(),
                Options(),
                lambda: [keys.own_key],
            )
            encoded = provider.response(SP, "id-1", sign=sign, encrypt=encrypt)
            answer = responses.read(encoded, expected, Trace())
            kind = f"{sign} encrypted" if encrypt else sign
            found[kind] = (base64.b64decode(encoded), answer, expected)
    return found


def altered_bytes(data: st.DataObject, document: bytes) -> bytes:
    """Cut something out of the text, and put something else in its place."""
    begin = data.draw(st.integers(0, len(document)))
    length = data.draw(st.sampled_from([0, 0, 1, 2, 10, 100]))
    piece = data.draw(st.one_of(st.sampled_from(PIECES).map(str.encode), st.binary(max_size=3)))
    return document[:begin] + piece + document[begin + length :]


def altered_tree(data: st.DataObject, document: bytes) -> bytes:
    """Change, move, copy or remove elements, as attacks on signatures do."""
    root = etree.fromstring(document)
    elements = list(root.iter())
    element = data.draw(st.sampled_from(elements))
    other = data.draw(st.sampled_from(elements))
    what = data.draw(
        st.sampled_from(["text", "attribute", "copy", "move", "remove", "wrap", "tag"])
    )
    if what == "text":
        element.text = data.draw(st.sampled_from([EVIL, "", " ", "https://evil.example"]))
    elif what == "attribute" and element.attrib:
        key = data.draw(st.sampled_from(sorted(element.attrib)))
        element.set(key, data.draw(st.sampled_from([EVIL, "", "id-2", "2099-01-01T00:00:00Z"])))
    elif what == "tag":
        element.tag = other.tag
    elif what == "wrap" and element is not root:
        wrapper = etree.SubElement(element.getparent(), other.tag)
        wrapper.append(element)
    elif what == "remove" and element is not root:
        element.getparent().remove(element)
    else:
        evil = copy.deepcopy(element)
        for each in _inside(evil, "NameID"):
            each.text = EVIL
        place = data.draw(st.integers(0, len(other)))
        if what == "move" and element is not root and other not in set(element.iter()):
            evil = element
        other.insert(place, evil)
    return etree.tostring(root)


def _inside(element: etree._Element, local: str) -> Iterator[etree._Element]:
    return element.iter(name(SAML, local))


KINDS = [
    f"{sign}{more}" for sign in ("assertion", "response", "both") for more in ("", " encrypted")
]


@pytest.mark.parametrize("alter", [altered_bytes, altered_tree], ids=["bytes", "tree"])
def test_nothing_altered_is_ever_believed(genuine, alter):
    accepted = 0

    @settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data(), kind=st.sampled_from(KINDS), times=st.integers(1, 2))
    def run(data, kind, times):
        nonlocal accepted
        document, answer, expected = genuine[kind]
        changed = document
        for _ in range(times):
            try:
                changed = alter(data, changed)
            except (ValueError, etree.XMLSyntaxError):  # nothing XML can hold
                return
        try:
            found = responses.read(encode(changed), expected, Trace())
        except Refused:
            return
        assert found == answer, changed
        accepted += 1

    run()
    # Most of a response is signed; what is not, such as blanks, may change.
    assert accepted < 500
