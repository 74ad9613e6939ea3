"""docs/hostile.md has every hostile input, with the message that the tests expect."""

from pathlib import Path

import pytest
from cases import EVERYTHING

PAGE = Path(__file__).parents[2] / "docs" / "hostile.md"
HINT = "run python tools/hostile.py --keep-rows"


def table():
    """The cells behind each input of the page."""
    found, area = {}, ""
    for line in PAGE.read_text(encoding="utf-8").split("\n"):
        if line.startswith("## "):
            area = line[3:]
        elif line.startswith("| "):
            what, *cells = line.strip("| ").split(" | ")
            found[area, what] = cells
    return found


ROWS = table()


@pytest.mark.parametrize("case", EVERYTHING, ids=lambda case: f"{case.area}: {case.what}")
def test_row(case):
    assert (case.area, case.what) in ROWS, HINT
    cells = ROWS[case.area, case.what]
    if "could be made here" not in cells[-1]:
        assert int(cells[0]) == case.exit, HINT


def test_no_row_is_left_over():
    areas = {case.area for case in EVERYTHING}
    rows = {(area, what) for area, what in ROWS if area in areas and what not in ("input", "---")}
    assert rows == {(case.area, case.what) for case in EVERYTHING}, HINT


def test_names_fit_in_a_table():
    assert not [case.what for case in EVERYTHING if "|" in case.what]
