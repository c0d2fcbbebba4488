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
VALUES_LIMIT = 750_000
"""Most values in one resource: of the smallest ones so many would fit that they fill the memory."""
GROWTH = 4
"""A resource that is not all there is tried again with so much of its length more: a quarter."""
_BLANKS = " \t\r\n"
_ENDS = '"]}'
"""What a text, a list or an object ends with."""
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
    except _TooLarge:
        sentence = say(
            "The file is not JSON, or one resource of it is too large: at most %(size)s MB "
            "and %(values)s values.",
            size=RESOURCE_LIMIT // 1024 // 1024,
            values=VALUES_LIMIT,
        )
        raise Invalid(sentence, field="file") from None
    pages.check()


def _of_object(text: _Text, pages: _Pages) -> Iterator[Any]:
    """Return the resources of a ListResponse, or an object that is none as it is."""
    members: dict[str, Any] = {}
    is_list, of_users, count, total = False, False, 0, None
    text.begin()
    for name in text.names():
        if name == "Resources" and text.peek() == "[":
            is_list, members = True, {}
            for resource in text.items():
                if not count:
                    of_users = isinstance(resource, dict) and "userName" in resource
                count += 1
                yield resource
            continue
        value = text.value()
        if name == "totalResults":
            is_list, total = True, value
        elif not is_list:
            members[name] = value
    if is_list:
        pages.note(of_users, total, count)
    else:
        yield members


class _Pages:
    """How many resources lists say there are, and how many they hold."""

    def __init__(self) -> None:
        self.total: Counter[bool] = Counter()
        self.here: Counter[bool] = Counter()

    def note(self, of_users: bool, total: Any, count: int) -> None:
        self.here[of_users] += count
        if isinstance(total, int):
            self.total[of_users] = max(self.total[of_users], total)

    def check(self) -> None:
        for kind, total in self.total.items():
            if total > self.here[kind]:
                sentence = say(
                    "The file holds %(count)s of %(total)s resources. Put all pages into it.",
                    count=self.here[kind],
                    total=total,
                )
                raise Invalid(sentence, field="file")


class _TooLarge(Exception):
    """A resource takes more memory than one may."""


class _Text:
    """JSON text, of which as much is read as is needed."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._decode = getincrementaldecoder("utf-8-sig")().decode
        self._text, self._at = "", 0
        self._size = self._values = 0

    def begin(self) -> None:
        """Begin with another resource: each may take so much memory."""
        self._size = self._values = 0

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
        :raises _TooLarge: When it is more than what is left of a resource.
        """
        self.peek()
        while True:
            try:
                found, end = _DECODER.raw_decode(self._text, self._at)
                # A number may go on in what is not read yet.
                if self._text[end - 1] in _ENDS or end < len(self._text) or not self._more(1):
                    self._size, self._values = self._with(end)
                    self._at = end
                    return found
            except ValueError:
                self._with(len(self._text))  # All that is here is of it.
                # Much more each time: a long one is not tried over and over.
                if not self._more(max(1, (len(self._text) - self._at) // GROWTH)):
                    raise

    def _with(self, end: int) -> tuple[int, int]:
        """Return the size of the resource and how many values it has, with what ends there.

        :raises _TooLarge: When that is too much.
        """
        size = self._size + end - self._at
        values = 1 + sum(self._text.count(sign, self._at, end) for sign in "[{,") + self._values
        if size > RESOURCE_LIMIT or values > VALUES_LIMIT:
            raise _TooLarge
        return size, values

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
            self.begin()
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
