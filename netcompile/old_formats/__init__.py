"""Old formats to the current one: what Caffe makes of a net file or solver file before it looks at it.

Caffe upgrades what it reads from a file, in this order: V0 layers, old transformation fields, V1 layers, net-level
inputs, BatchNorm's three parameters; of a solver, its type. Messages go in and come out; the input is never modified.
Each result knows where its layers were written. Must not know texts: places are asked of the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.old_formats import v0, v1
from netcompile.old_formats.findings import Findings, LayerOrigin
from netcompile.old_formats.written import Origins, Written
from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from netcompile.diagnostics import Report
    from netcompile.old_formats.findings import Find

__all__ = ["LayerOrigin", "Origins", "Upgraded", "Written", "upgrade_net", "upgrade_solver"]

_DIMS: Final = 4  # numbers that one input has in `input_dim`
_BATCH_NORM_PARAMS: Final = 3
_SOLVER_TYPES: Final = {
    "SGD": "SGD",
    "NESTEROV": "Nesterov",
    "ADAGRAD": "AdaGrad",
    "RMSPROP": "RMSProp",
    "ADADELTA": "AdaDelta",
    "ADAM": "Adam",
}


class Upgraded(NamedTuple):
    """An upgraded net. Where nothing was old, `net` is the very message that was given.

    `formats` names what was old, in the order of the upgrade; `compatible` is False where Caffe would report fields
    that it could not carry over.
    """

    net: Any
    origins: Origins
    formats: tuple[str, ...]
    compatible: bool


def upgrade_net(net: Any, report: Report, find: Find | None = None) -> Upgraded:
    """Give the net that Caffe makes of a net file before it builds it. The message given is not modified.

    Reports what Caffe refuses (the result is then not complete) and, as warnings, what gets lost. `find` gives the
    place of a path in an element of `net`; without it findings have no places.
    """
    findings = Findings(report, find)
    formats: list[str] = []
    old = getattr(net, "layers", ())  # which a fork may have dropped
    origins = Origins("layers" if old else "layer")
    compatible = True
    if old and v0.is_v0(net):
        formats.append("V0 layers")
        net, compatible = v0.upgrade_v0(net, origins, findings)
    if old:
        moved, net, complete = _upgrade_v1(net, origins, findings)
        formats += [] if formats else ["V1 layers"]
        formats += ["data transformation fields"] if moved else []
        compatible &= complete
    if _upgrades_inputs(net):
        formats.append("net-level inputs")
        net = _upgrade_inputs(net, origins, findings)
    three = [
        i for i, layer in enumerate(net.layer) if layer.type == "BatchNorm" and len(layer.param) == _BATCH_NORM_PARAMS
    ]
    if three:
        formats.append("BatchNorm parameters")
        net = _freeze_params(net, three)
    return Upgraded(net, origins, tuple(formats), compatible)


def _upgrade_v1(net: Any, origins: Origins, findings: Findings) -> tuple[bool, Any, bool]:
    upgraded = type(net)()
    upgraded.CopyFrom(net)
    moved = v1.move_transformations(upgraded, origins)
    return moved, *v1.upgrade_v1(upgraded, origins, findings)


def _upgrades_inputs(net: Any) -> bool:
    """Tell whether there are inputs to upgrade: a fork without `input_param` has no Input layer, and keeps them."""
    fields = net.DESCRIPTOR.fields_by_name
    if "input" not in fields or not net.input:
        return False
    return "input_param" in fields["layer"].message_type.fields_by_name


def _upgrade_inputs(net: Any, origins: Origins, findings: Findings) -> Any:
    """Put a layer of type Input before all others for the net's `input`; without any shapes, Caffe drops the inputs."""
    upgraded = type(net)()
    if not (net.input_shape or net.input_dim):
        for index, name in enumerate(net.input):
            text = f"input '{name}' has no shape, so Caffe drops it: no layer makes '{name}' then"
            findings.drop(Written("input", index), text, "give an `input_shape`, or four `input_dim`, for each input")
    if net.input_shape or net.input_dim:
        layer = upgraded.layer.add(name="input", type="Input", top=net.input)
        layer.input_param.SetInParent()
        for index, name in enumerate(net.input):
            origins.put_input(f"top:{index}", Written("input", index))
            if not _add_shape(net, index, layer.input_param.shape.add(), origins):
                text = f"input '{name}' has no shape: there are fewer shapes than inputs"
                hint = "give an `input_shape`, or four `input_dim`, for each input"
                findings.refuse("input-shape-missing", Written("input", index), text, hint=hint)
    upgraded.MergeFrom(net)
    for field in ("input", "input_shape", "input_dim"):
        upgraded.ClearField(field)
    return upgraded


def _add_shape(net: Any, index: int, shape: Any, origins: Origins) -> bool:
    """Fill in the shape of one input, from `input_shape` if the net has any; returns False where it is not given."""
    path = f"input_param.shape:{index}"
    if net.input_shape:
        if index < len(net.input_shape):
            shape.CopyFrom(net.input_shape[index])
            origins.put_input(path, Written("input_shape", index))
        return index < len(net.input_shape)
    first = index * _DIMS
    shape.dim.extend(net.input_dim[first : first + _DIMS])
    for axis in range(len(shape.dim)):
        origins.put_input(f"{path}.dim:{axis}", Written("input_dim", first + axis))
    origins.put_input(path, Written("input_dim", first))
    return len(shape.dim) == _DIMS


def _freeze_params(net: Any, indexes: list[int]) -> Any:
    """Set both multipliers of the `param` entries of some layers to 0, which is all that today's BatchNorm takes."""
    upgraded = type(net)()
    upgraded.CopyFrom(net)
    for index in indexes:
        for spec in upgraded.layer[index].param:
            spec.lr_mult = 0
            spec.decay_mult = 0
    return upgraded


def upgrade_solver(solver: Any, report: Report, find: Find | None = None) -> Any:
    """Give the solver that Caffe makes of a solver file: `solver_type` as `type`. The message given is not modified.

    Where nothing was old, that is the very message that was given. Both fields are refused, even if they agree.
    """
    if "type" not in solver.DESCRIPTOR.fields_by_name or not solver.HasField("solver_type"):
        return solver  # early forks know `solver_type` alone
    if solver.HasField("type"):
        findings = Findings(report, find)
        text = "`solver_type` and `type` are both given: Caffe refuses that, even if they agree"
        note = ("`type` is given here", Written("type", 0))
        hint = "leave out `solver_type`, the older of the two"
        findings.refuse("conflicting-fields", Written("solver_type", 0), text, note=note, hint=hint)
    upgraded = type(solver)()
    upgraded.CopyFrom(solver)
    upgraded.type = _SOLVER_TYPES[solver.SolverType.Name(solver.solver_type)]
    upgraded.ClearField("solver_type")
    return upgraded
