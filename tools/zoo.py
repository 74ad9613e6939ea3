"""Keeps the zoo of specs and what is said of it together.

python tools/zoo.py table [--check]                     write the tables of docs/zoo.md, or fail where they are stale
python tools/zoo.py compare SPEC TARGET FILE [--record] compare a target with a published file; record its fingerprint
"""

import argparse
import difflib
import json
import sys
from pathlib import Path

from google.protobuf import text_format

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/zoo")]

from nets import NETS, Net, Published  # noqa: E402
from published import FORMS, digests, whole_digest  # noqa: E402

import netcompile  # noqa: E402 - the checkout must come first
from netcompile import caffe_pb2  # noqa: E402

PAGE = ROOT / "docs/zoo.md"
FINGERPRINTS = ROOT / "tests/zoo/fingerprints.json"
START, END = "<!-- made by tools/zoo.py -->\n", "<!-- end -->\n"


def main() -> int:
    """Run a command; 1 where a page is stale or nets differ."""
    parser = argparse.ArgumentParser(description="Keep the zoo of specs and what is said of it together.")
    commands = parser.add_subparsers(required=True)
    table = commands.add_parser("table", help="write the tables of docs/zoo.md")
    table.add_argument("--check", action="store_true", help="write nothing, fail where they are stale")
    table.set_defaults(run=lambda options: write_page(check=options.check))
    compare = commands.add_parser("compare", help="compare a target of a spec with a published file")
    compare.add_argument("spec", choices=[net.spec for net in NETS])
    compare.add_argument("target", choices=FORMS)
    compare.add_argument("file", type=Path)
    compare.add_argument("--record", action="store_true", help="write the fingerprint of the published file")
    compare.set_defaults(run=lambda options: compare_file(options.spec, options.target, options.file, options.record))
    options = parser.parse_args()
    return int(options.run(options))


def compare_file(spec: str, target: str, file: Path, record: bool) -> int:  # noqa: FBT001 - an option of the command
    """Print where a target differs from a published file; 1 where it does."""
    net = next(net for net in NETS if net.spec == spec)
    compiled = netcompile.compile(ROOT / f"specs/{spec}.yaml", variables=dict(net.variables))
    message = (caffe_pb2.SolverParameter if target == "solver" else caffe_pb2.NetParameter)()
    text_format.Parse(file.read_text(encoding="utf-8"), message)
    if target != "solver":
        message = netcompile.upgrade(message)
    published, own = FORMS[target](message), FORMS[target](compiled.message(target))
    if record:
        fingerprints = json.loads(FINGERPRINTS.read_text(encoding="utf-8"))
        entry = {"parts": digests(published), "sha256": whole_digest(published)}
        fingerprints.setdefault(spec, {})[target] = entry
        FINGERPRINTS.write_text(json.dumps(fingerprints, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    lines = difflib.unified_diff(str(published).splitlines(), str(own).splitlines(), file.name, spec, lineterm="")
    print("\n".join(lines) or "equal")
    return int(published != own)


def write_page(*, check: bool) -> int:
    """Write the tables between the marks of the page; with `check`, 1 where that would change it."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    new = f"{before}{START}{tables()}{END}{after}"
    if check:
        if new != text:
            print("docs/zoo.md is stale: run python tools/zoo.py table", file=sys.stderr)
        return int(new != text)
    PAGE.write_text(new, encoding="utf-8")
    return 0


def tables() -> str:
    """Give the table of specs and that of the published files."""
    head = "| spec | net | deploy | solver | learned values | YAML | prototxt |\n|---|---|---|---|---|---|---|\n"
    rows = "".join(_row(net) for net in NETS)
    return f"\n{head}{rows}\n{_sources()}\n"


def _row(net: Net) -> str:
    path = ROOT / f"specs/{net.spec}.yaml"
    compiled = netcompile.compile(path)
    targets = {one.target for one in net.published}
    net_targets = ("train", "test") if "train" in targets else ("net",)
    equal = [_equal(net, net_targets), _equal(net, ("deploy",)), _equal(net, ("solver",))]
    lines = sum(_lines(compiled.prototxt(target)) for target in (*net_targets, "deploy", "solver"))
    learned = f"{net.learned:,}" + (f" (deploy {net.deployed:,})" if net.deployed else "")
    link = f"[{net.spec}](../specs/{net.spec}.yaml)"
    return f"| {link} | {' | '.join(equal)} | {learned} | {_yaml_lines(path)} | {lines:,} |\n"


def _equal(net: Net, targets: tuple[str, ...]) -> str:
    sources = {_source(one) for one in net.published if one.target in targets}
    return ", ".join(sorted(sources)) or "own"


def _source(published: Published) -> str:
    return "BVLC" if published.repository is None else published.repository.split("/")[0]


def _lines(text: str) -> int:
    return len(text.splitlines())


def _yaml_lines(path: Path) -> str:
    """Count the lines of a spec, and those of the libraries that it imports."""
    text = path.read_text(encoding="utf-8")
    imports = next((line for line in text.splitlines() if line.startswith("imports:")), "[]")
    names = [name.strip() for name in imports[imports.index("[") + 1 : -1].split(",") if name.strip()]
    shared = sum(_lines((path.parent / name).read_text(encoding="utf-8")) for name in names)
    return f"{_lines(text)} + {shared}" if shared else str(_lines(text))


def _sources() -> str:
    rows = []
    for net in NETS:
        for one in net.published:
            where = f"`{one.path}`" if one.repository is None else f"`{one.repository}` `{one.path}` at {one.commit}"
            seen = "in each test run" if one.repository is None else one.compared
            rows.append(f"| {net.spec} {one.target} | {where} | {seen} | {one.edits} |\n")
    return "| target | published file | compared | changed in it before |\n|---|---|---|---|\n" + "".join(rows)


if __name__ == "__main__":
    sys.exit(main())
