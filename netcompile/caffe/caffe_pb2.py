"""Caffe's message classes, in a descriptor pool of their own.

Stands in for the module that protoc would generate from `caffe.proto`: the same names, with their types in
`caffe_pb2.pyi`. It differs in two ways:

- nothing is registered in protobuf's default pool, so that pycaffe, which registers its own package `caffe` there, can
  be in the same process;
- only what the classes need is imported. protobuf's public factory also imports its pure Python implementation, for
  nothing where messages are implemented in C.

Must not know anything of netcompile.
"""

from google.protobuf.internal import api_implementation
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message

if api_implementation.Type() == "upb":
    from google._upb._message import DescriptorPool, MessageMeta
else:
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.internal.python_message import GeneratedProtocolMessageType as MessageMeta


def _load() -> dict[str, object]:
    """Make the names of this module: DESCRIPTOR, the message classes, the top-level enums and their values."""
    # Not pathlib: importing it takes as long as making all the classes.
    with open(__file__.removesuffix("_pb2.py") + ".desc", "rb") as file:
        serialized = file.read()
    pool = DescriptorPool()
    pool.AddSerializedFile(serialized)
    descriptor = pool.FindFileByName("netcompile/caffe/caffe.proto")
    names: dict[str, object] = {"DESCRIPTOR": descriptor}
    for name, message in descriptor.message_types_by_name.items():
        # `__module__` is what lets messages be pickled.
        names[name] = MessageMeta(name, (Message,), {"DESCRIPTOR": message, "__module__": __name__})
    for name, enum in descriptor.enum_types_by_name.items():
        names[name] = EnumTypeWrapper(enum)
        names.update((value.name, value.number) for value in enum.values)
    return names


globals().update(_load())
