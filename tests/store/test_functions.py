"""The SQL functions answer alike on both databases, whatever a JSON document holds."""

from __future__ import annotations

import pytest
from sqlalchemy import exists, select

from app.store.database import db
from app.store.functions import items_in, json_boolean, json_found, json_number, json_text
from app.store.models import User
from tests.conftest import write
from tests.factories import a_user

URN = "urn:example:2.0:User"
DOCUMENT = {
    "title": "Désigner",
    "age": 41,
    "half": 0.5,
    "fun": True,
    "sad": False,
    "nothing": None,
    "list": ["a", "b"],
    URN: {"level": 3, "tags": [{"value": "x", "n": 1}, {"value": "y"}], "deep": {"er": "yes"}},
}


@pytest.fixture
def document(account):
    user_id = a_user(account)
    with write(account):
        db.session.execute(User.__table__.update().values(attributes=DOCUMENT))
    return user_id


def read(expression):
    return db.session.scalar(select(expression).select_from(User))


def test_texts(document):
    assert read(json_text(User.attributes, "title")) == "Désigner"
    assert read(json_text(User.attributes, URN, "deep", "er")) == "yes"
    for names in (("age",), ("fun",), ("list",), ("nothing",), ("missing",), ("title", "deeper")):
        assert read(json_text(User.attributes, *names)) is None


def test_numbers_and_booleans(document):
    assert read(json_number(User.attributes, "age")) == 41
    assert read(json_number(User.attributes, "half")) == 0.5
    assert read(json_number(User.attributes, URN, "level")) == 3
    assert read(json_boolean(User.attributes, "fun")) is True
    assert read(json_boolean(User.attributes, "sad")) is False
    for name in ("title", "list", "nothing", "missing", URN):
        assert read(json_number(User.attributes, name)) is None
        assert read(json_boolean(User.attributes, name)) is None


def test_what_is_there(document):
    assert read(json_found(User.attributes, "list"))
    assert read(json_found(User.attributes, URN, "deep"))
    assert not read(json_found(User.attributes, "nothing"))
    assert not read(json_found(User.attributes, "missing"))


def some_item(condition, *names):
    rows, item = items_in(User.attributes, *names)
    query = exists(select(1).select_from(rows).where(condition(item)).correlate(User))
    return db.session.scalar(select(User.id).where(query)) is not None


def test_items_of_a_list(document):
    assert some_item(lambda item: json_text(item) == "b", "list")
    assert not some_item(lambda item: json_text(item) == "c", "list")
    assert not some_item(lambda item: json_found(item), "title")
    assert not some_item(lambda item: json_found(item), "missing")


def test_items_that_are_objects(document):
    def x_with(number):
        def condition(item):
            return (json_text(item, "value") == "x") & (json_number(item, "n") == number)

        return condition

    assert some_item(x_with(1), URN, "tags")
    assert not some_item(x_with(2), URN, "tags")
