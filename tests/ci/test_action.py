"""action.yml, with its scripts run by bash as a runner would, and what other actions are given."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = ACTION["runs"]["steps"]
EXPRESSION = re.compile(r"\$\{\{ ([\w.-]+) \}\}")
CONDITION = re.compile(r"([\w.-]+) (==|!=) '([^']*)'")
PYTHON, INSTALL, CHECK, UPLOAD, RESULT = range(5)


class Ran(NamedTuple):
    """What came of the action: which steps failed, what was written, and the inputs of the actions that it used."""

    failed: list[int]
    out: str
    used: dict[str, dict[str, str]]
    exit_code: str | None


@pytest.fixture
def run(project, program, tmp_path):
    """Runs the action in the project; with `package`, the step that installs netcompile from there, too."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    del program  # has written netcompile
    (tmp_path / "temp").mkdir()

    def run(package=None, **inputs):
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= ACTION["inputs"].keys()
        values = {f"inputs.{name}": given.get(name, one["default"]) for name, one in ACTION["inputs"].items()}
        values |= {
            "github.action_path": str(package),
            "steps.python.outputs.python-path": sys.executable if values["inputs.python-version"] else "",
            "steps.install.outputs.program": str(tmp_path / "bin/netcompile"),
            "steps.check.outputs.sarif": "",
        }
        failed, out, used = [], "", {}
        for number, step in enumerate(STEPS):
            if failed or not holds(step.get("if"), values) or (number == INSTALL and package is None):
                continue
            if "uses" in step:
                used[step["uses"].partition("@")[0]] = {name: filled(one, values) for name, one in step["with"].items()}
                continue
            code, text, outputs = script(step, values, project, tmp_path)
            out += text
            values |= {f"steps.{step.get('id')}.outputs.{name}": one for name, one in outputs.items()}
            if code:
                failed.append(number)
        return Ran(failed, out, used, values.get("steps.check.outputs.exit-code"))

    return run


def filled(text, values):
    """Put values where expressions are; one that there is not is an error."""
    return EXPRESSION.sub(lambda match: values[match[1]], text) if isinstance(text, str) else text


def holds(condition, values):
    if condition is None:
        return True
    parts = [CONDITION.fullmatch(part) for part in condition.split(" && ")]
    return all((values[part[1]] == part[3]) == (part[2] == "==") for part in parts)


def script(step, values, workspace, tmp_path):
    """Run a step's script as the runner calls bash: its exit code, what it writes, and its outputs."""
    written = tmp_path / "output"
    written.write_text("", encoding="utf-8")
    env = {**os.environ, **{name: filled(text, values) for name, text in step.get("env", {}).items()}}
    env |= {
        "GITHUB_OUTPUT": str(written),
        "GITHUB_WORKSPACE": str(workspace),
        "RUNNER_TEMP": str(tmp_path / "temp"),
    }
    path = tmp_path / "script.sh"
    path.write_text(step["run"], encoding="utf-8")
    done = subprocess.run(
        [shutil.which("bash"), "--noprofile", "--norc", "-eo", "pipefail", str(path)],
        cwd=workspace / filled(step.get("working-directory", "."), values),
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    outputs = dict(line.split("=", 1) for line in written.read_text(encoding="utf-8").splitlines())
    return done.returncode, done.stdout, outputs


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def wrong(project):
    edit(project / "specs/tiny.yaml", "num_output", "num_ouput")


def test_steps_are_where_they_are_expected():
    assert [step.get("id") or step.get("name") or step["uses"].partition("@")[0] for step in STEPS] == [
        "python",
        "install",
        "check",
        "github/codeql-action/upload-sarif",
        "Result",
    ]


def test_inputs_are_documented_used_and_never_part_of_a_script():
    for step in STEPS:
        assert "${{" not in step.get("run", "")
        assert ("run" in step) == ("shell" in step)
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    for name, one in ACTION["inputs"].items():
        assert one["description"]
        assert isinstance(one["default"], str)
        assert f"inputs.{name}" in text


def test_what_is_right_passes(run, shell):
    assert shell("netcompile").returncode == 0
    done = run(fresh="true", sarif="reports/found.sarif", strict="false")
    assert (done.failed, done.exit_code) == ([], "0"), done.out
    assert "::warning file=models/old/train_val.prototxt,line=2," in done.out
    assert "::error" not in done.out


def test_what_is_wrong_fails_after_the_upload(run, project):
    wrong(project)
    done = run(sarif="reports/found.sarif", category="nets")
    assert (done.failed, done.exit_code) == ([RESULT], "1")
    assert "::error file=specs/tiny.yaml,line=6,endLine=6,col=50,endColumn=59,title=unknown-field::" in done.out
    assert done.used["github/codeql-action/upload-sarif"] == {
        "sarif_file": "reports/found.sarif",
        "category": "nets",
    }
    (log,) = json.loads((project / "reports/found.sarif").read_text(encoding="utf-8"))["runs"]
    assert "unknown-field" in {result["ruleId"] for result in log["results"]}


def test_without_sarif_there_is_no_upload(run, project):
    assert "github/codeql-action/upload-sarif" not in run().used
    assert "github/codeql-action/upload-sarif" not in run(sarif="found.sarif", upload="false").used
    assert (project / "found.sarif").exists()


def test_paths_and_arguments_are_lines(run, project):
    (project / "two words.yaml").write_text("vars: {a: 1}\n", encoding="utf-8")
    assert run(paths="two words.yaml\nspecs/tiny.yaml\n").failed == []
    assert run(paths="two words.yaml specs/tiny.yaml").exit_code == "2"
    assert run(paths="models").exit_code == "0"
    assert run(paths="models", strict="true").exit_code == "1"
    silenced = run(paths="models", strict="true", args="--ignore\nold-format\n--ignore=zero-weights")
    assert (silenced.exit_code, silenced.out) == ("0", "")


def test_inputs_are_no_scripts(run, project):
    hostile = "\"; touch hacked; $(touch hacked) `touch hacked` '; touch hacked; #"
    for name in ("paths", "args", "strict", "fresh", "sarif", "category", "upload"):
        run(**{name: hostile})
    assert not (project / "hacked").exists()
    assert run(paths="--help").exit_code == "2"  # a file of that name, which there is not


def test_a_stale_file_fails_with_a_diff_in_which_nothing_is_a_command(run, project, shell):
    assert shell("netcompile").returncode == 0
    stale = project / "nets/tiny.prototxt"
    stale.write_text(stale.read_text(encoding="utf-8").replace('layer {\n  name: "loss"', "::error::x\n"), "utf-8")
    assert run().failed == []
    done = run(fresh="true")
    assert (done.failed, done.exit_code) == ([RESULT], "1")
    match = re.search(r"^::stop-commands::(\w{32})\n(.*)^::\1::\n(.*)", done.out, re.MULTILINE | re.DOTALL)
    assert "::error::x" in match[2]
    assert match[3].startswith("::error title=netcompile --check::")
    stale.unlink()
    assert "nets/tiny.prototxt is missing; it comes from specs/tiny.yaml\n" in run(fresh="true").out


def test_a_wrong_spec_is_not_called_stale(run, project, shell):
    assert shell("netcompile").returncode == 0
    wrong(project)
    assert "title=netcompile --check" not in run(fresh="true").out


def test_a_wrong_call_fails_and_uploads_nothing(run, project):
    (project / "pyproject.toml").write_text("", encoding="utf-8")
    done = run(sarif="found.sarif")
    assert (done.failed, done.exit_code) == ([RESULT], "2")
    assert "github/codeql-action/upload-sarif" not in done.used


def test_paths_in_annotations_count_from_the_top_of_the_checkout(run, project):
    wrong(project)
    inner = project / "inner"
    inner.mkdir()
    for name in ("specs", "models", "pyproject.toml"):
        (project / name).rename(inner / name)
    done = run(working_directory="inner", sarif="found.sarif")  # as it is in a container that has no git
    assert "::error file=inner/specs/tiny.yaml,line=6," in done.out
    assert '"uri": "inner/specs/tiny.yaml"' in (project / "found.sarif").read_text(encoding="utf-8")
    (inner / ".git").mkdir()  # another checkout than the workspace's
    assert "::error file=specs/tiny.yaml,line=6," in run(working_directory="inner").out


@pytest.mark.usefixtures("index")
def test_installation(run, package):
    done = run(package)
    assert (done.failed, done.exit_code) == ([], "0"), done.out
    assert re.search(r"^netcompile \d", done.out, re.MULTILINE)
    assert done.used["actions/setup-python"] == {
        "python-version": ACTION["inputs"]["python-version"]["default"],
        "update-environment": False,
    }
    none = run(package, version="0.0.0.dev1")
    assert none.failed == [INSTALL]
    assert "netcompile==0.0.0.dev1" in none.out
