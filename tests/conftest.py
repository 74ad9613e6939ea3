import os
from pathlib import Path

import pytest


def pytest_addoption(parser):
    parser.addoption("--write-golden", action="store_true", help="write what the golden specs compile to now")


@pytest.fixture(scope="session")
def shared():
    """The folder of recorded facts about Caffe, which lies beside the project where it is developed."""
    folder = Path(os.environ.get("NETCOMPILE_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "conformance").is_dir():
        pytest.skip(f"the recorded cases are not at {folder} (NETCOMPILE_SHARED names their folder)")
    return folder
