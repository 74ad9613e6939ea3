"""Findings that are left out because somebody says so, and what can't be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Check = Callable[..., Any]

SPEC = "layers:\n- {name: data, type: Input, shape: {dim: [1, 3, 8, 8]}}\n"
NET = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }\n'
WRONG_NET = f'{NET}layer {{ name: "ip" type: "InnerProduct" bottom: "dta" top: "ip" }}\n'
SOLVER = 'net: "gone.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 0 snapshot: 9 snapshot_prefix: "x"\n'


def test_ignored_codes(check: Check) -> None:
    files = {"s_prototxt": SOLVER}
    assert check("s.prototxt", "--format", "json", **files).codes == ["unread-net", "no-iterations"]
    assert check("s.prototxt", "--format", "json", "--ignore", "unread-net").codes == ["no-iterations"]
    assert check("s.prototxt", "--format", "json", "--ignore", "unread-net,no-iterations", "--strict").codes == []
    assert check("s.prototxt", "--format", "json", "--ignore", "unread-net", "--ignore", "no-iterations").codes == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("unread-nte", "--ignore: there is no code 'unread-nte'; did you mean 'unread-net'?"),
        ("xyzzy", "--ignore: there is no code 'xyzzy'; `netcompile explain --all` lists the codes"),
        ("unknown-bottom", "--ignore: 'unknown-bottom' is an error that can't be silenced: Caffe refuses the net"),
    ],
)
def test_codes_that_cannot_be_ignored(check: Check, code: str, message: str) -> None:
    done = check("a.yaml", "--ignore", f"unread-net,{code}", a_yaml=SPEC)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"netcompile: {message}")


def test_comments(check: Check) -> None:
    solver = 'net: "gone.prototxt"%s\nmax_iter: 0%s\nbase_lr: 0.1 lr_policy: "fixed" snapshot: 9 snapshot_prefix: "x"\n'
    both = solver % ("  # netcompile: ignore[unread-net]", " #netcompile:ignore[ no-snapshot , no-iterations ]")
    assert check("s.prototxt", "--format", "json", s_prototxt=solver % ("", "")).codes == [
        "unread-net",
        "no-iterations",
    ]
    assert check("s.prototxt", "--format", "json", s_prototxt=both).codes == []
    # on another line, or of another code, it has no effect
    other = solver % ("  # netcompile: ignore[no-iterations]", "  # netcompile: ignore[unread-net]")
    assert check("s.prototxt", "--format", "json", s_prototxt=other).codes == ["unread-net", "no-iterations"]


def test_comments_and_lists_of_specs(check: Check) -> None:
    abort = "- {name: d, type: HDF5Data, top: [x], source: s, batch_size: 0, loss_weight: 0}"
    spec = f"layers:\n{abort}%s\n"
    assert check("a.yaml", "--format", "json", "--ignore", "unused-top", a_yaml=spec % "").codes == ["run-abort"]
    for silenced in (spec % "  # netcompile: ignore[run-abort, unused-top]",
                     "lint: {ignore: [run-abort, unused-top]}\n" + spec % ""):  # fmt: skip
        done = check("a.yaml", "--format", "json", a_yaml=silenced)
        assert (done.code, done.codes) == (0, [])


@pytest.mark.parametrize(
    ("comment", "code", "column", "hint"),
    [
        ("ignore[unused-tpo]", "unknown-code", 24, "did you mean 'unused-top'?"),
        ("ignore", "unknown-code", 17, "write `# netcompile: ignore[CODE]`"),
        ("ignore[unread-net, unknown-bottom]", "ignored-error", 36, "mend it"),
    ],
)
def test_comments_that_ask_for_too_much(check: Check, comment: str, code: str, column: int, hint: str) -> None:
    done = check(
        "n.prototxt", "--format", "json", n_prototxt=f"{NET}# netcompile: {comment}\n".replace("\n#", " \n  #")
    )
    (finding,) = (one for one in json.loads(done.out) if one["code"] in ("unknown-code", "ignored-error"))
    assert (finding["code"], finding["line"], finding["hint"]) == (code, 2, hint)
    assert finding["column"] == column
    assert done.code == 0


def test_an_error_stays(check: Check) -> None:
    ignored = WRONG_NET.rstrip() + "  # netcompile: ignore[unknown-bottom]\n"
    done = check("n.prototxt", "--format", "json", n_prototxt=ignored)
    assert done.code == 1
    assert {"unknown-bottom", "ignored-error"} <= set(done.codes)
