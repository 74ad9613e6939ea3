"""The texts that mutations start from: what the tests, the examples and the pages of the project are made of."""

import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MOST_BYTES = 20_000
SPECS = (
    "tests/fuzz/seeds/*.yaml",
    "tests/golden/*.yaml",
    "tests/errors/*.yaml",
    "tests/lints/**/*.yaml",
    "specs/*.yaml",
)
NETS = (
    "tests/fuzz/seeds/*.prototxt", "tests/golden/*.prototxt", "tests/errors_prototxt/*.prototxt",
    "tests/importing/*.prototxt",
)  # fmt: skip
PAGES = ("README.md", "docs/*.md")
REGRESSIONS = HERE / "regressions"


def specs():
    """Specs, in the order of their paths."""
    return [*_texts(SPECS), *_fenced("yaml")]


def nets():
    """Nets and solvers, likewise."""
    return [*_texts(NETS), *_fenced("protobuf"), *_fenced("prototxt")]


def seeds_of(target):
    """The texts that inputs of a target are made from; those that once brought out a fault among them."""
    kept = [path.read_bytes().decode("utf-8", "surrogateescape") for path in sorted(REGRESSIONS.glob(f"{target}-*"))]
    return [*kept, *({"prototxt": nets, "commands": lambda: [*specs(), *nets()]}.get(target, specs)())]


def _texts(patterns):
    paths = [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    return [path.read_text(encoding="utf-8") for path in paths if path.stat().st_size <= MOST_BYTES]


def _fenced(language):
    """The texts of a language in the project's pages."""
    pages = [path.read_text(encoding="utf-8") for pattern in PAGES for path in sorted(ROOT.glob(pattern))]
    return [
        text
        for page in pages
        for text in re.findall(rf"^```{language}\b.*?\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    ]
