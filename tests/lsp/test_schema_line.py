"""Every spec names its schema, for editors, by a path that leads to it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("specs/**/*.yaml"), *ROOT.glob("examples/**/*.yaml")]), ids=lambda path: path.stem
)
def test_first_line_names_the_schema(path):
    named = LINE.match(path.read_text(encoding="utf-8"))
    assert named, "the first line is not `# yaml-language-server: $schema=...`"
    assert (path.parent / named[1]).resolve() == ROOT / "schemas" / "netcompile.schema.json"
