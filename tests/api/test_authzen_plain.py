"""The short ways of the decision API come to the same as the long ones."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from app.api.authzen_schemas import (
    LONGEST_NAME,
    SEMANTICS,
    EvaluationSchema,
    EvaluationsSchema,
    loaded,
)
from app.directory import users
from tests.api.pep import EVALUATION, EVALUATIONS, account_of, folder, user
from tests.conftest import write
from tests.factories import a_folder, a_grant, a_group, a_user, an_account

# -- Bodies -----------------------------------------------------------------------

ANYTHING = st.none() | st.booleans() | st.integers() | st.lists(st.text(max_size=2), max_size=2)
TEXTS = st.text(max_size=5) | st.sampled_from(["user", "x" * LONGEST_NAME, "x" * 201, ""])


def things(*names: str) -> st.SearchStrategy:
    """Objects that mostly have all members as they should be, and perhaps one more."""
    right = st.fixed_dictionaries(dict.fromkeys(names, TEXTS), optional={"properties": ANYTHING})
    wrong = st.dictionaries(st.sampled_from(names), TEXTS | ANYTHING) | ANYTHING
    return st.one_of(right, right, right, wrong)


MEMBERS = {
    "subject": things("type", "id"),
    "action": things("name"),
    "resource": things("type", "id"),
}
MORE = {
    "context": st.dictionaries(st.sampled_from(["explain", "x"]), ANYTHING) | ANYTHING,
    "more": ANYTHING,
}
ONE = st.fixed_dictionaries(MEMBERS, optional=MORE)
PARTIAL = st.fixed_dictionaries({}, optional=MEMBERS | MORE)
OPTIONS = st.fixed_dictionaries({}, optional={"evaluations_semantic": st.sampled_from(SEMANTICS)})
MANY = st.fixed_dictionaries(
    {},
    optional=MEMBERS
    | MORE
    | {
        "evaluations": st.lists(PARTIAL | ONE | ANYTHING, max_size=3) | ANYTHING,
        "options": OPTIONS | ANYTHING,
    },
)


def answer(load, document: object) -> object:
    try:
        return load(document)
    except ValidationError as error:
        return "refused", error.messages


@settings(max_examples=400, deadline=None)
@given(schema=st.sampled_from([EvaluationSchema, EvaluationsSchema]), body=ONE | MANY)
def test_a_body_is_read_as_its_schema_reads_it(schema: type[Schema], body):
    assert answer(lambda it: loaded(schema, it), body) == answer(schema().load, body)


def test_other_values_than_objects_are_refused_too():
    for body in (None, [], "subject", 1, [{}]):
        for schema in (EvaluationSchema, EvaluationsSchema):
            assert answer(lambda it, of=schema: loaded(of, it), body) == answer(schema().load, body)


# -- Decisions --------------------------------------------------------------------


def test_one_question_is_answered_as_among_many_and_as_with_its_reason(pep, account, ada, brand):
    below = a_folder(account, "2026", parent=brand)
    bob, gone = a_user(account, "bob"), a_user(account, "gone")
    for who in (bob, gone):
        a_grant(account, who, "reports")
        a_grant(account, who, "editor", below)
    with write(account) as work:
        users.set_active(work, gone, False)
    # Whose userName is another one's id is never taken for that one.
    namesake = a_user(account, ada)
    a_grant(account, a_group(account, members=[namesake]), "manager", brand)
    stranger = a_user(an_account("Other"), "stranger")
    people = [
        ada,
        "ADA@example.com",
        bob,
        "BOB",
        gone,
        "gone",
        stranger,
        "stranger",
        namesake,
        "",
        "\0",
        "é",
    ]
    places = [folder(each) for each in (brand, below, "/", "/Brand/2026", "none", "", "\0")]
    places += [account_of(each) for each in (account, "acme", "Other", "")]
    places.append({"type": "document", "id": brand})
    actions = ("folder.view", "asset.edit", "folder.share", "audit.view", "none")
    subjects = [*map(user, people), {"type": "group", "id": ada}]
    asked = [
        {"subject": subject, "action": {"name": action}, "resource": place}
        for subject, action, place in product(subjects, actions, places)
    ]
    found = pep.post(EVALUATIONS, {"evaluations": asked}).json["evaluations"]
    assert len(found) == len(asked)
    for each, decision in zip(asked, found, strict=True):
        assert pep.post(EVALUATION, each).json == decision, each
        told = pep.post(EVALUATION, each | {"context": {"explain": True}}).json
        assert told["decision"] is decision["decision"], each
    assert sum(each["decision"] for each in found) == 27
