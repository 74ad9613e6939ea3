"""The same input gives the same bytes in another process, in which sets have another order."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUN = """
import sys
from netcompile.cli import main
for line in sys.stdin.read().splitlines():
    print(line, flush=True)
    print(main(line.split()), flush=True)
"""
CALLS = {
    "compile": ["specs/googlenet.yaml --target all -o {}/net.prototxt", "specs/mnist_siamese.yaml --target deploy"],
    "check": ["check tests/errors tests/errors_prototxt", "check tests/errors --format sarif"],
    "others": [
        "import {}/googlenet.prototxt",
        "diff specs/lenet.yaml specs/caffenet.yaml",
        "show specs/densenet_121.yaml",
        "schema",
        "explain --all",
    ],
}


def run(calls, seed):
    """What the command lines print, and their exit codes."""
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", RUN],
        input="\n".join(calls),
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env=environment,
        check=True,
    )


@pytest.mark.parametrize("kind", CALLS)
def test_the_order_of_sets_does_not_matter(kind, tmp_path):
    run([f"specs/googlenet.yaml -o {tmp_path}/googlenet.prototxt"], 0)
    outcomes = []
    for seed in (1, 2):
        (tmp_path / "net.prototxt").unlink(missing_ok=True)
        done = run([call.format(tmp_path) for call in CALLS[kind]], seed)
        files = {path.name: path.read_bytes() for path in sorted(tmp_path.rglob("*.prototxt"))}
        outcomes.append((done.stdout, done.stderr, files))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0][0]) > 1000
