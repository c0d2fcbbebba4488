from __future__ import annotations

import pytest

from tests.console.client import Browser


@pytest.fixture
def browser(app) -> Browser:
    return Browser(app)
