"""The files made of caffe.proto are those that it makes."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_generated_files_are_current() -> None:
    pytest.importorskip("grpc_tools", reason="grpcio-tools, which brings protoc, is not installed")
    result = subprocess.run(
        [sys.executable, ROOT / "tools/generate_messages.py", "--check"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr + "run: python tools/generate_messages.py"
