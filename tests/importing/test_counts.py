"""docs/import.md shows what tools/roundtrips.py counts."""

import re
import runpy
from pathlib import Path

import netcompile

ROOT = Path(__file__).parents[2]
TOOL = runpy.run_path(str(ROOT / "tools/roundtrips.py"))
ROW = re.compile(r"^\| ([^|]+?) \| ([\d,]+) \| ([\d,]+) \|$", re.MULTILINE)
PAGE = {
    what: tuple(int(number.replace(",", "")) for number in numbers)
    for what, *numbers in ROW.findall((ROOT / "docs/import.md").read_text(encoding="utf-8"))
}


def test_recorded_nets(shared):
    counts = [
        len(TOOL["published"]()),
        len(TOOL["recorded"]("cases.jsonl")),
        len(TOOL["recorded"]("upgrade_cases.jsonl")),
    ]
    shown = ["nets that come with Caffe", "nets on record that Caffe builds", "nets on record in old formats"]
    assert [PAGE[what] for what in shown] == [(count, count) for count in counts]
    assert TOOL["SHARED"].resolve() == shared.resolve()


def test_the_zoo():
    (shown,) = [counts for what, counts in PAGE.items() if "of the zoo" in what]
    found = list(TOOL["zoo"]())
    assert all(found)
    assert shown == (len(found), len(found))


def test_lines(shared):
    for name in TOOL["SHOWN"]:
        text = (shared / "corpus" / f"{name}.train_val.prototxt").read_text(encoding="utf-8")
        assert PAGE[f"{name}, as it comes with Caffe"] == TOOL["lines_of"](text)


def test_lines_of_the_zoo():
    counts = TOOL["lines_of"](netcompile.compile(ROOT / "specs/resnet_50.yaml").prototxt())
    assert PAGE["resnet_50, as the zoo's spec compiles"] == counts


def test_random_messages():
    found = TOOL["randoms"](20)
    assert len(found) >= 20
    assert all(found)
