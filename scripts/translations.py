"""Bring the translations up to date with the texts in the code, and say what is missing.

For each language: its ``messages.po`` gets the new texts, loses those that are gone, and is
compiled. Ends with 1 where something is still to be translated.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "app" / "console" / "translations"
PACKAGES = ("app", "saml", "scim")
KEYWORDS = DEFAULT_KEYWORDS | {
    "_l": None,
    "lazy_pgettext": ((1, "c"), 2),
    "say": None,
    "say_counted": (1, 2),
    # The word for what is not there is their first and second argument.
    "NotFound": (1,),
    "existing": (2,),
}
PLACE = re.compile(r"%\((\w+)\)[a-z]")


def languages() -> list[str]:
    return sorted(path.name for path in TRANSLATIONS.iterdir() if path.is_dir())


def po_of(language: str) -> Path:
    return TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"


def extracted() -> Catalog:
    """Return the texts in the code and the templates, as ``[tool.babel]`` says where they are."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["babel"]
    methods, options = [], {}
    for mapping in settings["mappings"]:
        for pattern in mapping["pattern"]:
            methods.append((pattern, mapping["method"]))
            options[pattern] = {"silent": str(mapping.get("silent", True))}
    catalog = Catalog()
    found = extract_from_dir(ROOT, methods, options, KEYWORDS, directory_filter=_is_ours)
    for file, _line, text, _comments, context in sorted(found, key=lambda each: each[:2]):
        catalog.add(text, locations=[(file, 0)], context=context)
    return catalog


def _is_ours(path: str) -> bool:
    return Path(path).relative_to(ROOT).parts[0] in PACKAGES


def read(language: str) -> Catalog:
    with po_of(language).open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str, template: Catalog) -> Catalog:
    """Return the catalogue of a language with the texts there are now, and no others."""
    catalog = read(language)
    template.creation_date = catalog.creation_date
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    return catalog


def as_po(catalog: Catalog) -> bytes:
    file = BytesIO()
    write_po(file, catalog, width=100, sort_by_file=True, include_lineno=False)
    return file.getvalue()


def compiled(catalog: Catalog) -> bytes:
    file = BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def faults(catalog: Catalog) -> Iterator[str]:
    """Say what is not translated yet, or not well."""
    for message in catalog:
        if message.id:
            wrong = _wrong_with(message)
            if wrong:
                yield f"{wrong}: {_shown(message)}"


def _wrong_with(message: Message) -> str | None:
    ids = message.id if message.pluralizable else (message.id,)
    texts = message.string if message.pluralizable else (message.string,)
    if not all(texts):
        return "not translated"
    if message.fuzzy:
        return "to be looked at again (fuzzy)"
    for text in texts:
        if set(PLACE.findall(text)) - {"num"} != set(PLACE.findall(ids[-1])) - {"num"}:
            return "the places for values differ"
        if text[-1] != ids[-1][-1] and {text[-1], ids[-1][-1]} & set(".:?!…"):
            return "it does not end alike"
        if text != text.strip() or "  " in text:
            return "it has blanks too many"
    return None


def _shown(message: Message) -> str:
    return message.id[-1] if message.pluralizable else message.id


def main() -> int:
    missing = 0
    for language in languages():
        catalog = updated(language, extracted())
        po_of(language).write_bytes(as_po(catalog))
        po_of(language).with_suffix(".mo").write_bytes(compiled(catalog))
        for fault in faults(catalog):
            missing += 1
            sys.stdout.write(f"{language}: {fault}\n")
    sys.stdout.write(f"{missing} to translate.\n" if missing else "Everything is translated.\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
