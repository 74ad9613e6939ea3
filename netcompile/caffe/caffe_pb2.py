"""Caffe's message classes, in a descriptor pool of their own.

Stands in for the module that protoc would generate from `caffe.proto`: the same names, and `caffe_pb2.pyi` for their types. Two things differ:

- nothing is registered in protobuf's default pool, so that pycaffe, which registers its own package `caffe` there, can be in the same process;
- only what the classes need is imported. protobuf's public factory also imports the pure Python implementation, which is most of its cost.

Must not know anything of netcompile.
"""

from pathlib import Path
from typing import Any

from google.protobuf.internal import api_implementation
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message

if api_implementation.Type() == "upb":
    from google._upb._message import DescriptorPool, MessageMeta
else:
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.internal.python_message import GeneratedProtocolMessageType as MessageMeta


def _load() -> dict[str, Any]:
    """The module's names: DESCRIPTOR, a class per message, a wrapper per top-level enum and its values."""
    pool = DescriptorPool()
    pool.AddSerializedFile(Path(__file__).with_name("caffe.desc").read_bytes())
    file = pool.FindFileByName("netcompile/caffe/caffe.proto")
    names: dict[str, Any] = {"DESCRIPTOR": file}
    for name, descriptor in file.message_types_by_name.items():
        names[name] = MessageMeta(name, (Message,), {"DESCRIPTOR": descriptor, "__module__": __name__})
    for name, enum in file.enum_types_by_name.items():
        names[name] = EnumTypeWrapper(enum)
        names.update((value.name, value.number) for value in enum.values)
    return names


globals().update(_load())
