"""Counts the nets that come back exactly as they were: imported as a spec, and compiled again.

python tools/roundtrips.py [--random N]     print the counts that docs/import.md shows

A net comes back where the message is the same, fields that are set and fields that are not, after what Caffe itself
upgrades in a file. Caffe's own nets and what it said of recorded ones lie outside the project, in NETCOMPILE_SHARED
(default: `../shared`); where they are missing, so are their lines.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings

import netcompile
from netcompile import caffe_pb2

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("NETCOMPILE_SHARED", ROOT.parent / "shared"))
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
SHOWN = ("bvlc_googlenet", "bvlc_reference_caffenet", "bvlc_alexnet")


def comes_back(net: Message | str, solver: Message | None = None) -> bool:
    """Tell whether a net, and its solver where it is given, is the same after the way there and back."""
    spec = netcompile.import_net(net, solver=solver)
    compiled = netcompile.compile(io.StringIO(spec), check=False)
    # As text, so that a field that is no number equals itself.
    same = str(compiled.net) == str(netcompile.upgrade(net))
    return same and (solver is None or str(compiled.solver) == str(solver))


def published() -> list[str]:
    """Give the nets that come with Caffe."""
    return [path.read_text(encoding="utf-8") for path in sorted((SHARED / "corpus").glob("*.prototxt"))
            if "solver" not in path.name]  # fmt: skip


def recorded(name: str) -> list[str]:
    """Give the recorded nets that Caffe takes."""
    lines = (SHARED / "conformance" / name).read_text(encoding="utf-8").splitlines()
    return [case["prototxt"] for case in map(json.loads, lines) if case["verdict"] == "ok"]


def zoo() -> Iterator[bool]:
    """Try the nets, deploy nets and solvers of the project's specs."""
    for path in SPECS:
        spec = netcompile.compile(path, check=False)
        yield comes_back(spec.net, spec.solver)
        if spec.deploy is not None:
            yield comes_back(spec.deploy)


def randoms(count: int) -> list[bool]:
    """Try messages with any fields, set to any values."""
    sys.path.insert(0, str(ROOT / "tests/importing"))
    from random_nets import nets, solvers  # noqa: PLC0415 - beside the tests

    found: list[bool] = []
    relaxed = settings(max_examples=count // 2, deadline=None, database=None, suppress_health_check=list(HealthCheck))

    @relaxed
    @given(nets())
    def try_net(net: Any) -> None:
        found.append(comes_back(net))

    @relaxed
    @given(solvers())
    def try_solver(solver: Any) -> None:
        found.append(comes_back(caffe_pb2.NetParameter(), solver))

    try_net()
    try_solver()
    return found


def report(what: str, found: list[bool]) -> None:
    """Print one line of the table."""
    sys.stdout.write(f"| {what} | {len(found):,} | {sum(found):,} |\n")


def lines_of(prototxt: str) -> tuple[int, int]:
    """Count the lines of a prototxt, and those of its spec."""
    return prototxt.count("\n"), netcompile.import_net(prototxt).count("\n")


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, default=2000, metavar="N", help="random messages to try (default: 2000)")
    options = parser.parse_args()
    sys.stdout.write("| | tried | come back |\n| --- | --- | --- |\n")
    if SHARED.is_dir():
        report("nets that come with Caffe", list(map(comes_back, published())))
        report("nets on record that Caffe builds", list(map(comes_back, recorded("cases.jsonl"))))
        report("nets on record in old formats", list(map(comes_back, recorded("upgrade_cases.jsonl"))))
    report(f"nets and deploy nets of the {len(SPECS)} specs of the zoo, with their solvers", list(zoo()))
    report("random messages", randoms(options.random))
    sys.stdout.write("\n| | lines of prototxt | of the spec |\n| --- | --- | --- |\n")
    for name in SHOWN if SHARED.is_dir() else ():
        counts = lines_of((SHARED / "corpus" / f"{name}.train_val.prototxt").read_text(encoding="utf-8"))
        sys.stdout.write(f"| {name}, as it comes with Caffe | {counts[0]:,} | {counts[1]:,} |\n")
    counts = lines_of(netcompile.compile(ROOT / "specs/resnet_50.yaml").prototxt())
    sys.stdout.write(f"| resnet_50, as the zoo's spec compiles | {counts[0]:,} | {counts[1]:,} |\n")


if __name__ == "__main__":
    main()
