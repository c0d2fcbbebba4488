"""What an administrator sets of a SAML connection, each with the strictest default that works."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from saml2 import saml

from app.directory.errors import Invalid
from app.directory.just_in_time import MODES
from app.security.paths import same_site_path
from app.words import Said, say
from saml.attributes import OURS

NAME_ID_FORMATS = (
    saml.NAMEID_FORMAT_EMAILADDRESS,
    saml.NAMEID_FORMAT_PERSISTENT,
    saml.NAMEID_FORMAT_TRANSIENT,
    saml.NAMEID_FORMAT_UNSPECIFIED,
)
LONGEST_SKEW_SECONDS = 600
LONGEST_SESSION_HOURS = 24 * 31
CONTEXTS_LIMIT = 10
TEXT_LENGTH = 1000
_LISTS = ("authn_contexts", "second_factor_contexts", "may_give")


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of one connection."""

    match_email: bool = False
    """Find people by an e-mail attribute too. Where they can change it at the provider, they
    could become somebody else."""
    name_id_format: str = ""
    """The NameID format asked for; empty: the provider's own choice."""
    sign_requests: bool = True
    force_authn: bool = False
    """People must prove who they are at the provider each time."""
    authn_contexts: tuple[str, ...] = ()
    """The ways of signing in that are good enough, as URIs; none: any."""
    second_factor_contexts: tuple[str, ...] = ()
    """The ways of signing in that count as a second factor, as URIs; none: none does."""
    allow_unsolicited: bool = False
    """Take responses nobody asked for (IdP-initiated). Such a response can sign a person in as
    somebody else without their knowing, so it is off unless the provider's portal needs it."""
    require_encryption: bool = False
    """Refuse assertions that are not encrypted."""
    provisioning: str = "off"
    """Of people nobody pushed: ``off`` refuses them, ``create`` makes them at their first sign-in,
    ``update`` keeps those it made up to date too."""
    attribute_names: dict[str, str] = field(default_factory=dict)
    """What the provider calls each attribute of ours (``saml.attributes.OURS``)."""
    may_give: tuple[str, ...] = ()
    """The roles that the attributes ``accountRole`` and ``folders`` may give at the most."""
    single_logout: bool = True
    """Sign people out at the provider too, where it knows how."""
    clock_skew_seconds: int = 120
    """How far the provider's clock may be from ours."""
    session_hours: int = 0
    """Longest life of a session; 0: the setting of the installation."""
    landing: str = "/"
    """The path people go on to when they asked for none."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Options:
        """Read the options among the settings of a connection."""
        known = {spec.name: settings[spec.name] for spec in fields(cls) if spec.name in settings}
        lists = {name: tuple(known.get(name, ())) for name in _LISTS}
        return cls(**known | lists)

    def as_settings(self) -> dict[str, Any]:
        lists = {name: list(getattr(self, name)) for name in _LISTS}
        return asdict(self) | lists

    def changed(self, **changes: Any) -> Options:
        """Return the options with some changed.

        :raises Invalid: When a value cannot be.
        """
        options = replace(self, **changes)
        for field_, holds, sentence in options._rules():
            if not holds:
                raise Invalid(sentence, field=field_)
        return options

    def _rules(self) -> Iterator[tuple[str, bool, Said]]:
        """What holds of good options: the field, whether it holds, and what to say if not."""
        formats = ("", *NAME_ID_FORMATS)
        names = self.attribute_names
        gives = bool({"accountRole", "folders"} & names.keys())
        are_names = names.keys() <= set(OURS) and all(map(_is_name, names.values()))
        yield (
            "name_id_format",
            self.name_id_format in formats,
            say("A NameID format is one of: %(formats)s.", formats=NAME_ID_FORMATS),
        )
        yield (
            "provisioning",
            self.provisioning in MODES,
            say("Provisioning is one of: %(modes)s.", modes=MODES),
        )
        yield (
            "attribute_names",
            are_names,
            say("Attributes that can be taken from an assertion: %(names)s.", names=OURS),
        )
        yield (
            "may_give",
            bool(self.may_give) or not gives,
            say("Say which roles the attributes accountRole and folders may give."),
        )
        yield (
            "clock_skew_seconds",
            0 <= self.clock_skew_seconds <= LONGEST_SKEW_SECONDS,
            say("The clock skew is from 0 to %(limit)s seconds.", limit=LONGEST_SKEW_SECONDS),
        )
        yield (
            "session_hours",
            0 <= self.session_hours <= LONGEST_SESSION_HOURS,
            say(
                "A session lives from 1 to %(limit)s hours; 0 is the setting of the installation.",
                limit=LONGEST_SESSION_HOURS,
            ),
        )
        for field_ in ("authn_contexts", "second_factor_contexts"):
            contexts = getattr(self, field_)
            yield (
                field_,
                len(contexts) <= CONTEXTS_LIMIT and all(map(_is_uri, contexts)),
                say(
                    "Authentication contexts are URIs such as "
                    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport."
                ),
            )
        yield (
            "landing",
            same_site_path(self.landing) == self.landing,
            say("The landing page is a path of this site, such as /folders."),
        )


def _is_name(text: str) -> bool:
    return 0 < len(text) <= TEXT_LENGTH and text.isprintable()


def _is_uri(text: str) -> bool:
    return ":" in text and text.isprintable() and " " not in text and len(text) <= TEXT_LENGTH
