"""The promises scim2-server asks of a storage, checked by its own suite."""

import pytest
from scim2_server.testing import ScimStorageContract

from scim.service import service_for


class TestDirectoryStorage(ScimStorageContract):
    @pytest.fixture
    def provider(self):
        return service_for("x" * 32).provider
