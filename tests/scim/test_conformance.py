"""scim2-tester, a suite by others, walks every attribute of every resource over the protocol."""

import pytest
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server


@pytest.fixture
def results(scim):
    client = WSGISCIMClient(
        scim.app.wsgi_app,
        base_url="http://127.0.0.1:8000/scim/v2",
        headers={"Authorization": f"Bearer {scim.token}"},
    )
    return check_server(client)


def test_every_check_is_a_success(results):
    assert len(results) > 100
    failed = [
        f"{each.status.name} {each.title}: {each.reason}"
        for each in results
        if each.status is not Status.SUCCESS
    ]
    assert failed == []
