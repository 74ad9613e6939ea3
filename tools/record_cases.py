"""Records what a real Caffe says of the nets in tests/cases: the verdict, and the shapes of what it builds.

    NETCOMPILE_CAFFE_PYTHON=python3 python tools/record_cases.py [--check]

The variable names the interpreter that has pycaffe. A new case is a line with `id`, `type`, `phase` and `net`; this
fills in the rest. `unjudged` says why a case can't be built anywhere, so that its answer is that of Caffe's source.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from netcompile.pycaffe.process import Pycaffe  # noqa: E402
from netcompile.states import State  # noqa: E402

CASES = ROOT / "tests/cases"
AUTOMATIC = re.compile(r"_split_\d+$|^\(automatic\)$")


def main() -> int:
    """Record all cases, or say which recordings are stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where an answer differs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # some nets write files
        stale = record_all(check=options.check)
    return 1 if stale else 0


def record_all(*, check: bool) -> int:
    """Record all files, or count those that are stale."""
    stale = 0
    with Pycaffe(os.environ.get("NETCOMPILE_CAFFE_PYTHON")) as caffe:
        for path in sorted(CASES.glob("*.jsonl")):
            old = path.read_text(encoding="utf-8")
            cases = [json.loads(line) for line in old.splitlines()]
            new = "".join(json.dumps(record(case, caffe)) + "\n" for case in cases)
            if new != old and check:
                stale += 1
                print(f"stale: {path.relative_to(ROOT)}")
            elif new != old:
                path.write_text(new, encoding="utf-8")
    return stale


def record(case: dict, caffe: Pycaffe) -> dict:
    """A case with Caffe's answer."""
    if "unjudged" in case:
        return case
    answer = caffe.build(case["net"], State(case["phase"]))
    head = {key: case[key] for key in ("id", "type", "phase", "net")}
    if answer.refusal is not None:
        return {**head, "verdict": "error"}
    blobs = {name: dims for name, dims in answer.blobs.items() if not AUTOMATIC.search(name)}
    return {**head, "verdict": "ok", "blobs": blobs, "params": answer.params}


if __name__ == "__main__":
    sys.exit(main())
