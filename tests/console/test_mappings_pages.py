"""Mappings in the console: the list, the editor with what it changes, deleting one."""

from __future__ import annotations

import pytest

from app.directory import grants
from app.store.models import Grant, Mapping
from tests.conftest import write
from tests.factories import a_folder, a_group, a_mapping, a_user
from tests.inspection import row, rows


def test_a_mapping_shows_what_it_changes_and_then_does_it(admin, account):
    bob = a_user(account, "bob@example.com")
    group = a_group(account, "Designers", members=[bob])
    a_folder(account, "Brand")
    asked = {"match_value": "Designers", "role": "editor", "folder": "/Brand"}
    seen = admin.submit("/mappings/new", preview="1", **asked).get_data(as_text=True)
    assert "bob@example.com" in seen and "editor: /Brand" in seen
    assert rows(Mapping, account_id=account) == []
    assert admin.submit("/mappings/new", **asked).location == "/mappings"
    assert [each.group_id for each in rows(Grant, account_id=account, origin="mapping")] == [group]
    assert "counts" in admin.text("/mappings")


def test_a_mapping_waits_for_its_group(admin):
    admin.submit("/mappings/new", match_value="Not yet", role="reports")
    assert "waits for its group" in admin.text("/mappings")


def test_what_was_taken_back_is_told(admin, account):
    a_group(account, "Designers")
    a_mapping(account, "Designers", "reports")
    page = "/mappings"
    assert "taken back" not in admin.text(page)
    with write(account) as work:
        grants.revoke(work, row(Grant, origin="mapping").id)
    assert "once the provider changes the group" in admin.text(page)
    assert "counts" not in admin.text(page)
    admin.submit("/mappings/new", match_value="Designers", role="reports")
    assert "taken back" not in admin.text(page) and "counts" in admin.text(page)


def test_a_conflict_is_shown(admin, account):
    brand = a_folder(account, "Brand")
    for role in ("viewer", "manager"):
        a_mapping(account, "Designers", role, brand)
    text = admin.text("/mappings")
    assert "Another mapping gives them manager, which holds all of this." in text


def test_a_mapping_is_deleted_with_what_it_gave(admin, account):
    a_group(account, "Designers")
    mapping = a_mapping(account, "Designers", "reports")
    assert len(rows(Grant, account_id=account, origin="mapping")) == 1
    answer = admin.submit("/mappings", f"/mappings/{mapping}/delete")
    assert answer.location == "/mappings"
    assert rows(Grant, account_id=account, origin="mapping") == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"match_value": "", "role": "reports"}, "match_value"),
        ({"match_value": "x", "role": "reports", "folder": "/No"}, "folder"),
        ({"match_value": "x", "role": "nothing"}, "role"),
        ({"match_value": "x" * 513, "role": "reports"}, "match_value"),
    ],
)
def test_what_does_not_fit_is_said_at_the_field(admin, account, asked, field):
    answer = admin.submit("/mappings/new", **asked)
    assert answer.status_code == 200
    assert f'id="{field}-wrong"' in answer.get_data(as_text=True)
    assert rows(Mapping, account_id=account) == []


def test_nobody_maps_to_more_than_they_hold(admin, account):
    answer = admin.submit("/mappings/new", match_value="Designers", role="master_admin")
    assert answer.status_code == 200 and "alert-danger" in answer.get_data(as_text=True)
    assert rows(Mapping, account_id=account) == []
