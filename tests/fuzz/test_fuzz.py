"""A short run of the fuzzing that `tools/fuzz.py` does at length, the same each time; and what once was a fault."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inputs import make_input
from seeds import REGRESSIONS, seeds_of
from targets import TARGETS, every_command

EXAMPLES = {"loader": 150, "compiler": 150, "prototxt": 150, "commands": 150}
MOST_TIME = timedelta(seconds=30)  # of one input: no time to keep to, but none takes for ever


@pytest.mark.parametrize("target", TARGETS)
def test_target(target):
    seeds = seeds_of(target)
    assert len(seeds) >= 10

    @settings(
        max_examples=EXAMPLES[target],
        derandomize=True,
        database=None,
        deadline=MOST_TIME,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=True))
    def fuzz(random):
        TARGETS[target](make_input(target, seeds, random))

    fuzz()


@pytest.mark.parametrize("path", sorted(REGRESSIONS.iterdir()), ids=lambda path: path.name)
def test_what_once_brought_out_a_fault(path):
    replays = {**TARGETS, "commands": every_command}
    replays[path.name.split("-")[0]](path.read_bytes())
