"""Expanded layers to messages: names are resolved, each message is complete as Caffe reads it, positions are kept.

After this stage a net of all phases is a list of `ir.Layer`, in order, with the rules that put each in its phases.
Knows the language's forms and Caffe's messages, not what a layer computes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from netcompile.caffe.caffe_pb2 import LayerParameter, NetParameter
from netcompile.ir import Absent, Layer, Net
from netcompile.language.declared import declared_shapes
from netcompile.language.fill import values
from netcompile.language.merge import is_null, is_true
from netcompile.language.origin import SpecOrigin
from netcompile.layers import LAYER_TYPES, learned_count
from netcompile.tree import Mapping, Node, Scalar, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netcompile.diagnostics import Report
    from netcompile.forks.read import Fork
    from netcompile.language.spec import Expanded, Form, LayerSpec

_MESSAGES: Final[dict[str, Any]] = {
    field.name: field.message_type for field in LayerParameter.DESCRIPTOR.fields if field.name.endswith("_param")
}
_WIRED: Final = frozenset({"name", "type", "bottom", "top"})
_PHASES: Final = ("TRAIN", "TEST")
Target = Literal["NET", "DEPLOY"]


def lower(
    spec: Expanded, report: Report, target: Target = "NET", *, allow_custom: bool = False, fork: Fork | None = None,
    net: Net | None = None,
) -> Net:  # fmt: skip
    """The net of both phases, or the layers as they are in deploy, from the expanded layers.

    The messages are ours or, where there is a fork, the fork's, with the fields that only it has. `net` is what became
    of the same layers in the phases, for deploy, which has most of them as they are there.
    """
    lowering = _Lowering(report, fork, allow_custom=allow_custom)
    lowering.keep(() if net is None else net.layers)
    header = lowering.header(spec)
    layers = [layer for one in spec.layers for layer in lowering.layers(one, target)]
    return Net(header, layers, lowering.absent)


class _Lowering:
    """Makes messages of one Caffe."""

    def __init__(self, report: Report, fork: Fork | None, *, allow_custom: bool) -> None:
        self.report = report
        self.fork = fork
        self.allow_custom = allow_custom
        self.net_type: Any = fork.NetParameter if fork else NetParameter
        self.layer_type: Any = fork.LayerParameter if fork else LayerParameter
        self.descriptor: Any = self.layer_type.DESCRIPTOR
        self.blocks: dict[str, Any] = fork.blocks if fork else _MESSAGES
        self.given: dict[tuple[str, ...], frozenset[str]] = {}
        self.kept: dict[int, Layer] = {}  # by the ids of their forms
        self.absent: list[Absent] = []

    def keep(self, layers: Iterable[Layer]) -> None:
        """Have layers ready that were made before, but for those that have a phase added to their rules."""
        for layer in layers:
            origin = layer.origin
            if isinstance(origin, SpecOrigin) and not origin.spec.split and origin.spec.only is None:
                self.kept[id(origin.form)] = layer

    def header(self, spec: Expanded) -> NetParameter:
        """The net's own fields."""
        filled = values(spec.fields, self.net_type.DESCRIPTOR)
        try:
            header: NetParameter = self.net_type(**filled)
        except (TypeError, ValueError) as error:
            self.report.add("out-of-range", spec.fields.span, f"a field of the net can't hold its value: {error}")
            header = self.net_type()
        if self.fork is not None:
            self.fork.complete(header)
        return header

    def layers(self, spec: LayerSpec, target: Target) -> list[Layer]:
        """The layers that a layer of the spec becomes: one, or one for each phase."""
        forms = spec.forms
        phases = [phase for phase in (_PHASES if target == "NET" else ("DEPLOY",)) if phase in forms]
        if not phases:
            self.absent += [Absent(spec.name, form.tops, SpecOrigin(spec, form)) for form in forms.values()][:1]
            return []
        if target == "DEPLOY":
            return [self.kept.get(id(forms[phase])) or self._layer(spec, forms[phase], None) for phase in phases]
        if spec.split:
            return [self._layer(spec, forms[phase], phase) for phase in phases]
        only = None if spec.only is None else spec.only.intersection(_PHASES)
        added = next(iter(only)) if only and len(only) == 1 else None
        return [self._layer(spec, forms[phases[0]], added)]

    def _layer(self, spec: LayerSpec, form: Form, phase: str | None) -> Layer:
        """The layer of one form; `phase` is added to its rules."""
        origin = SpecOrigin(spec, form)
        own = form.fields.layer
        filled = values(own, self.descriptor, _WIRED)
        for name, block in form.fields.blocks.items():
            descriptor = self.blocks.get(name)
            if descriptor is not None:
                filled[name] = values(block, descriptor)
                if name == "python_param":
                    self._param_str(filled[name], block, origin)
        if phase is not None:
            rules = filled.get("include", [{}])
            filled["include"] = [{**rule, "phase": phase} for rule in rules if rule.get("phase", phase) == phase]
            filled.pop("exclude", None)  # beside the rule of a phase it is refused already
        given = tuple(filled)
        filled.update(name=spec.name, type=form.type, bottom=form.bottoms, top=form.tops)
        for field in ("name", "type"):
            if not filled[field] and is_null(spec.node.entries[field]):
                del filled[field]  # `name: ~`: the layer has none
        message = self._message(filled, spec, origin)
        is_custom = self.allow_custom or ("custom" in own.entries and self._says_custom(origin))
        if self.fork is not None:
            is_custom = is_custom or self.fork.speaks_of(message)
            self.fork.complete(message)
        if form.inherits_param and form.type in LAYER_TYPES:
            self._drop_surplus_params(message)
        declared = declared_shapes(form, origin, self.report) if "top_shapes" in own.entries else {}
        return Layer(message, self._shared(given), origin, declared, is_custom, spec.damaged)

    def _says_custom(self, origin: SpecOrigin) -> bool:
        form = origin.form
        said = is_true(form.fields.layer.entries["custom"])
        if said and self.fork is None and form.type in LAYER_TYPES:
            self._unused(origin, "custom", f"`custom` has no effect: {form.type} is a type of Caffe's own")
        return said

    def _param_str(self, filled: dict[str, Any], block: Mapping, origin: SpecOrigin) -> None:
        style = origin.form.fields.layer.entries.get("param_format")
        written = _write_param_str(filled, block.entries.get("param_str"), style)
        if not (written or is_null(style)):
            text = "`param_format` is for a `param_str` that is a mapping or a list"
            self._unused(origin, "param_format", text)

    def _unused(self, origin: SpecOrigin, key: str, text: str) -> None:
        title = f"{origin.form.type} '{origin.spec.name}'"
        self.report.add("unused-field", origin.key_span(key), f"{title}: {text}", notes=origin.notes(key))

    def _shared(self, names: tuple[str, ...]) -> frozenset[str]:
        """A set of fields, which many layers have in common."""
        given = self.given.get(names)
        if given is None:
            given = self.given[names] = frozenset(names)
        return given

    def _message(self, filled: dict[str, Any], spec: LayerSpec, origin: SpecOrigin) -> LayerParameter:
        try:
            message: LayerParameter = self.layer_type(**filled)
        except (TypeError, ValueError):
            message = self._message_by_fields(filled, spec, origin)
        return message

    def _message_by_fields(self, filled: dict[str, Any], spec: LayerSpec, origin: SpecOrigin) -> LayerParameter:
        """The message of what its fields can hold; each that can't is reported where the layer is sound otherwise."""
        message: LayerParameter = self.layer_type()
        for name, value in filled.items():
            try:
                message.MergeFrom(self.layer_type(**{name: value}))
            except (TypeError, ValueError) as error:  # noqa: PERF203 - the slow path of the refused
                if not spec.damaged:
                    text = f"'{name}' can't hold its value: {error}"
                    self.report.add("out-of-range", origin.span(name), text, notes=origin.notes(name))
        return message

    def _drop_surplus_params(self, message: LayerParameter) -> None:
        """Defaults give one `param` list to all layers of a type; one without a bias has fewer blobs."""
        read = message if self.fork is None else self.fork.layer_for_rules(Layer(message, ())).message
        count = learned_count(LAYER_TYPES[message.type], read)
        if count is not None and len(message.param) > count:
            del message.param[count:]


def _write_param_str(filled: dict[str, Any], node: Node | None, style: Node | None) -> bool:
    """A mapping or list as `param_str` becomes text: JSON, or a Python literal where `param_format: python` says so.

    False where it is text as it stands.
    """
    if node is None or (type(node) is Scalar and (node.value is None or type(node.value) is str)):
        return False
    value = plain(node)
    as_python = type(style) is Scalar and style.value == "python"
    filled["param_str"] = repr(value) if as_python else json.dumps(value, ensure_ascii=False)
    return True
