"""Sentences are English texts to all who do not ask for more."""

from __future__ import annotations

import copy
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import zxcvbn.feedback

from app.directory.errors import DirectoryError, Invalid, NotFound
from app.security import passwords
from app.security.password_advice import SENTENCES
from app.words import all_of, any_of, say, say_counted


def test_a_sentence_is_its_english_text_and_knows_what_it_is_made_of():
    said = say("There is no %(what)s %(name)r.", what=say("user"), name="O'Neill")
    assert said == 'There is no user "O\'Neill".'
    assert said.template == "There is no %(what)s %(name)r."
    assert said.values == {"what": "user", "name": "O'Neill"}


def test_a_sentence_without_values_is_said_as_it_stands():
    assert say("100% of it") == "100% of it"


def test_lists_times_and_alternatives_are_told_as_people_read_them():
    at = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert say("%(names)s at %(at)s", names=["a", "b"], at=at) == "a, b at 2026-03-01T09:30:00Z"
    assert any_of(["a"]) == "a"
    assert any_of(["a", "b", "c"]) == "a or b or c"
    assert all_of(["a", "b"]) == "a and b"


@pytest.mark.parametrize("number, text", [(0, "0 groups"), (1, "1 group"), (2, "2 groups")])
def test_what_is_counted_has_the_form_of_its_number(number, text):
    assert say_counted("%(num)s group", "%(num)s groups", number) == text


def test_programs_get_the_text_alone():
    said = say("There is no %(what)s.", what=say("folder"))
    assert json.dumps([said]) == '["There is no folder."]'
    assert orjson.dumps([said]) == b'["There is no folder."]'
    assert repr(said) == "'There is no folder.'"
    assert copy.deepcopy(said) == said
    assert type(str(DirectoryError(said))) is str


def test_a_refusal_knows_its_sentence():
    assert NotFound("user", "ada").sentence.template == "There is no %(what)s %(name)r."
    assert str(NotFound("user", "ada")) == "There is no user 'ada'."
    assert Invalid(say("This is over."), field="until").sentence == "This is over."


def test_all_that_is_said_of_an_easy_password_is_known():
    source = Path(zxcvbn.feedback.__file__).read_text("utf-8")
    source = re.sub(r"""(["'])\s*\\?\n\s*\1""", "", source)
    said = re.findall(r"""_\((["'])(.*?)\1\)""", source, re.DOTALL)
    assert {text for _, text in said} == set(SENTENCES)


def test_an_easy_password_is_refused_in_sentences():
    with pytest.raises(passwords.WeakPassword) as refused:
        passwords.check("aaaaaaaaaaaaaaaa")
    assert str(refused.value).startswith("This is easy to guess. Repeats like")
    assert refused.value.args[0].values["how"] in SENTENCES
