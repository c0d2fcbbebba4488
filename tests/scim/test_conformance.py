"""scim2-tester, a suite by others, walks every attribute of every resource over the protocol."""

import pytest
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from app.security.tokens import SCOPES
from tests.factories import a_master_admin
from tests.scim.conftest import new_client


@pytest.fixture
def client(app, account):
    a_master_admin(account)  # so that those the suite makes can be taken back
    scim = new_client(app, account, *SCOPES)
    return WSGISCIMClient(
        app.wsgi_app,
        base_url="http://127.0.0.1:8000/scim/v2",
        headers={"Authorization": f"Bearer {scim.token}"},
    )


def failed(results):
    return [
        f"{each.status.name} {each.title}: {each.reason}"
        for each in results
        if each.status is not Status.SUCCESS
    ]


@pytest.mark.parametrize("resource_type", ["User", "Group"])
def test_every_check_is_a_success(client, resource_type):
    results = check_server(client, resource_types=[resource_type])
    assert len(results) > 30
    assert failed(results) == []


def test_every_check_of_folders_is_a_success(client):
    """Without removals: a folder that loses its parent lies in the root, and says so."""
    results = check_server(client, resource_types=["Folder"], exclude_tags={"patch:remove"})
    run = [each for each in results if each.status is not Status.SKIPPED]
    assert len(run) > 10
    assert failed(run) == []


def test_discovery_is_as_the_rfc_says(client):
    results = check_server(client, include_tags={"discovery"})
    run = [each for each in results if each.status is not Status.SKIPPED]
    assert len(run) > 10
    assert failed(run) == []
