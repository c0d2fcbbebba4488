"""Any directory, any edits: a report finds exactly the edits, and mending it leaves none."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.drift import fixed, found, report
from tests.factories import a_connection, an_account

KEPT = 6
"""How many people there are to begin with."""
GROUPS = ("Designers", "Press", "Ärzte; Berlin")


@dataclass
class One:
    """Somebody a provider knows."""

    name: str
    external_id: str | None
    display_name: str | None
    title: str | None
    active: bool
    emails: tuple[str, ...]
    groups: frozenset[str] = field(default_factory=frozenset)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
EMAILS = st.lists(st.sampled_from(["a@x.com", "b@x.com", "c@x.com"]), unique=True, min_size=1)


def people(numbers: range):
    each = [
        st.builds(
            One,
            name=st.just(f"person{number}"),
            external_id=st.just(f"E{number}") if number % 2 else st.none(),
            display_name=TEXTS,
            title=TEXTS,
            active=st.booleans(),
            emails=EMAILS.map(tuple),
            groups=st.frozensets(st.sampled_from(GROUPS)),
        )
        for number in numbers
    ]
    return st.tuples(*each)


def exported(them: list[One]) -> str:
    """An export as SCIM resources: groups first, and such as nobody is in too."""
    groups = [
        {
            "displayName": name,
            "members": [{"value": f"id of {each.name}"} for each in them if name in each.groups],
        }
        for name in GROUPS
    ]
    users = [
        {
            "id": f"id of {each.name}",
            "userName": each.name,
            "externalId": each.external_id,
            "displayName": each.display_name,
            "title": each.title,
            "active": each.active,
            "emails": [{"value": value} for value in each.emails],
        }
        for each in them
    ]
    return "\n".join(json.dumps(each) for each in (*groups, *users))


def edits(before: dict[str, One], after: dict[str, One]) -> dict[str, dict[str, object]]:
    """What lies between two states of a provider, as a report should tell it."""
    told: dict[str, dict[str, object]] = {}
    for name, one in after.items():
        was = before.get(name)
        if was is None:
            if one.active:
                told.setdefault("missing", {})[name] = {}
            continue
        changes = {
            field: [getattr(was, attribute), getattr(one, attribute)]
            for field, attribute in (
                ("displayName", "display_name"),
                ("title", "title"),
                ("active", "active"),
            )
            if getattr(was, attribute) != getattr(one, attribute)
        }
        for field_, here, there in (
            ("emails", set(was.emails), set(one.emails)),
            ("groups", was.groups, one.groups),
        ):
            if here != there:
                changes[field_] = [sorted(here - there), sorted(there - here)]
        if changes:
            told.setdefault("different", {})[name] = changes
    for name, was in before.items():
        if name not in after and was.active:
            told.setdefault("extra", {})[name] = {}
    return told


def sorted_lists(told):
    for changes in told.get("different", {}).values():
        for name in ("emails", "groups"):
            if name in changes:
                changes[name] = [sorted(side) for side in changes[name]]
    return told


@given(st.data())
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_report_finds_the_edits_and_mending_leaves_none(app, data):
    account = an_account()
    okta = a_connection(account)
    before = data.draw(people(range(KEPT)))
    # Who is inactive from the beginning never comes: nobody is missed who may not come in.
    here = {each.name: each for each in before if each.active}
    first = report(account, okta, exported(list(before)))
    if here:
        fixed(account, first.id)
    assert found(report(account, okta, exported(list(before)))) == {}
    changed = data.draw(people(range(KEPT)))
    stays = data.draw(st.sets(st.integers(0, KEPT - 1), min_size=1))
    new = data.draw(people(range(KEPT, KEPT + 2)))
    after = [data.draw(st.sampled_from([before[n], changed[n]])) for n in sorted(stays)]
    after = data.draw(st.permutations([*after, *new]))
    done = report(account, okta, exported(after))
    assert sorted_lists(found(done)) == edits(here, {each.name: each for each in after})
    if found(done):
        mended = fixed(account, done.id)
        assert not mended.counts.get("refused")
    assert found(report(account, okta, exported(after))) == {}
