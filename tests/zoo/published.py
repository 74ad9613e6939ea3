"""Brings compiled and published messages to one form, so that those which mean the same are equal.

Fields are compared as values, so their order and the spelling of numbers are free. A field that is written with its
default counts as left out. A deploy net is also freed of what does not matter at inference: `inference_form` says what.
"""

from __future__ import annotations

import ast
import hashlib
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from netcompile import caffe_pb2
from netcompile.schema.fields import is_repeated

if TYPE_CHECKING:
    from google.protobuf.message import Message

# Repeated fields have no default in the messages; Caffe reads an empty list as this.
_EMPTY_MEANS: Final = {"pad": [0], "stride": [1], "dilation": [1]}
_TRAINING: Final = ("include", "exclude", "param", "loss_weight", "propagate_down")
_PATHS: Final = ("net", "train_net", "test_net")


def net_form(net: Message) -> Message:
    """A net in the current format without what says nothing: defaults, and trailing empty `param`."""
    form = caffe_pb2.NetParameter()
    form.CopyFrom(net)
    for layer in form.layer:
        _drop_defaults(layer)
        while layer.param and not layer.param[-1].ListFields():
            del layer.param[-1]
        if layer.HasField("python_param"):
            layer.python_param.param_str = _as_value(layer.python_param.param_str)
    return form


def inference_form(net: Message) -> Message:
    """A deploy net as far as inference depends on it.

    Gone are fillers, `param`, loss weights, rules, the net's name, the batch size and the names of the Input layers.
    The inputs come first, an Input layer for each, in the order of their names.
    """
    form = caffe_pb2.NetParameter()
    shapes: dict[str, Any] = {}
    for layer in net_form(net).layer:
        if layer.type == "Input":
            shapes.update(zip(layer.top, layer.input_param.shape, strict=True))
            continue
        for field in _TRAINING:
            layer.ClearField(field)
        _drop_fillers(layer)
        _drop_defaults(layer)
        form.layer.append(layer)
    inputs = caffe_pb2.NetParameter()
    for name in sorted(shapes):
        dims = [0, *shapes[name].dim[1:]]
        inputs.layer.add(name=name, type="Input", top=[name], input_param={"shape": [{"dim": dims}]})
    inputs.MergeFrom(form)
    return inputs


def solver_form(solver: Message) -> Message:
    """A solver without defaults and without the paths of its nets."""
    form = caffe_pb2.SolverParameter()
    form.CopyFrom(solver)
    for field in _PATHS:
        form.ClearField(field)
    _drop_defaults(form)
    return form


FORMS: Final = {
    "net": net_form,
    "train": net_form,
    "test": net_form,
    "deploy": inference_form,
    "solver": solver_form,
}


def differing(ours: Message, theirs: Message) -> list[str]:
    """The layers of two nets, or the lines of two solvers, that are not alike, each with its place."""
    parts = [list(form.layer) if hasattr(form, "layer") else str(form).splitlines() for form in (ours, theirs)]
    pairs = zip_longest(*parts)
    return [f"{i}: {_title(one or other)}" for i, (one, other) in enumerate(pairs) if one != other]


def _title(part: Any) -> str:
    return str(getattr(part, "name", part))


def digests(form: Message) -> str:
    """Four hexadecimal digits for each layer of a net in its form, or for each field of a solver."""
    layers = getattr(form, "layer", None)
    if layers is None:
        return " ".join(_digest(f"{field.name} {value}".encode()) for field, value in form.ListFields())
    return " ".join(_digest(layer.SerializeToString(deterministic=True)) for layer in layers)


def whole_digest(form: Message) -> str:
    """A SHA-256 of a message in its form."""
    return hashlib.sha256(form.SerializeToString(deterministic=True)).hexdigest()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:4]


def _drop_defaults(message: Message) -> None:
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            _drop_defaults_below(message, field, value)
        elif _says_nothing(field, value):
            message.ClearField(field.name)


def _says_nothing(field: Any, value: Any) -> bool:
    if is_repeated(field):
        return list(value) == _EMPTY_MEANS.get(field.name)
    return bool(field.has_default_value and value == field.default_value)


def _drop_defaults_below(message: Message, field: Any, value: Any) -> None:
    for one in value if is_repeated(field) else [value]:
        _drop_defaults(one)
    if not is_repeated(field) and not value.ListFields():
        message.ClearField(field.name)


def _drop_fillers(message: Message) -> None:
    for field, value in message.ListFields():
        if field.type != field.TYPE_MESSAGE:
            continue
        if field.message_type.name == "FillerParameter":
            message.ClearField(field.name)
        elif not is_repeated(field):
            _drop_fillers(value)


def _as_value(text: str) -> str:
    """The value that a Python literal spells, tuples as lists and keys in order; other text as it is."""
    try:
        return repr(_sorted(ast.literal_eval(text)))
    except (SyntaxError, ValueError):
        return text


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list | tuple) else value
