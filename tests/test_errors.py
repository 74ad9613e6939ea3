"""Each tests/errors/NAME.yaml says on its guilty lines what is found there, as a comment, and nothing else is found.

    - {name: conv1, type: Convolution, kernel_sise: 3}  # E:42: unknown-field: did you mean 'kernel_size'?

`E` or `W`, the column, the code, and a text that the message or its hint must contain. Several expectations for one
line stand behind one another. Warnings count only in a file that expects some, so that a new lint changes no other.
"""

import re
from pathlib import Path

import pytest

import netcompile

FOLDER = Path(__file__).parent / "errors"
EXPECTED = re.compile(r"# ([EW]):(\d+): ([a-z0-9-]+)(?:: (.*?))?(?= # [EW]:|$)")


def expected(text):
    for number, line in enumerate(text.split("\n"), 1):
        for severity, column, code, words in EXPECTED.findall(line.rstrip()):
            yield number, int(column), severity, code, words


def found(spec):
    try:
        diagnostics = netcompile.compile(spec).warnings
    except netcompile.CompileError as error:
        diagnostics = error.diagnostics
    return list(diagnostics)


@pytest.mark.parametrize("spec", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_errors(spec):
    wanted = sorted(expected(spec.read_text(encoding="utf-8")))
    severities = {"error", *("warning" for _, _, severity, _, _ in wanted if severity == "W")}
    diagnostics = [one for one in found(spec) if one.severity in severities]
    got = sorted((d.span.line, d.span.column, d.severity[0].upper(), d.code) for d in diagnostics)
    assert got == [(line, column, severity, code) for line, column, severity, code, _ in wanted], "\n".join(
        map(str, diagnostics)
    )
    for line, column, _, code, words in wanted:
        texts = [
            f"{d.message} {d.hint}" for d in diagnostics if (d.span.line, d.span.column, d.code) == (line, column, code)
        ]
        assert any(words in text for text in texts), texts


def test_there_are_cases():
    assert len(list(FOLDER.glob("*.yaml"))) >= 10
