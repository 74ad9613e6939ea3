"""A generated module is read, whichever protoc wrote it, and never run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

import netcompile
from netcompile.diagnostics import CallError
from netcompile.forks.read import fork_of, load_fork

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Proto

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def serialized(module: str) -> bytes:
    return load_fork(module).file.serialized_pb


def literal_of_python_2(data: bytes) -> str:
    """As protobuf 2 wrote it: a plain literal, octal escapes."""
    characters = (f"\\{byte:03o}" if byte < 32 or byte > 126 or byte in b"'\"\\" else chr(byte) for byte in data)
    return f"'{''.join(characters)}'"


FORMS = {
    "protobuf 2": "DESCRIPTOR = _descriptor.FileDescriptor(\n  package='caffe',\n  serialized_pb={old})",
    "protobuf 3.0": "DESCRIPTOR = _descriptor.FileDescriptor(name='caffe.proto', serialized_pb=_b({old})\n)",
    "protobuf 3.8": "DESCRIPTOR = _descriptor.FileDescriptor(name='caffe.proto', serialized_pb={new})",
    "protobuf 3.12": "DESCRIPTOR = _descriptor.FileDescriptor(serialized_options=None,\n  serialized_pb={new}\n)",
    "protobuf 3.20": "DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile({new})",
    "double quotes": "DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile({quoted})",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_generated_module_is_read(form: str, serialized: bytes, tmp_path: Path) -> None:
    text = FORMS[form].format(
        old=literal_of_python_2(serialized), new=repr(serialized), quoted=f'b"{literal_of_python_2(serialized)[1:-1]}"'
    )
    path = tmp_path / "caffe_pb2.py"
    path.write_text(f"raise SystemExit('run')\nprint 'Python 2'\n{text}\n", encoding="utf-8")
    fork = load_fork(str(path))
    assert fork.file.serialized_pb == serialized
    assert fork.LayerParameter(shuffle_channel_param={"group": 3}).shuffle_channel_param.group == 3


@pytest.mark.parametrize("folder", [".", "proto", "caffe/proto", "python/caffe/proto"])
def test_module_is_found_in_its_folder_and_from_the_root_of_its_caffe(folder: str, module: str, tmp_path: Path) -> None:
    inner = tmp_path / folder
    inner.mkdir(parents=True, exist_ok=True)
    (inner / "caffe_pb2.py").write_bytes(Path(module).read_bytes())
    assert load_fork(str(tmp_path)).has_type("ShuffleChannel")


def test_the_only_generated_module_of_a_folder_may_have_any_name(module: str, tmp_path: Path) -> None:
    (tmp_path / "ssd_pb2.py").write_bytes(Path(module).read_bytes())
    assert load_fork(str(tmp_path)).has_type("ShuffleChannel")


def test_installed_is_the_module_of_pycaffe_which_is_not_imported(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "caffe/proto").mkdir(parents=True)
    (tmp_path / "caffe/__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    (tmp_path / "caffe/proto/caffe_pb2.py").write_bytes(Path(module).read_bytes())
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load_fork("installed").has_type("ShuffleChannel")
    assert "caffe" not in sys.modules


def test_without_pycaffe_installed_is_a_wrong_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(CallError, match="this Python has no pycaffe: give the path"):
        load_fork("installed")


def test_a_changed_module_is_read_again(fork_with: Callable[..., str]) -> None:
    path = fork_with(lambda proto: proto.add("LayerParameter.first", "int32", 7000))
    assert "first" in load_fork(path).LayerParameter.DESCRIPTOR.fields_by_name
    import os  # noqa: PLC0415 - only here

    before = os.stat(path).st_mtime_ns
    fork_with(lambda proto: proto.add("LayerParameter.second", "int32", 7000))
    os.utime(path, ns=(before + 10**9, before + 10**9))
    assert "second" in load_fork(path).LayerParameter.DESCRIPTOR.fields_by_name


WRONG = {
    "no module": ("caffe = 1\n", "it has no description of messages; give the caffe_pb2.py"),
    "no bytes": ("serialized_pb='\\xff\\xff'", "can't be read"),
    "other messages": ("serialized_pb=b'\\n\\x07a.proto'", "has no message NetParameter, so it is not made of"),
    "a broken literal": ("serialized_pb=b'\\x'", "can't be read"),
    "a broken file": ("serialized_pb=b'\\n\\x07a.proto\"\\x03\\n\\x01A\"\\x03\\n\\x01A'", "can't be read"),
    "another file's": ("serialized_pb=b'\\n\\x07a.proto\\x1a\\x07b.proto'", "it needs b.proto too"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_module_of_a_caffe_is_a_wrong_call(wrong: str, tmp_path: Path) -> None:
    text, words = WRONG[wrong]
    path = tmp_path / "caffe_pb2.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CallError) as error:
        load_fork(str(path))
    assert words in str(error.value)
    assert str(path) in str(error.value)


def test_a_caffe_whose_layers_have_numbers_for_types_is_a_wrong_call(fork_with: Callable[..., str]) -> None:
    def number_types(proto: Proto) -> None:
        proto.field("LayerParameter.type").type = FieldDescriptorProto.TYPE_INT32

    with pytest.raises(CallError, match="of a Caffe before 2015"):
        load_fork(fork_with(number_types))


def test_a_missing_path_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="No such file or directory; give the caffe_pb2"):
        load_fork(str(tmp_path / "gone.py"))
    with pytest.raises(CallError, match=r"has no caffe_pb2\.py; give"):
        load_fork(str(tmp_path))


def test_a_fork_is_told_by_module_class_and_path(module: str) -> None:
    fork = load_fork(module)
    namespace = SimpleNamespace(NetParameter=fork.NetParameter)
    assert fork_of(module) is fork_of(Path(module)) is fork_of(fork) is fork
    assert fork_of(namespace).NetParameter is fork_of(fork.NetParameter).NetParameter is fork.NetParameter
    assert fork_of(None) is None
    assert fork_of(netcompile.caffe_pb2) is None
    with pytest.raises(CallError, match="is no generated module of Caffe's messages"):
        fork_of(sys)


def test_two_forks_and_a_registered_caffe_are_in_one_process(module: str, early: str) -> None:
    script = f"""
import sys
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from netcompile.forks.read import load_fork
file = FileDescriptorProto(name="caffe.proto", package="caffe")
file.message_type.add(name="NetParameter")
descriptor_pool.Default().Add(file)
one, other = load_fork({module!r}), load_fork({early!r})
assert "tag" in one.LayerParameter.DESCRIPTOR.fields_by_name
assert "tag" not in other.LayerParameter.DESCRIPTOR.fields_by_name
assert not descriptor_pool.Default().FindMessageTypeByName("caffe.NetParameter").fields
assert "caffe_pb2" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
