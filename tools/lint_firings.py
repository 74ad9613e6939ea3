"""Lists every lint that fires on the specs of this project and on Caffe's own nets, each with why it is right.

python tools/lint_firings.py           write docs/lint-firings.md
python tools/lint_firings.py --check   write nothing, fail where it is stale

Caffe's own nets lie outside the project, in the folder `corpus` of NETCOMPILE_SHARED (default: `../shared`). Where they
are missing, their part of the page is left as it is.
"""

import argparse
import os
from pathlib import Path

from netcompile.checking import Job, Options, check_file
from netcompile.compiler import Settings
from netcompile.diagnostics import Diagnostic
from netcompile.lints import LAYER_LINTS, LINTS, NET_LINTS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/lint-firings.md"
SHARED = Path(os.environ.get("NETCOMPILE_SHARED", ROOT.parent / "shared"))
CODES = {one.code for one in (*LAYER_LINTS, *LINTS, *NET_LINTS)} | {"old-format"}
HEADER = "<!-- Made by tools/lint_firings.py. -->\n\n"
INTRO = """\
# Where lints fire

A lint that fires on a net which is right costs its users more than it gives. This is every one that fires on the specs
of this project and on the nets that come with Caffe, each looked at, with why it is right.
"""
OURS, CAFFES = "## The specs", "## Caffe's own nets"

# Why a lint is right, by file and code. A firing without a reason here is not written down, but refused.
REASONS = {
    ("fcn_8s.yaml", "zero-weights"): "the net is made to start from VGG's weights, and its scores from 0; nothing in "
    "it says so, and without them nothing is learned",
    ("fcn_8s.yaml", "upsampling"): "its authors put the interpolation in by a script, after the net is made; as the "
    "net stands, it would stay at 0",
    ("mnist_autoencoder.yaml", "duplicate-layer"): "both losses are called `loss`, as in Caffe's own net",
    ("cifar10.cifar10_full_sigmoid_train_test_bn.prototxt", "batch-norm-alone"): "the example has no Scale: its "
    "sigmoids get values around 0 alone, and no scale and shift are learned",
    ("feature_extraction.imagenet_val.prototxt", "zero-weights"): "the net extracts features by loaded weights, and "
    "has no rule that keeps it from being trained",
    ("finetune_pascal_detection.pascal_finetune_trainval_test.prototxt", "random-test"): "mirror is true in the layer "
    "for TEST too, and Caffe mirrors at random there as well",
    ("mnist.mnist_autoencoder.prototxt", "duplicate-layer"): "both losses are called `loss`",
}


def main() -> None:
    """Write or check the page; SystemExit with a message where it is stale."""
    parser = argparse.ArgumentParser(description="List the lints that fire on known nets.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail where the page is stale")
    check = parser.parse_args().check
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    new = page(old)
    if check and new != old:
        raise SystemExit("stale: docs/lint-firings.md; run python tools/lint_firings.py")
    if new != old:
        PAGE.write_text(new, encoding="utf-8")


def page(old: str) -> str:
    """Give the page; the part on Caffe's own nets from `old` where they are not at hand."""
    ours = table(sorted((ROOT / "specs").glob("*.yaml")))
    corpus = sorted(path for path in (SHARED / "corpus").glob("*.prototxt") if "solver" not in path.name)
    theirs = table(corpus) if corpus else old.partition(f"{CAFFES}\n\n")[2]
    return f"{HEADER}{INTRO}\n{OURS}\n\n{ours}\n{CAFFES}\n\n{theirs}"


def table(paths: list[Path]) -> str:
    """Give the firings on some files as a table; SystemExit for one that has no reason."""
    found = [(path, one) for path in paths for one in firings(path)]
    missing = sorted({(path.name, one.code) for path, one in found} - REASONS.keys())
    if missing:
        raise SystemExit(f"no reason is written down for {missing}")
    rows = [
        f"| {path.name}:{one.span.line} | `{one.code}` | {one.message} | {REASONS[path.name, one.code]} |"
        for path, one in found
    ]
    quiet = len(paths) - len({path for path, _ in found})
    head = ["| where | code | message | why it is right |", "| --- | --- | --- | --- |"]
    return "\n".join([*(head if rows else []), *rows, "", f"On the other {quiet} files no lint fires.", ""])


def firings(path: Path) -> list[Diagnostic]:
    """The lints that fire on a file."""
    checked = check_file(Options(Settings()), Job(str(path), given=True))
    return [one for one in checked.findings if one.severity == "warning" and one.code in CODES]


if __name__ == "__main__":
    main()
