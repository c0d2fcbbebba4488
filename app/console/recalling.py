"""What logs keep of sentences is their English text. Here they are recognised again by it.

The templates are those of the catalogue of the page's language: what is not in it cannot be told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from babel.messages.mofile import read_mo
from flask_babel import get_translations

from app.words import Said, say, say_counted

NESTED = frozenset({"what", "who", "where", "when", "how", "why"})
"""What stands for these in a template is told too: see :func:`app.words.say`."""
LETTERS_NEEDED = 8
"""How many letters of its own a template has at least that begins with a name."""
_PLACE = re.compile(r"%\((\w+)\)([sr])")


@dataclass(frozen=True)
class _Template:
    text: str
    begins: str
    pattern: re.Pattern[str]
    letters: int
    plural: tuple[str, str] | None


def recalled(text: str) -> Said | None:
    """Return the sentence that an English text is; None: none of ours."""
    files = get_translations().files
    return _recalled(text, files[0]) if files else None


@lru_cache(maxsize=2_000)
def _recalled(text: str, file: str) -> Said | None:
    whole, templates = _catalogue(file)
    if text in whole:
        return say(text)
    for each in templates:
        found = each.pattern.fullmatch(text) if text.startswith(each.begins) else None
        if found is None:
            continue
        values = {
            name: (_recalled(value, file) or value) if name in NESTED else value
            for name, value in found.groupdict().items()
            if not name.startswith("_")
        }
        if each.plural is None:
            return say(each.text, **values)
        number = values.pop("num", "1")
        if number.isdecimal():
            return say_counted(*each.plural, int(number), **values)
    return None


@lru_cache(maxsize=8)
def _catalogue(file: str) -> tuple[frozenset[str], list[_Template]]:
    """Return the texts without a place for anything, and the templates: the wordiest first."""
    with Path(file).open("rb") as opened:
        ids = [message.id for message in read_mo(opened) if message.id]
    plurals = {text: (id_[0], id_[1]) for id_ in ids if not isinstance(id_, str) for text in id_}
    texts = dict.fromkeys([id_ for id_ in ids if isinstance(id_, str)] + list(plurals))
    found = [_template(text, plurals.get(text)) for text in texts if _PLACE.search(text)]
    told = [each for each in found if each.letters >= LETTERS_NEEDED or each.begins.strip()]
    told.sort(key=lambda each: -each.letters)
    return frozenset(text for text in texts if not _PLACE.search(text)), told


def _template(text: str, plural: tuple[str, str] | None) -> _Template:
    parts = _PLACE.split(text)  # literal, name, conversion, literal, …
    pattern, seen = [re.escape(_plain(parts[0]))], set()
    places = list(zip(parts[1::3], parts[2::3], parts[3::3], strict=True))
    for number, (name, conversion, literal) in enumerate(places, 1):
        # What follows a place is taken where it stands first, once and for all: with every other
        # split tried too, a text made for it would take minutes.
        some = ".*" if number == len(places) else ".*?"
        value = f"(?P={name})" if name in seen else f"(?P<{name}>{some})"
        if conversion == "r" and name not in seen:
            value = f"(?P<_{name}>['\"])(?P<{name}>{some})(?P=_{name})"
        seen.add(name)
        part = value + re.escape(_plain(literal))
        pattern.append(f"(?>{part})" if number < len(places) and literal else part)
    return _Template(
        text,
        begins=_plain(parts[0]),
        pattern=re.compile("".join(pattern), re.DOTALL),
        letters=sum(letter.isalpha() for literal in parts[::3] for letter in literal),
        plural=plural,
    )


def _plain(literal: str) -> str:
    return literal.replace("%%", "%")
