"""`[tool.netcompile]` in pyproject.toml: every setting, where it counts from, and what is refused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from netcompile.cli import COMMANDS, main
from netcompile.config import KEYS, Config

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[..., Any]

SPEC = "layers:\n- {name: data, type: Input, shape: {dim: [1, 3, 8, 8]}}\n"
CUSTOM = f"{SPEC}- {{name: own, type: Own, bottom: data, top: own}}\n"
IMPORTS = f"imports: [b.yaml]\n{SPEC}"
REQUIRED = "vars: {n: ~}\nlayers:\n- {name: data, type: Input, shape: {dim: [$n]}}\n"
SOLVER = 'net: "gone.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 9 snapshot: 9 snapshot_prefix: "x"\n'
STAGED = 'layer { name: "d" type: "Input" top: "d" include { stage: "a" } input_param { shape { dim: 1 } } }\n'


def table(text: str) -> str:
    return f'[project]\nname = "it"\n\n[tool.netcompile]\n{text}\n'


def test_specs_and_output_make_a_call_without_arguments(call: Call, tmp_path: Path) -> None:
    toml = table('specs = ["specs"]\noutput = "nets/"\ntarget = "all"\nheader = false')
    assert call(pyproject_toml=toml, specs__a_yaml=SPEC, specs__sub__b_yaml=SPEC) == (0, "", "")
    text = (tmp_path / "nets/a.prototxt").read_text(encoding="utf-8")
    assert text.startswith("layer {")
    assert (tmp_path / "nets/sub/b.prototxt").read_text(encoding="utf-8") == text
    assert call("--check").code == 0
    (tmp_path / "nets/a.prototxt").write_text("old\n", encoding="utf-8")
    assert call("--check").out.startswith("--- nets/a.prototxt\n+++ nets/a.prototxt from specs/a.yaml\n")
    assert call("check").summary == "checked 2 specs: no findings"


def test_the_command_line_wins(call: Call, tmp_path: Path) -> None:
    toml = table('specs = "gone"\noutput = "nets/"\nstrict = true\nheader = false\nformat = "json"\ncolor = "always"')
    assert call("compile", "a.yaml", "-o", "b.prototxt", "--header", pyproject_toml=toml, a_yaml=SPEC).code == 0
    assert (tmp_path / "b.prototxt").read_text(encoding="utf-8").startswith("# Made by netcompile from a.yaml\n")
    assert call("a.yaml", "-o", "-").out.startswith("layer {")
    assert not (tmp_path / "nets").exists()
    assert call("check", "s.prototxt", s_prototxt=SOLVER)[:2] == (1, call("check", "s.prototxt").out)
    assert call("check", "s.prototxt", "--no-strict").code == 0
    assert call("check", "s.prototxt", "--format", "text").out.startswith("\x1b[")
    assert call("check", "s.prototxt", "--format", "text", "--color", "never").out.startswith("s.prototxt:1:6:")


@pytest.mark.parametrize(
    ("setting", "arguments", "files", "code"),
    [
        ("allow-custom-layers = true", ["check", "a.yaml"], {"a_yaml": CUSTOM}, 0),
        ("allow-custom-layers = false", ["check", "a.yaml"], {"a_yaml": CUSTOM}, 1),
        ("set = {n = 3}", ["check", "a.yaml"], {"a_yaml": REQUIRED}, 0),
        ("set = {n = 3}", ["show", "a.yaml"], {"a_yaml": REQUIRED}, 0),
        ('set = {n = "3"}', ["compile", "a.yaml"], {"a_yaml": REQUIRED}, 1),  # a string stays one
        ("set = {m = 3}", ["compile", "a.yaml", "--set", "n=3"], {"a_yaml": REQUIRED}, 0),  # m is another spec's
        ("set = {m = 3}", ["compile", "a.yaml", "--set", "o=3"], {"a_yaml": SPEC}, 1),
        ('set = {m = 3}\nspecs = "a.yaml"', ["check"], {"a_yaml": SPEC}, 1),
        ('set = {m = 3}\nspecs = "a.yaml"', ["show", "a.yaml"], {"a_yaml": SPEC}, 0),
        ("set = {n = true}", ["compile", "a.yaml", "--set", "n=3"], {"a_yaml": REQUIRED}, 0),
        ('ignore = ["unread-net"]\nstrict = true', ["check", "s.prototxt"], {"s_prototxt": SOLVER}, 0),
        ('ignore = "no-loss, unread-net"\nstrict = true', ["check", "s.prototxt"], {"s_prototxt": SOLVER}, 0),
        ('ignore = ["no-loss"]\nstrict = true', ["check", "s.prototxt"], {"s_prototxt": SOLVER}, 1),
        ('ignore = ["no-loss"]', ["check", "s.prototxt", "--strict", "--ignore=unread-net"], {"s_prototxt": SOLVER}, 0),
        ('stage = ["a"]\nstrict = true\nlevel = 0\njobs = 1', ["check", "n.prototxt"], {"n_prototxt": STAGED}, 0),
        ("strict = true", ["check", "n.prototxt"], {"n_prototxt": STAGED}, 1),
        ("skip-others = true", ["check", "ci.yml"], {"ci_yml": "jobs: {}\n"}, 0),
        ("skip-others = true", ["check", "ci.yml", "--no-skip-others"], {"ci_yml": "jobs: {}\n"}, 1),
        ('root = "elsewhere"', ["check", "a.yaml"], {"a_yaml": IMPORTS, "b_yaml": "vars: {a: 1}"}, 1),
        ('root = "."', ["check", "a.yaml"], {"a_yaml": IMPORTS, "b_yaml": "vars: {a: 1}"}, 0),
        ('caffe = "gone"', ["check", "a.yaml"], {"a_yaml": SPEC}, 2),
        ("binary = true\ndeploy = true", ["a.yaml"], {"a_yaml": SPEC}, 1),  # nothing says what its outputs are
    ],
)  # fmt: skip
def test_settings(call: Call, setting: str, arguments: list[str], files: dict[str, str], code: int) -> None:
    assert call(*arguments, pyproject_toml=table(setting), **files).code == code


def test_paths_count_from_the_file(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml = table('specs = ["specs"]\noutput = "nets/"')
    call("explain", "--all", pyproject_toml=toml, specs__a_yaml=SPEC, deep__down__b_yaml=SPEC)
    monkeypatch.chdir(tmp_path / "deep/down")
    assert call("check").summary == "checked 1 spec: no findings"
    assert call() == (0, "", "")
    assert (tmp_path / "nets/a.prototxt").exists()


def test_the_nearest_file_counts_alone(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("explain", "--all", pyproject_toml=table("nonsense = 1"), sub__pyproject_toml="[project]\n", sub__a_yaml=SPEC)
    monkeypatch.chdir(tmp_path / "sub")
    assert main(["check", "a.yaml"]) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("strikt = true", "pyproject.toml:5: [tool.netcompile] no setting 'strikt'; did you mean 'strict'?"),
        ("\nxyzzy = 1", "pyproject.toml:6: [tool.netcompile] no setting 'xyzzy'; there are: allow-custom-layers, "),
        ('strict = "yes"', "pyproject.toml:5: [tool.netcompile] 'strict' takes true or false, not \"yes\""),
        ("jobs = true", "pyproject.toml:5: [tool.netcompile] 'jobs' takes a whole number, not true"),
        ("specs = [1]", "pyproject.toml:5: [tool.netcompile] 'specs' takes a list of paths, not [1]"),
        ("root = 1979-05-27", "pyproject.toml:5: [tool.netcompile] 'root' takes a path, not \"1979-05-27\""),
        ("set = 3", "pyproject.toml:5: [tool.netcompile] 'set' takes a table of names and values, not 3"),
        ('color = "pink"', "pyproject.toml:5: [tool.netcompile] 'color' is \"pink\"; it takes one of auto, "),
        ('strict = true\nignore = ["unread-nte"]',
         "pyproject.toml:6: ignore: there is no code 'unread-nte'; did you mean 'unread-net'?"),
        ('ignore = ["syntax"]', "pyproject.toml:5: ignore: 'syntax' is an error that can't be silenced: "),
        ("strict = ", "pyproject.toml: Invalid value (at line 5, column 10)"),
    ],
)  # fmt: skip
def test_what_is_refused(call: Call, text: str, message: str) -> None:
    done = call("check", "a.yaml", pyproject_toml=table(text), a_yaml=SPEC)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"netcompile: {message}")


def test_a_table_of_a_key_is_found_too(call: Call) -> None:
    done = call("check", "a.yaml", pyproject_toml=table("[tool.netcompile.sett]\nn = 3"), a_yaml=SPEC)
    assert done.err == "netcompile: pyproject.toml:5: [tool.netcompile] no setting 'sett'; did you mean 'set'?\n"
    assert call("check", "a.yaml", pyproject_toml="[tool]\n# tool.netcompile\nnetcompile = 3\n").err == (
        "netcompile: pyproject.toml: tool.netcompile is a table: [tool.netcompile]\n"
    )
    assert call("check", "a.yaml", pyproject_toml=b"# tool.netcompile caf\xe9\n").code == 2


def test_every_setting_is_an_option_of_each_command_that_it_is_for(tmp_path: Path) -> None:
    """A setting is the long name of an option, so that `--help` documents it."""
    values = {
        "flag": "true",
        "number": "1",
        "path": '"p"',
        "paths": '["p"]',
        "table": "{}",
        "text": '"t"',
        "words": '["no-loss"]',
    }
    lines = [
        f"{name} = {values[key.kind] if isinstance(key.kind, str) else repr(key.kind[-1])}"
        for name, key in KEYS.items()
    ]
    path = tmp_path / "pyproject.toml"
    path.write_text(table("\n".join(lines)), encoding="utf-8")
    config = Config(str(path))
    for command in ("compile", "check", "show"):
        known = help_of(command)
        for option in config.defaults(command).keys() - {"specs", "paths", "project"}:
            name = "set" if option == "configured" else option.replace("_", "-")
            assert f"--{name}" in known, (command, option)
    assert config.defaults("explain").keys() == {"allow_custom_layers", "caffe", "color", "root"}


@pytest.mark.parametrize("command", ["compile", "check"])
def test_every_option_is_a_setting(command: str) -> None:
    """But for --check, which is the question itself, so that CI needs no arguments."""
    listed = re.findall(r"^  (-.*?)(?:  |$)", help_of(command), re.MULTILINE)
    options = {name for line in listed for name in re.findall(r"--(?!no-)([\w-]+)", line)}
    assert len(options) > 10
    assert options - KEYS.keys() == ({"help", "check"} if command == "compile" else {"help"})


def help_of(command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "netcompile", command, "--help"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_nothing_is_imported_where_there_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n[tool.other]\n", encoding="utf-8")
    script = (
        "import sys; from netcompile.cli import main; main(['schema']);"
        "sys.exit(bool({'tomllib', 'tomli', 'netcompile.config'} & sys.modules.keys()))"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, check=False)
    assert done.returncode == 0


def test_commands_are_known() -> None:
    assert {"compile", "check", "show", "upgrade", "explain", "schema"} <= COMMANDS.keys()
