"""What all parts of the API have in common: how they are described, and their lists."""

from __future__ import annotations

from json import JSONDecodeError
from typing import Any

from flask import Request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, fields, validate
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from app.lists.paging import LONGEST_CURSOR, LONGEST_PAGE, Page

SEND_JSON = "The body is not called JSON: send the header Content-Type: application/json."


class Strict(Schema):
    """What comes in. A member it does not know is refused: a misspelled one must not be lost."""

    class Meta:
        unknown = RAISE


class _StrictParser(FlaskParser):
    DEFAULT_UNKNOWN_BY_LOCATION = {"json": RAISE, "query": RAISE, "query_and_json": RAISE}

    def _raw_load_json(self, req: Request) -> Any:
        """Return the body. One that Python fails at is no JSON: too deep, or too long a number.

        :raises UnsupportedMediaType: When it is not called JSON. Otherwise there would seem to be
            none, and fields that are there would be missed.
        """
        if not req.is_json and req.get_data():
            raise UnsupportedMediaType(SEND_JSON)
        try:
            return super()._raw_load_json(req)
        except (JSONDecodeError, UnicodeDecodeError):
            raise
        except (RecursionError, ValueError):
            raise JSONDecodeError("It cannot be read", "…", 0) from None


class Part(Blueprint):
    """One part of the API, such as users."""

    ARGUMENTS_PARSER = _StrictParser()

    def add_url_rule(self, *args: Any, tags: list[str] | None = None, **options: Any) -> None:
        """Register a view, described as one of this part."""
        super().add_url_rule(*args, tags=tags or [self.name], **options)


class ListQuery(Strict):
    """What every list is asked with."""

    cursor = fields.String(
        validate=validate.Length(max=LONGEST_CURSOR),
        metadata={"description": "`next` of the page before; none: from the beginning."},
    )
    limit = fields.Integer(
        load_default=100,
        validate=validate.Range(1, LONGEST_PAGE),
        metadata={"description": "How many at the most."},
    )


def page_schema(item: type[Schema]) -> Schema:
    """Return the schema of a page of items."""
    return _page(item, fields.String, "cursor")


def page_after(item: type[Schema]) -> Schema:
    """Return the schema of a page of items that follows a number."""
    return _page(item, fields.Integer, "after")


def _page(item: type[Schema], next_: type[fields.Field[Any]], asked_as: str) -> Schema:
    description = f"`{asked_as}` of the following page; null: this is the last."
    members: dict[str, Any] = {
        "items": fields.List(fields.Nested(item), required=True),
        "next": next_(required=True, allow_none=True, metadata={"description": description}),
    }
    name = item.__name__.removesuffix("Schema")
    page: Schema = Schema.from_dict(members, name=f"{name}Page")()
    return page


def plain(page: Page[Any]) -> dict[str, Any]:
    """Return a page as its schema wants it."""
    return {"items": page.items, "next": page.next}
