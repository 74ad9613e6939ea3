"""Another Caffe than ours: its messages, which layer types they speak of, and its nets as our rules read them.

A generated module (`caffe_pb2.py`) is never run. It holds the description of its messages as one literal, which is read
out of its text; the classes are made of that in a pool of their own, so that modules of several Caffes, pycaffe's among
them, can be in one process.
"""

from __future__ import annotations

import ast
import os
import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from netcompile.caffe import caffe_pb2 as own_messages
from netcompile.diagnostics import CallError
from netcompile.forks.foreign import carry, carry_layer, spell_defaults, write_defaults, write_layer_defaults
from netcompile.ir import Layer, Net, given_fields
from netcompile.language.fill import is_repeated
from netcompile.layers import LAYER_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.protobuf.descriptor import FileDescriptor
    from google.protobuf.message import Message


_MODULES: Final = ("caffe_pb2.py", "proto/caffe_pb2.py", "caffe/proto/caffe_pb2.py", "python/caffe/proto/caffe_pb2.py")
_LAYERS: Final = ("layer", "layers")
_GENERATE: Final = "give the caffe_pb2.py that `protoc --python_out=. caffe.proto` makes for the fork"
# As protobuf 2 and 3 wrote it: serialized_pb='...', _b('...') or b'...'; since 3.20: AddSerializedFile(b'...').
_LITERAL: Final = re.compile(
    r"""(?:\bserialized_pb\s*=|\bAddSerializedFile\()\s*(?:_b\(\s*)?(b?(?:'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"))""",
    re.DOTALL,
)


class Fork:
    """The messages of one Caffe: `NetParameter`, `LayerParameter` and `SolverParameter` are its classes."""

    def __init__(self, file: FileDescriptor) -> None:
        self.file = file
        self.NetParameter: Any = _class(file, "NetParameter")
        self.LayerParameter: Any = _class(file, "LayerParameter")
        self.SolverParameter: Any = _class(file, "SolverParameter")
        layer = self.LayerParameter.DESCRIPTOR
        self.blocks: dict[str, Any] = {
            field.name: field.message_type
            for field in layer.fields
            if field.name.endswith("_param") and field.message_type and not is_repeated(field)
        }
        known = own_messages.LayerParameter.DESCRIPTOR.fields_by_name
        self.own_blocks = frozenset(name for name in self.blocks if name not in known)
        self.types = _types(map(_folded, self.own_blocks))
        self.flat: dict[str, dict[str, str]] = {}  # of types that were asked for, the fields that may stand flat

    @cached_property
    def schema(self) -> str:
        """The JSON Schema of specs for this fork, without documentation."""
        return self.documented_schema({})

    def documented_schema(self, comments: Mapping[str, str]) -> str:
        """The JSON Schema of specs for this fork, with comments as `build_schema` takes them."""
        from netcompile.schema.file import write_schema  # noqa: PLC0415 - likewise
        from netcompile.schema.generate import build_schema  # noqa: PLC0415 - for specs only

        schema = build_schema(self.file, LAYER_TYPES, comments)
        self._open_types(schema["definitions"])
        return write_schema(schema)

    def _open_types(self, definitions: dict[str, Any]) -> None:
        """Take a layer for a custom one where it is of a type of the fork, or has a message that only the fork has."""
        if not self.own_blocks:
            return
        kind = {"required": ["type"], "properties": {"type": {"type": "string", "pattern": self.types}}}
        named = {"anyOf": [kind, *({"required": [block]} for block in sorted(self.own_blocks))]}
        for form in ("layer", "fields"):
            custom = {"$ref": f"#/definitions/{form}_custom"}
            definitions[f"{form}_unknown"] = {"if": named, "then": custom, "else": definitions[f"{form}_unknown"]}
        definitions["defaults"]["patternProperties"] = {self.types: {"$ref": "#/definitions/default_custom"}}

    def has_type(self, name: str) -> bool:
        """Tell whether the fork has a message for a type that Caffe does not have: `permute_param` for Permute."""
        return bool(self.types) and re.search(self.types, name) is not None

    def speaks_of(self, layer: Any) -> bool:
        """Tell whether a layer of this fork is of such a type, or has a message that Caffe does not have."""
        return self.has_type(layer.type) or any(map(layer.HasField, self.own_blocks))

    def carry_net(self, net: Any) -> CarriedNet:
        """A whole net, as read from a file, in our messages."""
        return CarriedNet(self, net)

    def solver_for_rules(self, solver: Any) -> own_messages.SolverParameter:
        """A solver in our messages."""
        own = own_messages.SolverParameter()
        carry(solver, own)
        return own

    def net_for_rules(self, net: Net) -> Net:
        """The net in our messages, as the rules read it; layers that already are in ours stay as they are."""
        header = net.header if isinstance(net.header, own_messages.NetParameter) else own_messages.NetParameter()
        if header is not net.header:
            carry(net.header, header)
        return Net(header, [self.layer_for_rules(layer) for layer in net.layers], net.absent)

    def layer_for_rules(self, layer: Layer) -> Layer:
        """A layer in our messages. It is `forked` where the fork's message says more than the rules can see."""
        if isinstance(layer.message, own_messages.LayerParameter):
            return layer
        message = own_messages.LayerParameter()
        whole = carry_layer(layer.message, message)
        return layer._replace(message=message, given=given_fields(message), forked=layer.forked or not whole)

    def complete(self, message: Message) -> None:
        """Write out what a message of this fork leaves to its defaults where Caffe's own are others."""
        own: Any = own_messages.DESCRIPTOR
        write = write_layer_defaults if isinstance(message, self.LayerParameter) else write_defaults
        write(message, own.message_types_by_name[message.DESCRIPTOR.name])

    def spell_out(self, message: Message) -> None:
        """Write out what a message of this fork leaves to its own defaults where Caffe's are others."""
        own: Any = own_messages.DESCRIPTOR
        spell_defaults(message, own.message_types_by_name[message.DESCRIPTOR.name])


class CarriedNet:
    """A fork's net in our messages: `net`. It still knows what each layer was in the fork's."""

    def __init__(self, fork: Fork, given: Any) -> None:
        self.net = own_messages.NetParameter()
        self._fork = fork
        self._given = given
        self._parted: set[tuple[str, int]] = set()
        rest = type(given)()
        rest.CopyFrom(given)
        for field in _LAYERS:
            for index, layer in enumerate(getattr(given, field, ())):
                if not carry_layer(layer, getattr(self.net, field).add()):
                    self._parted.add((field, index))
            if field in rest.DESCRIPTOR.fields_by_name:
                rest.ClearField(field)
        carry(rest, self.net)

    def mark(self, layer: Layer, field: str, index: int) -> Layer:
        """A layer of our net with what the fork knows of it; in the fork's net it is element `index` of `field`."""
        if field not in _LAYERS:
            return layer
        source = getattr(self._given, field)[index]
        known = self._fork.speaks_of(source) if field == "layer" else self._names_type(source, layer.message)
        return layer._replace(custom=layer.custom or known, forked=(field, index) in self._parted)

    def _names_type(self, source: Any, message: Any) -> bool:
        """Tell whether the fork's V1 layers have a type that Caffe's have not, and give it to the layer."""
        from netcompile.old_formats.v1 import current_type  # noqa: PLC0415 - for old nets

        name = source.LayerType.Name(source.type) if source.HasField("type") else ""
        if not name or name in own_messages.V1LayerParameter.LayerType.keys():  # noqa: SIM118 - no mapping
            return self._fork.has_type(message.type)
        message.type = current_type(name)
        return True


def _class(file: FileDescriptor, name: str) -> Any:
    return GetMessageClass(file.message_types_by_name[name])


def _types(names: Iterable[str]) -> str:
    """A pattern for types by their names in lower case, without `_`; empty for none."""
    words = "|".join(sorted(map(_any_case, names)))
    return f"^({words})$" if words else ""


def _any_case(name: str) -> str:
    """A pattern for a type whose letters but the first may be of either case: editors know no flags in patterns."""
    rest = (f"[{letter.upper()}{letter}]" if letter.isalpha() else re.escape(letter) for letter in name[1:])
    return name[0].upper() + "".join(rest)


def _folded(block: str) -> str:
    """A block's name as it compares with types: `roi_pooling_param` belongs to ROIPooling."""
    return block.removesuffix("_param").replace("_", "").lower()


def own_message(message: Message, own: Message) -> Message:
    """A message of any pool as ours: `own` filled with it, or the very message where it is one of ours."""
    if isinstance(message, type(own)):
        return message
    carry(message, own)
    return own


def fork_of(caffe_pb2: Any) -> Fork | None:
    """The fork that is meant by a generated module, by its path, or by a message class; None for Caffe's own messages.

    A path is that of the module, of its folder or of the fork's root, or "installed" for pycaffe's. Raises CallError
    where there is nothing of that kind.
    """
    if caffe_pb2 is None or caffe_pb2 is own_messages or isinstance(caffe_pb2, Fork):
        return caffe_pb2 if isinstance(caffe_pb2, Fork) else None
    if isinstance(caffe_pb2, str | os.PathLike):
        return load_fork(os.fspath(caffe_pb2))
    net = getattr(caffe_pb2, "NetParameter", caffe_pb2)
    try:
        file = net.DESCRIPTOR.file
    except AttributeError:
        raise CallError(f"{caffe_pb2!r} is no generated module of Caffe's messages; {_GENERATE}") from None
    return None if file is own_messages.DESCRIPTOR else _fork(file, getattr(caffe_pb2, "__name__", file.name))


@lru_cache(maxsize=64)
def _fork(file: FileDescriptor, name: str) -> Fork:
    """The fork of a file's messages. Raises CallError where they are not Caffe's."""
    messages = file.message_types_by_name
    missing = [name for name in ("NetParameter", "LayerParameter", "SolverParameter") if name not in messages]
    if missing:
        raise CallError(f"{name} has no message {missing[0]}, so it is not made of a caffe.proto; {_GENERATE}")
    layer = messages["NetParameter"].fields_by_name.get("layer")
    kind = messages["LayerParameter"].fields_by_name.get("type")
    if layer is None or kind is None or kind.cpp_type != kind.CPPTYPE_STRING:
        raise CallError(f"{name} is of a Caffe before 2015, whose layers have numbers for types: it can't be followed")
    return Fork(file)


def load_fork(path: str) -> Fork:
    """The fork of a generated module: its path, a folder that has it, or "installed". Raises CallError."""
    found = _find(path)
    try:
        stamp = os.stat(found).st_mtime_ns
    except OSError as error:
        raise CallError(f"{path}: {error.strerror}; {_GENERATE}") from None
    return _load(found, stamp)


def _find(path: str) -> str:
    if path == "installed":
        return _installed()
    if not os.path.isdir(path):
        return path
    found = next((one for name in _MODULES if os.path.isfile(one := os.path.join(path, name))), None)
    if found is None:
        others = sorted(name for name in os.listdir(path) if name.endswith("_pb2.py"))
        if len(others) != 1:
            raise CallError(f"{path} has no caffe_pb2.py; {_GENERATE}")
        found = os.path.join(path, others[0])
    return found


def _installed() -> str:
    """The generated module of the pycaffe that this Python would import. It is looked up, not imported."""
    from importlib.util import find_spec  # noqa: PLC0415 - only for --caffe installed

    spec = find_spec("caffe")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    found = next((one for f in folders if os.path.isfile(one := os.path.join(f, "proto", "caffe_pb2.py"))), None)
    if found is None:
        text = "this Python has no pycaffe: give the path of its caffe_pb2.py, in python/caffe/proto of a built Caffe"
        raise CallError(text)
    return found


@lru_cache(maxsize=64)
def _load(path: str, stamp: int) -> Fork:
    """The fork of one version of a module."""
    del stamp
    with open(path, "rb") as file:
        literal = _LITERAL.search(file.read().decode("latin-1"))
    if literal is None:
        raise CallError(f"{path} is no module that protoc made: it has no description of messages; {_GENERATE}")
    try:
        return _fork(_described(_bytes(literal[1])), path)
    except (DecodeError, SyntaxError, TypeError, ValueError, KeyError) as error:
        raise CallError(f"{path}: the description of its messages can't be read: {error}") from None


def _bytes(literal: str) -> bytes:
    """The bytes of a literal. Python 2 and protobuf's `_b` take a character for a byte."""
    value = ast.literal_eval(literal)
    return value if isinstance(value, bytes) else value.encode("latin-1")


def _described(serialized: bytes) -> FileDescriptor:
    proto = FileDescriptorProto.FromString(serialized)
    if proto.dependency:
        raise ValueError(f"it needs {proto.dependency[0]} too")
    pool = DescriptorPool()
    pool.AddSerializedFile(serialized)
    return pool.FindFileByName(proto.name)
