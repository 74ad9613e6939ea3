"""Each file of tests/errors and tests/errors_prototxt says on its guilty lines what is found; nothing else is.

    - {name: conv1, type: Convolution, kernel_sise: 3}  # E:42: unknown-field: did you mean 'kernel_size'?

`E` or `W`, the column, the code, and a text that the message or its hint must contain. Several expectations for one
line stand behind one another, separated by ` # `.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netcompile.checking import Job, Options, check_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcompile.diagnostics import Diagnostic

FOLDER = Path(__file__).parent
FILES = sorted((*FOLDER.glob("errors/*.yaml"), *FOLDER.glob("errors_prototxt/*.prototxt")))
SETTINGS_OF = runpy.run_path(str(FOLDER.parent / "tools/mistakes.py"))["settings_of"]
EXPECTED = re.compile(r"# ([EW]):(\d+): ([a-z0-9-]+)(?:: (.*?))?(?= # [EW]:|$)")


def expected(text: str) -> Iterator[tuple[int, int, str, str, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        for severity, column, code, words in EXPECTED.findall(line.rstrip()):
            yield number, int(column), severity, code, words


def found(path: Path) -> list[Diagnostic]:
    settings = SETTINGS_OF(path.read_text(encoding="utf-8"))
    checked = check_file(Options(settings), Job(str(path), given=True))
    assert checked.outcome in ("spec", "net"), checked
    return [one for one in checked.findings if one.severity != "note"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_errors(path: Path) -> None:
    wanted = sorted(expected(path.read_text(encoding="utf-8")))
    assert wanted
    diagnostics = found(path)
    got = sorted((d.span.line, d.span.column, d.severity[0].upper(), d.code) for d in diagnostics if d.span)
    assert got == [one[:4] for one in wanted], "\n".join(map(str, diagnostics))
    for line, column, _, code, words in wanted:
        here = [d for d in diagnostics if d.span and (d.span.line, d.span.column, d.code) == (line, column, code)]
        texts = [f"{d.message} {d.hint}" for d in here]
        assert any(words in text for text in texts), texts


def test_there_are_cases() -> None:
    assert len(FILES) > 30
