"""How a SAML provider is described in a form: by its metadata, pasted, in a file, at an address."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import StringField, TextAreaField
from wtforms.validators import Length, Optional

from app.directory.errors import Invalid
from app.saml_parts import saml_part
from app.words import say

LONGEST_DOCUMENT = 2 * 1024 * 1024
LONGEST_URL = 1024
LONGEST_CERTIFICATES = 100_000


class AddressForm(FlaskForm):
    metadata_url = StringField(
        _l("Address of the provider's metadata"),
        [Optional(), Length(1, LONGEST_URL)],
        description=_l(
            "It begins with https://. It is read anew every six hours, so that a new certificate "
            "of the provider is known in time."
        ),
        render_kw={"spellcheck": "false"},
    )


class DocumentForm(FlaskForm):
    file = FileField(_l("The metadata as a file"))
    metadata = TextAreaField(
        _l("Or the metadata itself (XML)"),
        [Optional(), Length(1, LONGEST_DOCUMENT)],
        render_kw={"rows": 4, "spellcheck": "false"},
    )

    @property
    def document(self) -> bytes:
        """Return the metadata that was given; empty: none was."""
        uploaded = self.file.data.read(LONGEST_DOCUMENT + 1) if self.file.data else b""
        return uploaded or (self.metadata.data or "").strip().encode(errors="replace")


def certificates_field(label: Any) -> TextAreaField:
    return TextAreaField(
        label,
        [Optional(), Length(1, LONGEST_CERTIFICATES)],
        description=_l("PEM, with BEGIN CERTIFICATE. Several may follow each other."),
        render_kw={"rows": 4, "spellcheck": "false"},
    )


def only_one(*given: object) -> None:
    """Refuse a form in which nothing was given, or something in several ways.

    :raises Invalid: When it is so.
    """
    if sum(map(bool, given)) != 1:
        raise Invalid(say("Give it in one way, and leave the other fields empty."))


def fetched(url: str) -> bytes:
    """Return the metadata at an address.

    It may take a while, so it is not to be called within a transaction.

    :raises Invalid: When it cannot be fetched.
    """
    document: bytes = saml_part("setup").fetch_metadata(url)
    return document
