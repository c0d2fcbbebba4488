"""A SCIM client of a fresh account."""

import pytest

from tests.scim.conftest import ScimClient, new_client


@pytest.fixture
def scim(app, account) -> ScimClient:
    return new_client(app, account)
