"""Layers as inference needs them: without what only training reads. Knows messages, and where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import Message

from netcompile.language.origin import SpecOrigin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netcompile.caffe.caffe_pb2 import LayerParameter
    from netcompile.ir import Layer

_OF_TRAINING: Final = frozenset({"include", "exclude", "loss_weight", "propagate_down", "param"})


def shared_names(messages: Iterable[LayerParameter]) -> set[str]:
    """The names of learned blobs that more than one layer has."""
    seen: set[str] = set()
    shared: set[str] = set()
    for message in messages:
        for param in message.param:
            if param.name:
                (shared if param.name in seen else seen).add(param.name)
    return shared


def for_inference(message: LayerParameter, shared: set[str]) -> LayerParameter:
    """A layer without what only training reads: rules, fillers, multipliers, loss weights."""
    new = type(message)()
    new.CopyFrom(message)
    for field, _ in message.ListFields():
        if field.name in _OF_TRAINING:
            new.ClearField(field.name)
    params = [
        {"name": p.name, **({"share_mode": p.share_mode} if p.HasField("share_mode") else {})}
        if p.name in shared
        else {}
        for p in message.param
    ]
    while params and not params[-1]:
        params.pop()
    for param in params:
        new.param.add(**param)
    if message.type != "DummyData":
        for field, value in new.ListFields():
            if field.name.endswith("_param") and isinstance(value, Message):
                _drop_fillers(new, field.name)
    return new


def _drop_fillers(message: LayerParameter, block: str) -> None:
    """Leave out the fillers of a block, and the block where it has nothing else."""
    value: Any = getattr(message, block)
    fillers = [f.name for f, _ in value.ListFields() if f.message_type and f.message_type.name == "FillerParameter"]
    for name in fillers:
        value.ClearField(name)
    if fillers and not value.ListFields():
        message.ClearField(block)


def with_tops(message: LayerParameter, tops: set[str]) -> LayerParameter:
    """An Input layer with only those of its tops that are needed; other layers as they are."""
    if message.type != "Input" or tops >= set(message.top):
        return message
    kept = [i for i, top in enumerate(message.top) if top in tops]
    shapes = list(message.input_param.shape)
    names = [message.top[i] for i in kept]
    del message.top[:]
    message.top.extend(names)
    if len(shapes) > 1:
        del message.input_param.shape[:]
        message.input_param.shape.extend(shapes[i] for i in kept if i < len(shapes))
    return message


def is_own(layer: Layer) -> bool:
    """True for a layer that is not in deploy as it is in TEST."""
    origin = layer.origin
    if not isinstance(origin, SpecOrigin):
        return False
    form, test = origin.form, origin.spec.forms.get("TEST")
    return form is not test and origin.spec.forms.get("DEPLOY") is form
