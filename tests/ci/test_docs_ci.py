"""docs/ci.md is run: its scripts in a shell, its Makefile by make; its other files are held against what they name.

A block's info string names its file. In a `console` block, `$ netcompile ...` is a call, and what follows is all that
it writes; a block `sh` is run by bash and has to succeed.
"""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from netcompile.config import KEYS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
CALL = re.compile(r"^\$ netcompile ", re.MULTILINE)
KINDS = {
    "flag": "true or false",
    "number": "a whole number",
    "path": "a path",
    "paths": "a list of paths",
    "table": "a table of names and values",
    "text": "a string",
    "words": "a list of words",
}


def block(blocks, name):
    (text,) = (text for _, file, text in blocks if file == name)
    return text


def rows(heading):
    """The cells of the table under a heading."""
    text = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in lines if not line[0].startswith("---")]


def test_page(shell, project, blocks):
    calls = 0
    for language, file, text in blocks:
        if language == "toml":
            (project / file).write_text(text, encoding="utf-8")
        elif language == "sh":
            done = shell("bash", "-e", "-c", text)
            assert (done.returncode, done.stderr) == (0, ""), text
            if "json.load" in text:
                assert done.stdout == "['old-format', 'zero-weights']\n"
            calls += 1
        elif language == "console":
            for command, _, output in (one.partition("\n") for one in CALL.split(text)[1:]):
                done = shell("netcompile", *shlex.split(command))
                assert (done.stdout, done.stderr) == (output, ""), command
                calls += 1
    assert calls == 4
    assert sorted(path.name for path in (project / "nets").iterdir()) == [
        "tiny.deploy.prototxt",
        "tiny.prototxt",
        "tiny.solver.prototxt",
    ]


def test_the_list_of_codes_is_the_ignore_that_follows(blocks):
    _, settings = (text for _, file, text in blocks if file == "pyproject.toml")
    assert 'ignore = ["old-format", "zero-weights"]\n' in settings


def test_nets_become_specs(shell, project):
    (command,) = re.findall(r"`netcompile (import [^`]+)`", PAGE)
    done = shell("netcompile", *command.split())
    assert done.returncode == 0, done.stderr
    assert shell("netcompile", "diff", "models/old/train_val.prototxt", "specs/old.yaml").returncode == 0
    assert (project / "specs/old.yaml").exists()


def test_makefile(shell, project, program, blocks):
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    (project / "Makefile").write_text(block(blocks, "Makefile"), encoding="utf-8")
    program("caffe", 'echo "$*" >>trained; mkdir -p snapshots; touch snapshots/tiny.caffemodel')

    def make(*targets):
        done = shell("make", *targets)
        return done.returncode, done.stdout + done.stderr

    def trained():
        assert make("snapshots/tiny.caffemodel")[0] == 0
        return (project / "trained").read_text(encoding="utf-8").splitlines()

    def edit(name, old, new):
        text = (project / name).read_text(encoding="utf-8")
        assert old in text
        (project / name).write_text(text.replace(old, new), encoding="utf-8")

    assert trained() == ["train --solver nets/tiny.solver.prototxt"]
    assert len(trained()) == 1
    edit("specs/blocks/sizes.yaml", "10", "12")
    assert len(trained()) == 2
    edit("specs/tiny.yaml", "name: tiny", "# no change\nname: tiny")
    assert len(trained()) == 2
    assert make("check")[0] == 0
    edit("nets/tiny.prototxt", "12", "13")
    code, text = make("check")
    assert code == 2
    assert "-    num_output: 13\n+    num_output: 12\n" in text


def test_gitlab(shell, blocks):
    pip, *calls = yaml.safe_load(block(blocks, ".gitlab-ci.yml"))["nets"]["script"]
    assert pip.startswith("pip install git+https://")
    assert shell("netcompile").returncode == 0
    for call in calls:
        assert shell(*shlex.split(call)).returncode == 0, call


def test_the_workflow_gives_inputs_that_there_are(blocks):
    job = yaml.safe_load(block(blocks, ".github/workflows/nets.yml"))["jobs"]["nets"]
    (given,) = (step["with"] for step in job["steps"] if "/netcompile@" in step["uses"])
    assert given
    assert given.keys() <= ACTION["inputs"].keys()
    assert [row[0].strip("`") for row in rows("GitHub Actions")[1:]] == list(ACTION["inputs"])


def test_versions_are_this_one():
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"\bv\d+\.\d+\.\d+\b", PAGE)) == {f"v{version[1]}"}


def test_settings():
    table = {key.strip("`"): (kind, commands) for key, kind, commands, _ in rows("Settings")[1:]}
    assert table == {
        name: (
            KINDS[key.kind] if isinstance(key.kind, str) else ", ".join(f"`{one}`" for one in key.kind),
            ", ".join(f"`{one}`" for one in key.commands) or "all",
        )
        for name, key in KEYS.items()
    }
