"""Each code's example does what it says: the wrong text has this finding and no other error, the right one none."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

import netcompile
from netcompile.checking import Job, Options, check_file
from netcompile.codes import CODES
from netcompile.compiler import Settings
from netcompile.diagnostics import Diagnostic
from netcompile.explain import EXAMPLES, Example, example, explain, explain_all

NAMES = sorted(path.stem for path in EXAMPLES.iterdir())
BESIDE = {
    "blocks.yaml": "blocks:\n  twice: {layers: [{name: one, type: ReLU}, {name: two, type: ReLU}]}\n",
    "net.yaml": "layers: []\n",
}
CALL = re.compile(r"# netcompile spec\.yaml --set (?P<name>\w+)=(?P<value>\w+)\n")

# Codes that no example can show: it may only get shorter.
WITHOUT_EXAMPLE = {
    "caffe-differs",  # needs an installed Caffe
    "caffe-not-compared",  # likewise
    "implied-bottom",  # isn't reported alone
    "no-solver",  # is about a call, not about a text
}


def findings(text: str, language: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Sequence[Diagnostic]:
    """What is found in a text: in a solver or a net, or in a spec and what it compiles to."""
    if language == "prototxt" and "lr_policy" in text:
        return netcompile.check_solver(text, {})
    if language == "prototxt":
        return check_file(Options(Settings()), Job("net.prototxt", given=True, data=text.encode())).findings
    for name, content in {**BESIDE, "spec.yaml": text}.items():
        (folder / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(folder)
    call = CALL.match(text)
    variables = {call["name"]: yaml.safe_load(call["value"])} if call else {}
    try:
        compiled = netcompile.compile("spec.yaml", variables=variables)
    except netcompile.CompileError as error:
        return error.diagnostics
    found = (*compiled.warnings, *compiled.notes)
    if compiled.solver is None:
        return found
    nets = {compiled.solver.net: compiled.prototxt("net")}
    return (*found, *netcompile.check_solver(compiled.prototxt("solver"), nets))


def errors(found: Sequence[Diagnostic]) -> list[str]:
    return [diagnostic.code for diagnostic in found if diagnostic.severity == "error"]


def example_of(code: str) -> Example:
    found = example(code)
    assert found is not None
    return found


@pytest.mark.parametrize("code", NAMES)
def test_wrong_text_has_the_finding_and_no_other_error(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = example_of(code)
    found = findings(shown.wrong, shown.language, tmp_path, monkeypatch)
    assert code in {diagnostic.code for diagnostic in found}
    assert set(errors(found)) <= {code}


@pytest.mark.parametrize("code", NAMES)
def test_right_text_has_nothing_wrong_with_it(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = example_of(code)
    found = findings(shown.right, shown.language, tmp_path, monkeypatch)
    about_old_formats = {"old-format"} - {code}
    assert [one for one in found if one.severity != "note" and one.code not in about_old_formats] == []
    assert code not in {diagnostic.code for diagnostic in found}


def test_every_code_has_an_example_and_every_example_a_code() -> None:
    assert set(NAMES) == set(CODES) - WITHOUT_EXAMPLE


def test_explanation_has_severity_meaning_and_both_texts() -> None:
    assert (
        explain("unknown-type")
        == f"""\
unknown-type (error)

{CODES["unknown-type"].meaning}

Wrong:

    layers:
      - {{name: data, type: Input, shape: {{dim: [1, 3, 32, 32]}}}}
      - {{name: conv, type: Convolutoin, convolution_param: {{num_output: 8, kernel_size: 3}}}}

Right:

    layers:
      - {{name: data, type: Input, shape: {{dim: [1, 3, 32, 32]}}}}
      - {{name: conv, type: Convolution, num_output: 8, kernel_size: 3}}
"""
    )


def test_explanation_of_a_warning_says_how_to_silence_it() -> None:
    (warning, *_) = (code.name for code in CODES.values() if code.severity == "warning")
    text = explain(warning)
    assert f"# netcompile: ignore[{warning}]" in text
    assert f"--ignore {warning}" in text
    assert "silence" not in explain("unknown-type")


def test_explanation_as_markdown_quotes_the_texts() -> None:
    text = explain("unknown-type", markdown=True)
    assert text.startswith("## unknown-type\n\n*error*\n\n")
    assert text.count("```yaml\nlayers:\n") == 2
    assert text.count("\n```\n") == 2


def test_unknown_code_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(LookupError, match="there is no code 'unknown-botom'; did you mean 'unknown-bottom'"):
        explain("unknown-botom")
    with pytest.raises(LookupError, match=r"there is no code 'xyzzy'$"):
        explain("xyzzy")


def test_list_has_a_line_for_each_code() -> None:
    lines = explain_all().splitlines()
    assert [line.split()[:2] for line in lines] == [[code.name, code.severity] for code in CODES.values()]
    assert all(line.endswith(code.meaning) for line, code in zip(lines, CODES.values(), strict=True))


def test_page_of_all_codes_is_current() -> None:
    tool = Path(__file__).parents[1] / "tools/generate_docs.py"
    done = subprocess.run([sys.executable, tool, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
