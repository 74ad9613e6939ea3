"""Nets and solvers as binary messages, such as a .caffemodel: told from text, read, and freed of what Caffe adds.

Knows bytes and messages, not what a net means.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from netcompile.diagnostics import CallError
from netcompile.language.fill import is_repeated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcompile.diagnostics import Report

_ENDINGS: Final = (".caffemodel", ".binaryproto", ".solverstate")
_CONTROL: Final = re.compile(rb"[\x01-\x08\x0e-\x1f]")  # in any message with a layer: the tag of a field has one
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_MOST_SHOWN: Final = 5


def is_binary(path: str, data: bytes, message_type: Any) -> bool:
    """Tell whether a file holds a binary message rather than text. Raises CallError for HDF5.

    Text has no null character, and other control characters in comments and strings alone, so that it is no message.
    """
    if data.startswith(_HDF5):
        raise CallError(f"{path} is HDF5, which holds weights by name and no net; give the .caffemodel or the prototxt")
    if path.endswith(_ENDINGS) or b"\0" in data:
        return True
    return _CONTROL.search(data) is not None and _is_message(data, message_type)


def _is_message(data: bytes, message_type: Any) -> bool:
    """True for bytes that are a message with nothing but fields of its type at the top."""
    try:
        message = message_type.FromString(data)
    except DecodeError:
        return False
    return bool(message.ListFields()) and not _extra(message)


def read_binary(path: str, data: bytes, message_type: Any) -> Any:
    """The message that a file holds. Raises CallError where it holds none of that type."""
    try:
        return message_type.FromString(data)
    except DecodeError:
        name = message_type.DESCRIPTOR.name
        raise CallError(f"{path} holds no {name}, neither as text nor as a binary message") from None


def take_weights(net: Any) -> tuple[int, int]:
    """Remove the stored blobs of a net's layers; tells how many layers had some, and how many values those were."""
    layers = [layer for layer in (*net.layer, *getattr(net, "layers", ())) if layer.blobs]
    values = sum(len(blob.data) or len(blob.double_data) for layer in layers for blob in layer.blobs)
    for layer in layers:
        layer.ClearField("blobs")
    return len(layers), values


def undo_snapshot(net: Any) -> tuple[int, bool]:
    """Take out of a net, in the current format, what Caffe adds to it when it builds it, and so to a snapshot.

    That are copies of blobs with several readers, and the phase in each layer. Tells how many layers were taken out,
    and whether a phase was.
    """
    splits = {layer.name: layer.bottom[0] for layer in net.layer if _is_automatic(layer)}
    copies = {top: splits[layer.name] for layer in net.layer if layer.name in splits for top in layer.top}
    kept = [layer for layer in net.layer if layer.name not in splits]
    for layer in kept:
        layer.bottom[:] = [copies.get(bottom, bottom) for bottom in layer.bottom]
    phases = {layer.phase if layer.HasField("phase") else None for layer in kept}
    one_phase = len(phases) == 1 and None not in phases
    for layer in kept if one_phase else ():
        layer.ClearField("phase")
    if splits:
        layers = [type(layer).FromString(layer.SerializePartialToString()) for layer in kept]
        net.ClearField("layer")
        net.layer.extend(layers)
    return len(splits), one_phase


def _is_automatic(layer: Any) -> bool:
    """True for a Split with the names that Caffe gives those that it puts in (insert_splits.cpp)."""
    if layer.type != "Split" or len(layer.bottom) != 1 or any(layer.loss_weight):
        return False
    named = layer.name.startswith(f"{layer.bottom[0]}_") and layer.name.endswith("_split")
    return named and list(layer.top) == [f"{layer.name}_{i}" for i in range(len(layer.top))]


def check_message(message: Any, report: Report, path: str | None = None) -> None:
    """Report what a message holds that its type does not say: fields of another Caffe, and text that is no UTF-8.

    In such text, wrong bytes are replaced by their escapes. `path` is the file that the message is from.
    """
    file = "" if path is None else f"{path}: "
    for where in unknown_fields(message)[:_MOST_SHOWN]:
        hint = "a field of a Caffe fork needs the fork's messages: --caffe"
        report.add("unknown-field", None, f"{file}{where}, which Caffe's messages don't have", hint=hint)
    for owner, one in _messages(message):
        for field, value in one.ListFields():
            if field.cpp_type == field.CPPTYPE_STRING and field.type != field.TYPE_BYTES:
                _mend_text(one, field, value, f"{file}the text of '{field.name}' in {owner}", report)


def unknown_fields(message: Any) -> list[str]:
    """The fields of a message, and of those in it, that no type has: "LayerParameter 'conv1' has field 150"."""
    found = {
        f"{owner} has field {field.field_number}": None for owner, one in _messages(message) for field in _extra(one)
    }
    return list(found)


def _extra(message: Any) -> Any:
    return UnknownFieldSet(message)


def _messages(message: Any, owner: str = "") -> Iterator[tuple[str, Any]]:
    """A message and all those in it, but for stored blobs, each with words for it."""
    name = getattr(message, "name", "")
    name = name.decode(errors="backslashreplace") if isinstance(name, bytes) else name
    name = f" '{name}'" if name else ""
    owner = owner if owner and not name else f"{message.DESCRIPTOR.name}{name}"
    yield owner, message
    for field, value in message.ListFields():
        if field.message_type is not None and field.name != "blobs":
            for one in value if is_repeated(field) else (value,):
                yield from _messages(one, f"{field.message_type.name} of {owner}")


def _mend_text(message: Any, field: Any, value: Any, what: str, report: Report) -> None:
    many = is_repeated(field)
    texts = list(value) if many else [value]
    if not any(isinstance(text, bytes) for text in texts):
        return
    mended = [text.decode(errors="backslashreplace") if isinstance(text, bytes) else text for text in texts]
    report.add("not-utf8", None, f"{what} is not UTF-8")
    if many:
        getattr(message, field.name)[:] = mended
    else:
        setattr(message, field.name, mended[0])
