"""V0 nets to V1: `layers` with a nested `layer`, types in lower case, padding as a layer of its own.

Follows Caffe's upgrade_proto.cpp (UpgradeV0Net). What Caffe leaves out is left out here too, and reported.
Must not know texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.diagnostics import did_you_mean
from netcompile.old_formats.written import Written

if TYPE_CHECKING:
    from netcompile.old_formats.findings import Findings
    from netcompile.old_formats.written import Origins

_NET_FIELDS: Final = ("name", "layers", "input", "input_dim", "force_backward")

# The V0 types are the first types of V1, in lower case but for these.
_LAST_TYPE: Final = 24
_SHORT_TYPES: Final = {
    "CONVOLUTION": "conv",
    "IMAGE_DATA": "images",
    "INNER_PRODUCT": "innerproduct",
    "POOLING": "pool",
}
_PADDING: Final = "padding"
_PADDED: Final = ("conv", "pool")

_COPIED: Final = ("name", "type", "blobs", "blobs_lr", "weight_decay")
_TRANSFORM: Final = {"scale": "scale", "meanfile": "mean_file", "cropsize": "crop_size", "mirror": "mirror"}
_RENAMED: Final = {
    "biasterm": "bias_term",
    "kernelsize": "kernel_size",
    "batchsize": "batch_size",
    "shuffle_images": "shuffle",
}
_IGNORED: Final = ("new_num", "new_channels")  # Caffe leaves these out without counting it as a loss


def is_v0(net: Any) -> bool:
    """Tell whether an entry of `layers` has a nested `layer`: one is enough to make the whole net V0."""
    return any(layer.HasField("layer") for layer in net.layers)


def upgrade_v0(net: Any, origins: Origins, findings: Findings) -> tuple[Any, bool]:
    """Make the V1 net that Caffe makes of a V0 net, and tell whether Caffe would call it a full success."""
    upgraded = type(net)()
    for field, value in net.ListFields():
        if field.name not in _NET_FIELDS:
            _report_lost(field.name, value, findings)
        elif field.name in ("input", "input_dim"):
            getattr(upgraded, field.name).extend(value)
        elif field.name != "layers":
            setattr(upgraded, field.name, value)
    kept = _merge_padding(net, origins, findings)
    types = _types(net)
    results = [
        _Upgrade(upgraded.layers.add(), index, origins, findings).run(layer, types) for index, layer in enumerate(kept)
    ]
    return upgraded, all(results)


def _types(net: Any) -> dict[str, str]:
    """Map each V0 type to its V1 name."""
    values = net.DESCRIPTOR.fields_by_name["layers"].message_type.enum_types_by_name["LayerType"].values
    return {_SHORT_TYPES.get(v.name, v.name.lower()): v.name for v in values if 0 < v.number <= _LAST_TYPE}


def _report_lost(name: str, value: Any, findings: Findings) -> None:
    if name != "layer":
        findings.drop(Written(name, 0), f"'{name}' is lost: the upgrade of a V0 net does not keep it")
        return
    for index, layer in enumerate(value):
        findings.drop(Written(name, index), f"layer '{layer.name}' is lost: a V0 net keeps its `layers` alone")


def _merge_padding(net: Any, origins: Origins, findings: Findings) -> list[Any]:
    """Copy the layers without those of type padding, whose `pad` and bottom go to their readers."""
    producers = dict.fromkeys(net.input, -1)
    kept: list[Any] = []
    indexes: list[int] = []
    for index, given in enumerate(net.layers):
        layer = type(given)()
        layer.CopyFrom(given)
        if layer.layer.type != _PADDING:
            kept.append(layer)
            indexes.append(index)
        for position, bottom in enumerate(given.bottom):
            producer = producers.get(bottom)
            if producer is None:
                text = f"no input and no earlier layer makes '{bottom}', which the upgrade of a V0 net asks for"
                meant = did_you_mean(bottom, producers)
                hint = f"did you mean '{meant}'?" if meant else None
                findings.refuse("unknown-bottom", Written("layers", index, f"bottom:{position}"), text, hint=hint)
            elif producer >= 0 and net.layers[producer].layer.type == _PADDING:
                here = Written("layers", index, f"bottom:{position}")
                if _check_padding(net.layers[producer], Written("layers", producer), given, here, findings):
                    _pad(layer, net.layers[producer])
                    origins.put(len(kept) - 1, "layer.pad", Written("layers", producer, "layer.pad"))
                    origins.put(len(kept) - 1, "bottom", Written("layers", producer, "bottom"))
        producers.update(dict.fromkeys(given.top, index))
    origins.keep(indexes)
    return kept


def _pad(layer: Any, padding: Any) -> None:
    layer.layer.pad = padding.layer.pad
    layer.bottom[0] = padding.bottom[0]


def _check_padding(padding: Any, where: Written, reader: Any, here: Written, findings: Findings) -> bool:
    """Report what Caffe refuses in a padding layer and its reader; returns True where it refuses nothing."""
    wrong = []
    if reader.layer.type not in _PADDED:
        wrong.append(
            (here, f"a layer of type '{reader.layer.type}' can't read a padding layer, only conv and pool can")
        )
    elif len(reader.bottom) != 1:
        wrong.append((here, "a layer that reads a padding layer takes one bottom"))
    if len(padding.bottom) != 1:
        wrong.append((where, f"a padding layer takes one bottom, not {len(padding.bottom)}"))
    if len(padding.top) != 1:
        wrong.append((where, f"a padding layer makes one top, not {len(padding.top)}"))
    for place, text in wrong:
        findings.refuse("padding-reader", place, text, note=("the padding layer", where), hint=None)
    return not wrong


class _Upgrade:
    """Makes one V1 layer of a V0 layer."""

    __slots__ = ("_findings", "_index", "_origins", "_target", "_type")

    def __init__(self, target: Any, index: int, origins: Origins, findings: Findings) -> None:
        self._target = target
        self._index = index
        self._origins = origins
        self._findings = findings
        self._type: str | None = None

    def run(self, given: Any, types: dict[str, str]) -> bool:
        """Fill the V1 layer; returns False where Caffe reports that a field is lost."""
        self._target.bottom.extend(given.bottom)
        self._target.top.extend(given.top)
        for field, _ in given.ListFields():
            if field.name not in ("bottom", "top", "layer"):
                text = f"'{field.name}' beside the nested `layer` is lost: only bottoms and tops are kept there"
                self._findings.drop(self._written(field.name), text)
        if not given.HasField("layer"):
            return True
        old = given.layer
        if old.HasField("type"):
            self._set_type(old.type, types)
        for name in _COPIED:
            self._move(name, name)
        self._origins.move(self._index, "", "layer.name")
        results = [self._carry(field.name, value, old.type) for field, value in old.ListFields()]
        return all(results)

    def _written(self, path: str) -> Written:
        return self._origins.written(self._index, path)

    def _move(self, new: str, old: str) -> None:
        self._origins.move(self._index, new, f"layer.{old}")

    def _set_type(self, name: str, types: dict[str, str]) -> None:
        self._type = types.get(name)
        if self._type is None:
            meant = did_you_mean(name, types)
            hint = f"did you mean '{meant}'?" if meant else None
            self._findings.refuse("unknown-v0-type", self._written("layer.type"), f"no V0 type '{name}'", hint=hint)
            return
        self._target.type = type(self._target).LayerType.Value(self._type)

    def _carry(self, name: str, value: Any, old_type: str) -> bool:
        """Copy one field to where it is in V1; returns False where Caffe reports that it is lost."""
        if name in _COPIED:
            if name != "type":
                _copy(self._target, name, value)
            return True
        if name in _TRANSFORM:
            setattr(self._target.transform_param, _TRANSFORM[name], value)
            self._move(f"transform_param.{_TRANSFORM[name]}", name)
            return True
        param, new = self._home(name)
        if param:
            self._origins.move(self._index, param, "layer")
            _copy(self._target if param == new else getattr(self._target, param), new, value)
            self._move(param if param == new else f"{param}.{new}", name)
            return True
        kind = f"a layer of type '{old_type}'" if old_type else "a layer without type"
        self._findings.drop(self._written(f"layer.{name}"), f"'{name}' is lost: {kind} does not use it")
        return name in _IGNORED

    def _home(self, name: str) -> tuple[str | None, str]:
        """Find the V1 message, and the field in it, that a V0 field goes to: the type's own message, if it has it."""
        param = f"{(self._type or '').lower()}_param"
        if name == param:
            return param, param
        new = _RENAMED.get(name, name.removeprefix("det_"))
        fields = self._target.DESCRIPTOR.fields_by_name
        if param not in fields or new not in fields[param].message_type.fields_by_name:
            return None, new
        # HDF5 data can be shuffled since V1 only.
        return (None if (param, new) == ("hdf5_data_param", "shuffle") else param), new


def _copy(target: Any, name: str, value: Any) -> None:
    """Set a field to a value that another message has in the same field, or alone where this one has a list."""
    field = target.DESCRIPTOR.fields_by_name[name]
    current = getattr(target, name)
    if hasattr(value, "ListFields"):
        current.CopyFrom(value)
    elif hasattr(current, "extend"):
        current.extend(value if hasattr(value, "extend") else (value,))
    else:
        # A signed field that became an unsigned one, as C++ converts it.
        setattr(target, name, value % 2**32 if field.cpp_type == field.CPPTYPE_UINT32 else value)
