"""What is no valid SAML is refused, however well it is signed; the schemas are compiled once."""

from __future__ import annotations

import copy
import socket

import pytest
from lxml import etree

from saml import schema
from saml.errors import Refused
from saml.xml import SAML, SAMLP, name
from tests.saml.provider import assertion_of, find, setting


def second_conditions(root):
    conditions = find(root, "Conditions")
    conditions.addnext(copy.deepcopy(conditions))


def subject_at_the_end(root):
    assertion_of(root).append(find(root, "Subject"))


def unknown_element(root):
    etree.SubElement(find(root, "Subject"), name(SAML, "Nickname")).text = "admin"


def unknown_attribute(root):
    find(root, "NameID").set("Really", "admin")


@pytest.mark.parametrize(
    "change",
    [
        second_conditions,
        subject_at_the_end,
        unknown_element,
        unknown_attribute,
        setting("Assertion", "IssueInstant", "yesterday"),
        setting("AuthnStatement", "AuthnInstant", None),
        setting("Response", "Version", None),
        setting("Response", "ID", None),
    ],
)
@pytest.mark.parametrize("encrypt", [False, True])
def test_what_is_not_valid_is_refused_although_it_is_signed(refuses, keys, change, encrypt):
    certificate = keys.own_certificate if encrypt else None
    refuses("not valid SAML", before=change, encrypt=certificate)


def test_types_of_values_may_be_any(browser, provider):
    def typed(root):
        value = find(root, "AttributeValue")
        value.set("{http://www.w3.org/2001/XMLSchema-instance}type", "a:thing")

    response = provider.response(browser.sp, browser.start(), before=typed)
    assert browser.post(response).status_code == 303


def test_the_schemas_are_compiled_once_and_from_files(monkeypatch):
    def refuse(*arguments, **more):
        raise AssertionError("asked the network")

    schema._compiled.cache_clear()
    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for _ in range(2):
        with pytest.raises(Refused, match="not valid SAML: Element 'Response'"):
            schema.check(etree.Element(name(SAMLP, "Response")))
    assert schema._compiled.cache_info().misses == 1
