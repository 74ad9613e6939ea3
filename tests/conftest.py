import json
import os
from pathlib import Path
from typing import NamedTuple

import pytest

from netcompile.cli import main


def pytest_addoption(parser):
    parser.addoption("--write-golden", action="store_true", help="write what the golden specs compile to now")


@pytest.fixture(scope="session")
def shared():
    """The folder of recorded facts about Caffe, which lies beside the project where it is developed."""
    folder = Path(os.environ.get("NETCOMPILE_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "conformance").is_dir():
        pytest.skip(f"the recorded cases are not at {folder} (NETCOMPILE_SHARED names their folder)")
    return folder


class Done(NamedTuple):
    """What came of a call of the command line."""

    code: int
    out: str
    err: str

    @property
    def codes(self):
        """The codes of the findings in JSON, in their order."""
        return [one["code"] for one in json.loads(self.out)]

    @property
    def summary(self):
        return self.out.splitlines()[-1]


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Calls `netcompile` in a folder of its own, in which it writes files first.

    A file's name is a keyword: `sub__a_yaml` is sub/a.yaml.
    """
    monkeypatch.chdir(tmp_path)

    def call(*arguments, **files):
        for name, content in files.items():
            stem, _, ending = name.replace("__", "/").rpartition("_")
            path = tmp_path / f"{stem}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        code = main(arguments)
        return Done(code, *capsys.readouterr())

    return call


@pytest.fixture
def check(call):
    """Calls `netcompile check`, like `call`."""
    return lambda *arguments, **files: call("check", *arguments, **files)
