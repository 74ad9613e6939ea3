"""The hooks, run by the real pre-commit on real commits of a project that uses them as docs/ci.md says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}
# Files of other programs, of which pre-commit hands over all that changed.
OTHERS = {
    ".github/workflows/ci.yml": "name: CI\non: [push]\ndefaults: {run: {shell: bash}}\njobs: {test: {steps: []}}\n",
    "docker-compose.yml": "services: {web: {image: nginx}}\n",
    "chart/templates/service.yaml": "metadata:\n  name: {{ .Values.name }}\n",
    "k8s.yml": "kind: Service\n---\nkind: Deployment\n",
    "labels.prototxt": 'item { name: "cat" label: 1 }\n',
    "empty.yaml": "",
}


def documented(blocks):
    """The configuration that docs/ci.md shows."""
    (text,) = (text for _, file, text in blocks if file == ".pre-commit-config.yaml")
    return yaml.safe_load(text)


def test_documented_hooks_are_those_that_there_are(blocks):
    (repository,) = documented(blocks)["repos"]
    assert [hook["id"] for hook in repository["hooks"]] == list(HOOKS)


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_entries_are_commands(shell, hook):
    done = shell(*hook["entry"].split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def git(project, tmp_path):
    """Runs git in the project, or in another folder, as somebody with no settings of their own."""
    if shutil.which("git") is None:
        pytest.skip("there is no git")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT", "PYTHON"))}
    for who in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{who}_NAME": "somebody", f"GIT_{who}_EMAIL": "somebody@example.org"}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PRE_COMMIT_HOME": str(tmp_path / "home")}
    env.pop("SKIP", None)

    def git(*arguments, folder=project, program=("git",)):
        command = [*program, *arguments]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return git


def commit_all(git, folder):
    """Make a repository of a folder, and answer with its commit."""
    for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=all"]):
        assert git(*arguments, folder=folder) == (0, "")
    return git("rev-parse", "HEAD", folder=folder)[1].strip()


@pytest.mark.usefixtures("index")
def test_commits(git, project, package, shell, blocks):  # noqa: PLR0915 - one repository through its days
    pytest.importorskip("pre_commit", reason="pre-commit is not installed: pip install -e '.[dev]' does")
    config = documented(blocks)
    config["repos"][0] |= {"repo": str(package), "rev": commit_all(git, package)}
    for name, text in {**OTHERS, ".pre-commit-config.yaml": yaml.safe_dump(config)}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    assert shell("netcompile").returncode == 0  # the outputs, which are committed

    git("init", "--quiet")
    assert git("install", program=(sys.executable, "-m", "pre_commit"))[0] == 0

    def commit():
        git("add", "--all")
        code, text = git("commit", "--message=change")
        passed = [line.removesuffix("Passed").rstrip(".") for line in text.splitlines() if line.endswith("Passed")]
        return code, passed, text

    def edit(name, old, new):
        path = project / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    # All is well: specs, a library, nets, solvers, and what is none of ours.
    code, passed, text = commit()
    assert (code, passed) == (0, ["netcompile check", "netcompile --check"]), text

    # A library and other files, each by itself.
    edit("specs/blocks/sizes.yaml", "vars", "# how large\nvars")
    assert commit()[:2] == (0, passed)
    edit("docker-compose.yml", "nginx", "caddy")
    assert commit()[:2] == (0, passed)

    # A wrong spec is shown at its place.
    edit("specs/tiny.yaml", "num_output", "num_ouput")
    code, passed, text = commit()
    assert (code, passed) == (1, []), text
    assert "specs/tiny.yaml:6:50: error[unknown-field]: InnerProduct has no field 'num_ouput'\n" in text
    assert "hint: did you mean 'num_output'?\n" in text
    assert "checked 1 spec: 1 error\n" in text
    edit("specs/tiny.yaml", "num_ouput", "num_output")

    # A net that is written by hand counts too, and its solver is found beside it.
    edit("models/old/train_val.prototxt", 'bottom: "data"', 'bottom: "dta"')
    code, passed, text = commit()
    assert (code, passed) == (1, ["netcompile --check"]), text
    assert "models/old/train_val.prototxt:6:49: error[unknown-bottom]" in text
    edit("models/old/train_val.prototxt", 'bottom: "dta"', 'bottom: "data"')

    # A right spec whose outputs nobody wrote: here, by the library.
    edit("specs/blocks/sizes.yaml", "10", "12")
    code, passed, text = commit()
    assert (code, passed) == (1, ["netcompile check"]), text
    assert "+++ nets/tiny.deploy.prototxt from specs/tiny.yaml\n" in text
    assert "-    num_output: 10\n+    num_output: 12\n" in text
    assert shell("netcompile").returncode == 0
    assert commit()[0] == 0

    # An output that is deleted, which is all that the commit does.
    (project / "nets/tiny.deploy.prototxt").unlink()
    code, passed, text = commit()
    assert (code, passed) == (1, []), text
    assert "nets/tiny.deploy.prototxt" in text
    assert shell("netcompile").returncode == 0

    # Without outputs, a library is checked by what imports it.
    config["repos"][0]["hooks"] = [{"id": "netcompile-check", "pass_filenames": False}]
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    edit("specs/blocks/sizes.yaml", "12", "0")
    code, passed, text = commit()
    assert (code, passed) == (1, []), text
    assert "specs/blocks/sizes.yaml:2:17: error[bad-value]: InnerProduct 'ip'" in text
