"""What a code of a finding means, with a wrong text and a right one, for people and for the docs.

An example is a file of its own, `examples/CODE.yaml` (or `.prototxt`): the wrong text, a line `---`, the right text.
The tests run both. Only this module reads them, and only when somebody asks.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from netcompile.codes import CODES
from netcompile.diagnostics import did_you_mean
from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from netcompile.codes import Code

EXAMPLES: Final = Path(__file__).with_name("examples")
_LANGUAGES: Final = ("yaml", "prototxt")
_SILENCE: Final = (
    "Where it is meant, silence it: `# netcompile: ignore[{code}]` on the line, `lint: {{ignore: [{code}]}}` in the "
    "spec, `--ignore {code}`, or `ignore` under `[tool.netcompile]` in pyproject.toml."
)


class Example(NamedTuple):
    """A text that gives the finding, and one that doesn't. `language` is "yaml" or "prototxt"."""

    language: str
    wrong: str
    right: str


def explain(code: str, *, markdown: bool = False) -> str:
    """Say all there is to say about `code`. Raises LookupError, which names the code that was probably meant."""
    if code not in CODES:
        meant = did_you_mean(code, CODES)
        raise LookupError(f"there is no code '{code}'" + (f"; did you mean '{meant}'?" if meant else ""))
    paragraphs = [CODES[code].meaning]
    if CODES[code].silenceable:
        paragraphs.append(_SILENCE.format(code=code))
    found = example(code)
    if found is not None:
        quote = _fenced if markdown else _indented
        paragraphs += ["Wrong:", quote(found.wrong, found.language), "Right:", quote(found.right, found.language)]
    return "\n\n".join([_title(CODES[code], markdown=markdown), *paragraphs]) + "\n"


def explain_all() -> str:
    """List every code on a line of its own, with its severity and meaning."""
    columns = max(map(len, CODES))
    return "".join(f"{code.name:<{columns}}  {code.severity:<7}  {code.meaning}\n" for code in CODES.values())


def example(code: str) -> Example | None:
    """Read the example of `code`; None where there is none."""
    for language in _LANGUAGES:
        path = EXAMPLES / f"{code}.{language}"
        if path.exists():
            wrong, _, right = path.read_text(encoding="utf-8").partition("\n---\n")
            return Example(language, f"{wrong}\n", right)
    return None


def _title(code: Code, *, markdown: bool) -> str:
    return f"## {code.name}\n\n*{code.severity}*" if markdown else f"{code.name} ({code.severity})"


def _fenced(text: str, language: str) -> str:
    return f"```{language}\n{text}```"


def _indented(text: str, language: str) -> str:
    del language
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())
