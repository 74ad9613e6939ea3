"""The page of lints that fire on known nets is current, and each firing has its reason."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_current() -> None:
    command = [sys.executable, ROOT / "tools/lint_firings.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_page_covers_caffes_own_nets(shared: Path) -> None:
    page = (ROOT / "docs/lint-firings.md").read_text(encoding="utf-8")
    quiet, named = page.rpartition("On the other ")[2].split()[0], page.partition("## Caffe's own nets")[2]
    nets = [path.name for path in (shared / "corpus").glob("*.prototxt") if "solver" not in path.name]
    assert len(nets) == int(quiet) + len({name for name in nets if f"| {name}:" in named})
