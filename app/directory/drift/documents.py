"""JSON read one resource after the other: of a large document only the one at hand is in memory."""

from __future__ import annotations

import json
from codecs import getincrementaldecoder
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from app.directory.errors import Invalid
from app.words import say

RESOURCE_LIMIT = 16 * 1024 * 1024
"""Longest resource, in characters: a group of 100,000 members fits."""
_BLANKS = " \t\r\n"
_DECODER = json.JSONDecoder()


def resources(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Return the resources of ListResponses, of arrays, and those that stand by themselves.

    Any number of documents may follow each other, such as a page on each line.

    :raises Invalid: When it is no JSON, or a ListResponse says that there are more.
    """
    text, pages = _Text(chunks), _Pages()
    try:
        while (sign := text.peek()) != "":
            if sign == "[":
                yield from text.items()
            else:
                yield from _of_object(text, pages)
    except (ValueError, RecursionError):  # also of text that is no UTF-8
        raise Invalid(say("The file is not JSON."), field="file") from None
    pages.check()


def _of_object(text: _Text, pages: _Pages) -> Iterator[Any]:
    """Return the resources of a ListResponse, or an object that is none as it is."""
    members: dict[str, Any] = {}
    is_list, first, count = False, None, 0
    for name in text.names():
        if name == "Resources" and text.peek() == "[":
            is_list = True
            for resource in text.items():
                first, count = first or resource, count + 1
                yield resource
        else:
            members[name] = text.value()
    if is_list or "totalResults" in members:
        pages.note(first, members.get("totalResults"), count)
    else:
        yield members


class _Pages:
    """How many resources lists say there are, and how many they hold."""

    def __init__(self) -> None:
        self.total: Counter[bool] = Counter()
        self.here: Counter[bool] = Counter()

    def note(self, first: Any, total: Any, count: int) -> None:
        kind = isinstance(first, dict) and "userName" in first
        self.here[kind] += count
        if isinstance(total, int):
            self.total[kind] = max(self.total[kind], total)

    def check(self) -> None:
        for kind, total in self.total.items():
            if total > self.here[kind]:
                sentence = say(
                    "The file holds %(count)s of %(total)s resources. Put all pages into it.",
                    count=self.here[kind],
                    total=total,
                )
                raise Invalid(sentence, field="file")


class _Text:
    """JSON text, of which as much is read as is needed."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._decode = getincrementaldecoder("utf-8-sig")().decode
        self._text, self._at = "", 0

    def peek(self) -> str:
        """Return the next character that is no blank; empty: there is none."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANKS:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(1):
                return ""

    def value(self) -> Any:
        """Read a value.

        :raises ValueError: When none stands here.
        """
        self.peek()
        while True:
            try:
                found, end = _DECODER.raw_decode(self._text, self._at)
                # A number may go on in what is not read yet.
                if end < len(self._text) or not self._more(1):
                    self._at = end
                    return found
            except ValueError:
                # Twice as much each time: a long one is not tried over and over.
                if not self._more(max(1, len(self._text) - self._at)):
                    raise

    def names(self) -> Iterator[str]:
        """Read an object: yields each name; the caller then reads its value."""
        self._take("{")
        while self.peek() != "}":
            name = self.value()
            self._take(":")
            yield str(name)
            self._go_on("}")
        self._take("}")

    def items(self) -> Iterator[Any]:
        """Read an array item by item."""
        self._take("[")
        while self.peek() != "]":
            yield self.value()
            self._go_on("]")
        self._take("]")

    def _go_on(self, end: str) -> None:
        if self.peek() != end:
            self._take(",")

    def _take(self, sign: str) -> None:
        if self.peek() != sign:
            raise ValueError(sign)
        self._at += 1

    def _more(self, wanted: int) -> bool:
        """Read at least so many characters more; return whether there were any."""
        parts = [self._text[self._at :]]
        self._at, read = 0, 0
        if len(parts[0]) > RESOURCE_LIMIT:
            raise ValueError("too long")
        while read < wanted:
            chunk = next(self._chunks, None)
            if chunk is None:
                parts.append(self._decode(b"", True))
                break
            parts.append(self._decode(chunk))
            read += len(parts[-1])
        grown = "".join(parts)
        more = len(grown) > len(parts[0])
        self._text = grown
        return more
