"""Expanded layers to messages: names are resolved, each message is complete as Caffe reads it, positions are kept.

After this stage a net of all phases is a list of `ir.Layer`, in order, with the rules that put each layer in its phases.
Knows the language's forms and Caffe's messages, not what a layer computes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from netcompile.caffe.caffe_pb2 import LayerParameter, NetParameter
from netcompile.declared import declared_shapes
from netcompile.fill import values
from netcompile.ir import Layer, Net
from netcompile.layers import LAYER_TYPES, learned_count
from netcompile.merge import is_null
from netcompile.origin import SpecOrigin
from netcompile.tree import Node, Scalar, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcompile.diagnostics import Report
    from netcompile.spec import Expanded, Form, LayerSpec

_LAYER: Final = LayerParameter.DESCRIPTOR
_MESSAGES: Final = {field.name: field.message_type for field in _LAYER.fields if field.name.endswith("_param")}
_WIRED: Final = frozenset({"name", "type", "bottom", "top"})
Target = Literal["NET", "DEPLOY"]


def lower(spec: Expanded, report: Report, target: Target = "NET", *, allow_custom: bool = False) -> Net:
    """The net of both phases, or the layers as they are in deploy, from the expanded layers."""
    header = _header(spec, report)
    layers = [layer for one in spec.layers for layer in _lower(one, target, report, allow_custom=allow_custom)]
    return Net(header, layers)


def _header(spec: Expanded, report: Report) -> NetParameter:
    filled = values(spec.fields, NetParameter.DESCRIPTOR)
    try:
        return NetParameter(**filled)
    except (TypeError, ValueError) as error:
        report.add("out-of-range", spec.fields.span, f"a field of the net can't hold its value: {error}")
        return NetParameter()


def _lower(spec: LayerSpec, target: Target, report: Report, *, allow_custom: bool) -> Iterator[Layer]:
    forms = spec.forms
    if target == "DEPLOY":
        if "DEPLOY" in forms:
            yield _layer(spec, forms["DEPLOY"], None, report, allow_custom=allow_custom)
        return
    phases = [phase for phase in ("TRAIN", "TEST") if phase in forms]
    if spec.split:
        for phase in phases:
            yield _layer(spec, forms[phase], phase, report, allow_custom=allow_custom)
    elif phases:
        only = None if spec.only is None else spec.only & {"TRAIN", "TEST"}
        phase = next(iter(only)) if only and len(only) == 1 else None
        yield _layer(spec, forms[phases[0]], phase, report, allow_custom=allow_custom)


def _layer(spec: LayerSpec, form: Form, phase: str | None, report: Report, *, allow_custom: bool) -> Layer:
    """The layer of one form; `phase` is added to its rules."""
    origin = SpecOrigin(spec, form)
    own = form.fields.layer
    filled = values(own, _LAYER) if len(own.entries) > len(_WIRED & own.entries.keys()) else {}
    filled.update(name=spec.name, type=form.type, bottom=form.bottoms, top=form.tops)
    for field in ("name", "type"):
        if not filled[field] and is_null(spec.node.entries[field]):
            del filled[field]  # `name: ~`: the layer has none
    for name, block in form.fields.blocks.items():
        descriptor = _MESSAGES.get(name)
        if descriptor is not None:
            filled[name] = values(block, descriptor)
            if name == "python_param":
                _write_param_str(filled[name], block.entries.get("param_str"), own.entries.get("param_format"))
    if phase is not None:
        filled["include"] = [{"phase": phase, **rule} for rule in filled.get("include", [{}])]
    message = _message(filled, spec, origin, report)
    custom = own.entries.get("custom")
    is_custom = allow_custom or (type(custom) is Scalar and custom.value is True)
    if form.inherits_param and form.type in LAYER_TYPES:
        _drop_surplus_params(message)
    declared = declared_shapes(form, origin, report) if "top_shapes" in own.entries else {}
    return Layer(message, origin, declared, is_custom, spec.damaged, form.fields.blocks)


def _message(filled: dict[str, Any], spec: LayerSpec, origin: SpecOrigin, report: Report) -> LayerParameter:
    try:
        return LayerParameter(**filled)
    except (TypeError, ValueError):
        return _message_by_fields(filled, spec, origin, report)


def _message_by_fields(filled: dict[str, Any], spec: LayerSpec, origin: SpecOrigin, report: Report) -> LayerParameter:
    """The message of what its fields can hold; each field that can't is reported where the layer is sound otherwise."""
    message = LayerParameter()
    for name, value in filled.items():
        try:
            message.MergeFrom(LayerParameter(**{name: value}))
        except (TypeError, ValueError) as error:  # noqa: PERF203 - the slow path of the refused
            if not spec.damaged:
                report.add("out-of-range", origin.span(name), f"'{name}' can't hold its value: {error}", notes=origin.notes(name))
    return message


def _write_param_str(filled: dict[str, Any], node: Node | None, style: Node | None) -> None:
    """A mapping or list as `param_str` becomes text: JSON, or a Python literal where `param_format: python` says so."""
    if node is None or (type(node) is Scalar and (node.value is None or type(node.value) is str)):
        return
    value = plain(node)
    as_python = type(style) is Scalar and style.value == "python"
    filled["param_str"] = repr(value) if as_python else json.dumps(value, ensure_ascii=False)


def _drop_surplus_params(message: LayerParameter) -> None:
    """Defaults give one `param` list to all layers of a type; one without a bias has fewer blobs."""
    count = learned_count(LAYER_TYPES[message.type], message)
    if count is not None and len(message.param) > count:
        del message.param[count:]
