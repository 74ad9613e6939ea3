"""A made-up fork of Caffe, as the module that protoc makes of it: some fields more, some fewer, some other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

from netcompile.caffe import caffe_pb2
from netcompile.forks.read import Fork, load_fork

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

F = FieldDescriptorProto
KINDS = {"int32": F.TYPE_INT32, "uint32": F.TYPE_UINT32, "float": F.TYPE_FLOAT, "bool": F.TYPE_BOOL,
         "string": F.TYPE_STRING}  # fmt: skip


class Proto:
    """Caffe's own file, to be made a fork's."""

    def __init__(self) -> None:
        self.file = FileDescriptorProto()
        caffe_pb2.DESCRIPTOR.CopyToProto(self.file)
        self.file.name = "caffe.proto"

    def message(self, name: str) -> Any:
        """A message, declared anew where it is none of Caffe's."""
        found = [message for message in self.file.message_type if message.name == name]
        return found[0] if found else self.file.message_type.add(name=name)

    def field(self, name: str) -> Any:
        """A field by its message and name: `ConvolutionParameter.group`."""
        message, _, field = name.partition(".")
        (found,) = (one for one in self.message(message).field if one.name == field)
        return found

    def add(self, name: str, kind: str, number: int, *, many: bool = False, default: str | None = None) -> None:
        """Add a field: `int32`, or the name of a message or enum."""
        message, _, field = name.partition(".")
        added = self.message(message).field.add(name=field, number=number)
        added.label = F.LABEL_REPEATED if many else F.LABEL_OPTIONAL
        added.type = KINDS.get(kind, F.TYPE_MESSAGE)
        if kind not in KINDS:
            added.type_name = f".caffe.{kind}"
        if default is not None:
            added.default_value = default

    def drop(self, name: str) -> None:
        """Take a field out."""
        self.message(name.partition(".")[0]).field.remove(self.field(name))

    def serialized(self) -> bytes:
        """The file as protoc writes it into a module."""
        return self.file.SerializeToString()


def make_proto() -> Proto:
    """The fork of most tests."""
    proto = Proto()
    # A type of its own, with a message inside that shares its short name with another, and a repeated enum.
    proto.add("ShuffleChannelParameter.group", "uint32", 1, default="2")
    proto.add("ShuffleChannelParameter.seed", "float", 2, many=True)
    shuffle = proto.message("ShuffleChannelParameter")
    order = shuffle.enum_type.add(name="Order")
    order.value.add(name="BLOCKS", number=0)
    order.value.add(name="ROWS", number=1)
    shuffle.field.add(
        name="order", number=3, label=F.LABEL_REPEATED, type=F.TYPE_ENUM,
        type_name=".caffe.ShuffleChannelParameter.Order",
    )  # fmt: skip
    shuffle.nested_type.add(name="LRNParameter").field.add(
        name="depth", number=1, label=F.LABEL_OPTIONAL, type=F.TYPE_INT32
    )
    shuffle.field.add(
        name="lrn", number=4, label=F.LABEL_OPTIONAL, type=F.TYPE_MESSAGE,
        type_name=".caffe.ShuffleChannelParameter.LRNParameter",
    )  # fmt: skip
    proto.add("LayerParameter.shuffle_channel_param", "ShuffleChannelParameter", 7001)
    # A block without a type of its name.
    proto.add("RescaleParameter.factor", "float", 1)
    proto.add("LayerParameter.rescale_param", "RescaleParameter", 7002)
    # Fields of Caffe's own messages: more of them, one as a single value, one with another default, one value more.
    proto.add("ConvolutionParameter.weight_bits", "int32", 900)
    proto.add("LayerParameter.tag", "string", 7003)
    proto.add("SolverParameter.plateau", "int32", 900)
    proto.field("ConvolutionParameter.kernel_size").label = F.LABEL_OPTIONAL
    proto.field("ConvolutionParameter.group").default_value = "4"
    proto.field("DataParameter.prefetch").default_value = "0"
    proto.field("LossParameter.normalize").default_value = "true"
    (normalization,) = proto.message("LossParameter").enum_type
    normalization.value.add(name="FIXED", number=9)
    # Numbers that mean something else than in Caffe.
    proto.field("LayerParameter.recurrent_param").number = 9001
    proto.add("LayerParameter.note", "string", 146)
    # What the fork does not have.
    proto.drop("ConvolutionParameter.dilation")
    proto.drop("LayerParameter.clip_param")
    proto.drop("SolverParameter.weights")
    # A type of V1 layers.
    (types,) = (enum for enum in proto.message("V1LayerParameter").enum_type if enum.name == "LayerType")
    types.value.add(name="SHUFFLE_CHANNEL", number=900)
    types.value.add(name="HALF_ROI", number=901)
    proto.add("V1LayerParameter.shuffle_channel_param", "ShuffleChannelParameter", 7001)
    return proto


def early_proto() -> Proto:
    """A fork of 2014: no Input, no solver `type`, none of the younger blocks."""
    proto = Proto()
    young = ("input_param", "batch_norm_param", "scale_param", "recurrent_param", "crop_param", "elu_param")
    for name in young:
        proto.drop(f"LayerParameter.{name}")
    for name in ("SolverParameter.type", "LayerParameter.propagate_down", "PythonParameter.param_str"):
        proto.drop(name)
    return proto


def write_module(path: Path, proto: Proto) -> Path:
    """Write a module as protoc does today."""
    text = f"DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile({proto.serialized()!r})\n"
    path.write_text(f"# Generated by the protocol buffer compiler.  DO NOT EDIT!\n{text}", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of the fork's module."""
    return str(write_module(tmp_path_factory.mktemp("fork") / "caffe_pb2.py", make_proto()))


@pytest.fixture(scope="session")
def fork(module: str) -> Fork:
    """The fork."""
    return load_fork(module)


@pytest.fixture(scope="session")
def early(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of an early fork's module."""
    return str(write_module(tmp_path_factory.mktemp("early") / "caffe_pb2.py", early_proto()))


@pytest.fixture
def fork_with(tmp_path: Path) -> Callable[[Callable[[Proto], None]], str]:
    """Makes the module of a fork that differs from Caffe in what a function changes."""

    def make(change: Callable[[Proto], None]) -> str:
        proto = Proto()
        change(proto)
        return str(write_module(tmp_path / "caffe_pb2.py", proto))

    return make
