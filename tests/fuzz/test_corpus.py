"""Every input the fuzzers have found so far, fed again: no fault, in little time and memory."""

from __future__ import annotations

import pytest

from tests.fuzz.measures import small, within
from tests.fuzz.targets import CORPUS, TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_found_so_far_does_harm(name):
    inputs = sorted((CORPUS / name).iterdir())
    assert inputs
    TARGETS[name](inputs[0].read_bytes())  # what is made once is not counted
    for each in inputs:
        with within():
            TARGETS[name](each.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_nor_does_it_fill_the_memory(name):
    with small():
        for each in sorted((CORPUS / name).iterdir(), key=lambda file: file.stat().st_size)[-5:]:
            TARGETS[name](each.read_bytes())
