"""Groups themselves. Who is in them: test_memberships."""

from __future__ import annotations

import pytest

from app.directory import groups
from app.directory.errors import Invalid, NotFound, VersionMismatch
from app.directory.groups import GroupProfile
from app.store.models import Grant, Group, Membership, NestedGroup, User
from tests.conftest import write
from tests.factories import a_grant, a_group, a_user, an_account
from tests.inspection import audit, epoch, fingerprint, outgoing, row, rows

OUT_OF_BOUNDS = [
    GroupProfile(" "),
    GroupProfile("x" * 513),
    GroupProfile("a\0"),
    GroupProfile("\ud800"),
    GroupProfile("\ufb2c" * 512),
    GroupProfile("a", external_id="x" * 257),
    GroupProfile("a", external_id="\0"),
    GroupProfile("a", attributes={"a": "\0"}),
    GroupProfile("a", attributes={"a": "x" * 131_073}),
]


def replace(account_id: str, group_id: str, profile: GroupProfile, **options) -> bool:
    with write(account_id) as work:
        return groups.replace(work, group_id, profile, **options)


def delete(account_id: str, group_id: str, **options) -> None:
    with write(account_id) as work:
        groups.delete(work, group_id, **options)


def test_a_new_group_is_stored_and_audited(account):
    group_id = a_group(account, " Designers ", external_id="42", attributes={"note": "x"})
    group = row(Group, id=group_id)
    assert (group.display_name, group.display_name_key) == ("Designers", "designers")
    assert (group.external_id, group.attributes, group.version) == ("42", {"note": "x"}, 1)
    (event,) = audit(account, "group.created")
    assert (event.target_id, event.target_name, event.before) == (group_id, "Designers", None)
    assert event.after == {"displayName": "Designers", "externalId": "42", "note": "x"}
    assert outgoing(account)[-1] == "group.created"


def test_names_need_not_be_unique(account):
    assert a_group(account, "Designers") != a_group(account, "designers")


def test_what_is_out_of_bounds_is_invalid(account):
    group_id = a_group(account)
    before = fingerprint()
    for profile in OUT_OF_BOUNDS:
        with pytest.raises(Invalid), write(account) as work:
            groups.create(work, profile)
        with pytest.raises(Invalid):
            replace(account, group_id, profile)
    assert fingerprint() == before


def test_the_longest_name_fits(account):
    assert row(Group, id=a_group(account, "😀" * 512)).display_name == "😀" * 512


def test_replace_audits_before_and_after(account):
    group_id = a_group(account, "Designers")
    assert replace(account, group_id, GroupProfile("Artists", "42"))
    (event,) = audit(account, "group.updated")
    assert event.before == {"displayName": "Designers", "externalId": None}
    assert event.after == {"displayName": "Artists", "externalId": "42"}
    assert row(Group, id=group_id).version == 2


def test_nothing_is_written_when_nothing_changes(account):
    group_id = a_group(account, "Designers", external_id="1", attributes={"a": 1})
    before = fingerprint()
    assert not replace(account, group_id, GroupProfile("Designers ", "1", {"a": 1}))
    assert fingerprint() == before


def test_expected_versions(account):
    group_id = a_group(account)
    before = fingerprint()
    with pytest.raises(VersionMismatch):
        replace(account, group_id, GroupProfile("Artists"), expected_version=2)
    with pytest.raises(VersionMismatch):
        delete(account, group_id, expected_version=2)
    assert fingerprint() == before
    replace(account, group_id, GroupProfile("Artists"), expected_version=1)
    delete(account, group_id, expected_version=2)


def test_delete_keeps_the_members_and_ends_the_rest(account):
    ada, inner = a_user(account), a_group(account)
    group_id = a_group(account, "Designers", members=[ada, inner])
    outer = a_group(account, members=[group_id])
    a_grant(account, group_id, "reports")
    before = epoch(account)
    delete(account, group_id)
    assert {each.id for each in rows(Group)} == {inner, outer}
    assert [each.id for each in rows(User)] == [ada]
    assert rows(Membership) == rows(NestedGroup) == rows(Grant) == []
    assert epoch(account) == before + 1
    (event,) = audit(account, "group.deleted")
    assert event.before == {
        "displayName": "Designers",
        "externalId": None,
        "members": sorted([ada, inner]),
        "member_groups": [inner],
        "groups": [outer],
    }


def test_groups_of_another_account_are_not_found(account):
    stranger = a_group(an_account())
    before = fingerprint()
    for group_id in (stranger, "no such id", "\0", "\ud800"):
        with pytest.raises(NotFound):
            replace(account, group_id, GroupProfile("x"))
        with pytest.raises(NotFound):
            delete(account, group_id)
    assert fingerprint() == before
