"""Lints beside errors: what is found in a net of which one layer is broken is found in the whole net too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netcompile.checking import Job, Options, check_file
from netcompile.compiler import Settings
from netcompile.lints import LAYER_LINTS, LINTS

if TYPE_CHECKING:
    from netcompile.checking import Checked

ROOT = Path(__file__).parents[2]
SPECS = sorted([*ROOT.glob("specs/*.yaml"), *ROOT.glob("tests/golden/*.yaml")])
# What is broken, and how.
SLIPS = (
    (r"kernel_size: *\d+", "kernel_size: 0"),
    (r"num_output: *\d+", "num_output: 0"),
    (r"\bkernel_size\b", "kernel_sise"),
    (r"type: (Convolution|Pooling|Scale|BatchNorm|InnerProduct)\b", "type: Nothing"),
    (r"bottom: \w+", "bottom: nobody"),
    (r"weight_filler: \w+", "weight_filler: xavir"),
    (r"\bweight_filler\b", "weight_fillr"),
    (r"bias_term: true", "bias_term: 3"),
)
CODES = {one.code for one in (*LAYER_LINTS, *LINTS)}
# Of many layers without a filler the first is named, which may now be another one.
NAMED_ONCE = frozenset({"zero-weights"})
# What deploy or a block does not need depends on all that there is.
OF_ALL = frozenset({"`inputs` names", "is in deploy alone", "does not read the bottom of its use"})


def check(path: Path, text: str) -> Checked:
    return check_file(Options(Settings()), Job(str(path), given=True, data=text.encode()))


def warnings(checked: Checked) -> set[tuple[str, int]]:
    return {
        (one.code, one.span.line)
        for one in checked.findings
        if one.code in CODES and one.span and not any(words in one.message for words in OF_ALL)
    }


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_no_lint_comes_of_an_error_elsewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    whole = warnings(check(path, text))
    lines = text.split("\n")
    broken = [(i, re.sub(a, b, line, count=1)) for i, line in enumerate(lines) for a, b in SLIPS if re.search(a, line)]
    codes = {code for code, _ in whole}
    for i, line in broken[:: len(broken) // 6 + 1]:
        checked = check(path, "\n".join([*lines[:i], line, *lines[i + 1 :]]))
        new = warnings(checked) - whole
        assert not {(code, at) for code, at in new if code not in NAMED_ONCE & codes}, (line, checked.findings)
