"""The schemas of SAML (protocol and assertions), compiled once: is a message as they say at all?

A message that is not leaves open how it is read, and one published attack needed that. The
schemas are those that pysaml2 brings along. Nothing is fetched: each import is met by a file.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import as_file, files
from threading import Lock

from lxml import etree

from app.words import say
from saml.errors import Refused
from saml.xml import DS, ENC, SAML, SAMLP, name

_SCHEMA = "http://www.w3.org/2001/XMLSchema"
_FILES = {
    # In this order: an import of what is there already is passed over.
    DS: "xmldsig-core-schema.xsd",
    ENC: "xenc-schema.xsd",
    SAML: "saml-schema-assertion-2.0.xsd",
    SAMLP: "saml-schema-protocol-2.0.xsd",
}
_NAMESPACE = re.compile(r"\{[^}]*\}")
_ONE_AT_A_TIME = Lock()
_VALUE_TYPE = name("http://www.w3.org/2001/XMLSchema-instance", "type")


def check(root: etree._Element) -> None:
    """Check a message, or a part that stands alone, against the schemas.

    What attribute values say of their own type is taken away: we take every value as text, and
    providers name types that are in no schema. So the signatures must have been checked before.

    :raises Refused: When it is not valid; the message names the first fault.
    """
    for value in root.iter(name(SAML, "AttributeValue")):
        value.attrib.pop(_VALUE_TYPE, None)
    schema = _compiled()
    with _ONE_AT_A_TIME:  # the list of faults belongs to the schema, not to the call
        valid = schema.validate(root)
        fault = "" if valid else schema.error_log[0].message
    if not valid:
        fault = _NAMESPACE.sub("", fault)[:300]
        raise Refused(say("the message is not valid SAML: %(fault)s", fault=fault))


@cache
def _compiled() -> etree.XMLSchema:
    with as_file(files("saml2.data.schemas")) as folder:
        wrapper = etree.Element(name(_SCHEMA, "schema"))
        for namespace, file in _FILES.items():
            etree.SubElement(
                wrapper,
                name(_SCHEMA, "import"),
                namespace=namespace,
                schemaLocation=(folder / file).as_uri(),
            )
        return etree.XMLSchema(wrapper)
