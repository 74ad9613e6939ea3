"""Ours can share a process with a module that registers package `caffe` in the default pool, as pycaffe's does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.internal import api_implementation

ROOT = Path(__file__).parents[2]

# What protoc writes into a generated module, for a schema that differs from ours in one default.
OTHER = """
from pathlib import Path
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.internal import builder

file = FileDescriptorProto.FromString(Path("netcompile/caffe/caffe.desc").read_bytes())
file.name = "caffe.proto"
(pooling,) = (message for message in file.message_type if message.name == "PoolingParameter")
(stride,) = (field for field in pooling.field if field.name == "stride")
stride.default_value = "7"

DESCRIPTOR = descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
DESCRIPTOR = descriptor_pool.Default().FindFileByName("caffe.proto")
builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, "other_caffe_pb2", globals())
"""

OURS_AND_OTHER = """
ours, other = caffe_pb2, other_caffe_pb2

assert ours.DESCRIPTOR.pool is not other.DESCRIPTOR.pool
assert ours.NetParameter is not other.NetParameter
assert ours.PoolingParameter().stride == 1
assert other.PoolingParameter().stride == 7

layers = [module.LayerParameter(name="p", pooling_param={"pool": "AVE", "kernel_size": 3}) for module in (ours, other)]
assert [type(layer.pooling_param) for layer in layers] == [ours.PoolingParameter, other.PoolingParameter]
assert [layer.pooling_param.stride for layer in layers] == [1, 7]
assert str(layers[0]) == str(layers[1])
assert ours.LayerParameter.FromString(layers[1].SerializeToString()) == layers[0]
"""

NOTHING_REGISTERED = """
from google.protobuf import descriptor_pool
from netcompile.caffe import caffe_pb2

def is_known(name):
    try:
        descriptor_pool.Default().FindMessageTypeByName(name)
    except KeyError:
        return False
    return True

assert caffe_pb2.NetParameter.DESCRIPTOR.full_name == "caffe.NetParameter"
assert not is_known("caffe.NetParameter")
"""

FORBIDDEN = ("text_format", "json_format", "descriptor_pb2", "descriptor_pool", "internal.python_message")
LIGHT = f"""
import sys
from netcompile.caffe import caffe_pb2

assert str(caffe_pb2.ParamSpec(lr_mult=0.1)) == "lr_mult: 0.1\\n"
loaded = [name for name in {FORBIDDEN} if f"google.protobuf.{{name}}" in sys.modules]
assert not loaded, loaded
"""


def run(script: str, implementation: str, path: Path = ROOT) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(path)]),
        "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation,
    }
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("implementation", ["upb", "python"])
@pytest.mark.parametrize("first", ["ours", "other"])
def test_another_package_caffe(first: str, implementation: str, tmp_path: Path) -> None:
    (tmp_path / "other_caffe_pb2.py").write_text(OTHER)
    imports = ["from netcompile.caffe import caffe_pb2", "import other_caffe_pb2"]
    ordered = imports if first == "ours" else reversed(imports)
    run("\n".join([*ordered, OURS_AND_OTHER]), implementation, tmp_path)


@pytest.mark.parametrize("implementation", ["upb", "python"])
def test_the_default_pool_stays_empty(implementation: str) -> None:
    run(NOTHING_REGISTERED, implementation)


@pytest.mark.skipif(api_implementation.Type() != "upb", reason="the pure Python implementation needs all of itself")
def test_import_is_light() -> None:
    run(LIGHT, "upb")
