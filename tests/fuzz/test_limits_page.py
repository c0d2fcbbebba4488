"""The numbers of docs/limits.md are those of the code."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "limits.md"
ROW = re.compile(r"^\| [^|]* \| ([\d,]+)[^|]* \| [^|]* \| `([a-z_.]+)\.([\w.]+)` \|", re.MULTILINE)
LIMITS = ROW.findall(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("number", "module", "name"), LIMITS, ids=lambda each: each)
def test_a_limit_is_what_the_page_says(number, module, name):
    assert resolve_name(f"{module}:{name}") == int(number.replace(",", ""))


def test_every_limit_that_is_ours_is_looked_at():
    ours = [
        line
        for line in PAGE.read_text("utf-8").splitlines()
        if re.search(r"\| `(app|scim|saml)\.", line)
    ]
    assert len(LIMITS) == len(ours) > 30
