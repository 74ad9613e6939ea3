"""A project with a spec, a library and an old net; `netcompile` as a shell's command; and the blocks of docs/ci.md."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PACKAGE = ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml", "netcompile", "schemas")
FILES = {
    "specs/tiny.yaml": """\
name: tiny
imports: [blocks/sizes.yaml]
layers:
  - {name: data, type: HDF5Data, source: train.txt, batch_size: 8, top: [data, label],
     top_shapes: {data: [batch, 3, 16, 16], label: [batch]}}
  - {name: ip, type: InnerProduct, bottom: data, num_output: $classes, weight_filler: xavier}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
deploy: {}
solver: {base_lr: 0.01, lr_policy: fixed, max_iter: 1000, snapshot: 1000, snapshot_prefix: snapshots/tiny}
""",
    "specs/blocks/sizes.yaml": "vars: {classes: 10}\n",
    "models/old/train_val.prototxt": """\
name: "old"
layers {
  name: "data" type: HDF5_DATA top: "data" top: "label"
  hdf5_data_param { source: "train.txt" batch_size: 8 }
}
layers { name: "ip" type: INNER_PRODUCT bottom: "data" top: "ip" inner_product_param { num_output: 10 } }
layers { name: "loss" type: SOFTMAX_LOSS bottom: "ip" bottom: "label" }
""",
    "models/old/solver.prototxt": """\
net: "models/old/train_val.prototxt"
base_lr: 0.01
lr_policy: "fixed"
max_iter: 1000
snapshot: 1000
snapshot_prefix: "snapshots/old"
""",
}


@pytest.fixture(scope="session")
def blocks():
    """The blocks of docs/ci.md in their order: language, file, text."""
    return BLOCK.findall((ROOT / "docs/ci.md").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path, blocks):
    """The folder of a project, with the first settings of docs/ci.md."""
    folder = tmp_path / "project"
    settings = next(text for _, file, text in blocks if file == "pyproject.toml")
    for name, text in {**FILES, "pyproject.toml": settings}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def program(tmp_path):
    """Writes a script as a command for the shell. `netcompile` is there: the one under test, whatever is installed."""

    def program(name, script):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return path

    program("netcompile", f"PYTHONPATH='{ROOT}' exec '{sys.executable}' -m netcompile \"$@\"")
    return program


@pytest.fixture
def shell(program, project, tmp_path):
    """Runs a command in the project, with those that `program` wrote first on the path."""
    del program  # has written netcompile

    def shell(*command, **variables):
        env = {**os.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", **variables}
        return subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)

    return shell


@pytest.fixture
def package(tmp_path):
    """The files that an installation is made from, as they are now, in a folder of their own."""
    folder = tmp_path / "package"
    folder.mkdir()
    for name in PACKAGE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def index(tmp_path_factory):
    """Skips where pip reaches no package index, from which an installation gets what it needs."""
    folder = tmp_path_factory.mktemp("index")
    command = [sys.executable, "-m", "pip", "--retries=0", "--timeout=20", "download", "--no-deps", "hatchling"]
    done = subprocess.run([*command, f"--dest={folder}"], capture_output=True, text=True, check=False)
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1:]
        pytest.skip(f"pip can't get a package from its index: {' '.join(why)}")
