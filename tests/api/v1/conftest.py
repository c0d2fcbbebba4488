from __future__ import annotations

import pytest

from tests.api.v1.client import Api, an_api_token


@pytest.fixture
def api(app, account) -> Api:
    """The API of a fresh account, as a token that may do everything calls it."""
    return Api(app, an_api_token(account))
