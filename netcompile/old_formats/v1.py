"""V1 nets to the current format: `layers` with enum types, multipliers in lists of their own.

Follows Caffe's upgrade_proto.cpp (UpgradeNetDataTransformation, UpgradeV1Net). Must not know texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.old_formats.written import Written

if TYPE_CHECKING:
    from netcompile.old_formats.findings import Findings
    from netcompile.old_formats.written import Origins

_TRANSFORMED: Final = ("DATA", "IMAGE_DATA", "WINDOW_DATA")
_TRANSFORM_FIELDS: Final = ("scale", "mean_file", "crop_size", "mirror")
_PARAM_FIELDS: Final = {
    "param": "name",
    "blob_share_mode": "share_mode",
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
}
# A current type is the V1 enum name in capitalised words. These words and names are spelt otherwise.
_WORDS: Final = {
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "HDF5": "HDF5",
    "LRN": "LRN",
    "MVN": "MVN",
    "RELU": "ReLU",
    "TANH": "TanH",
}
_NAMES: Final = {"NONE": "", "SOFTMAX_LOSS": "SoftmaxWithLoss"}


def move_transformations(net: Any, origins: Origins) -> bool:
    """Move the old transformation fields of V1 data layers into `transform_param`; tell whether there are any.

    Changes the net. If there are any, all data layers get both messages, even empty ones, as Caffe does it.
    """
    data = [(index, *_data_param(layer)) for index, layer in enumerate(net.layers) if _data_param(layer)[0]]
    if not any(param.HasField(field) for _, _, param in data for field in _TRANSFORM_FIELDS):
        return False
    for index, name, param in data:
        transform = net.layers[index].transform_param
        param.SetInParent()
        transform.SetInParent()
        for field in _TRANSFORM_FIELDS:
            if param.HasField(field):
                setattr(transform, field, getattr(param, field))
                param.ClearField(field)
                origins.move(index, f"transform_param.{field}", f"{name}.{field}")
    return True


def _data_param(layer: Any) -> tuple[str, Any]:
    """Give the name and the message of a data layer's own parameters; of other layers, nothing."""
    kind = layer.LayerType.Name(layer.type)
    name = f"{kind.lower()}_param"
    return (name, getattr(layer, name)) if kind in _TRANSFORMED else ("", None)


def upgrade_v1(net: Any, origins: Origins, findings: Findings) -> tuple[Any, bool]:
    """Make the net that Caffe makes of a V1 net, and tell whether all fields have a place in it."""
    if net.layer:
        text = "`layers` and `layer` in one file: Caffe refuses to upgrade a net that mixes the formats"
        note = ("the first `layer`", Written("layer", 0))
        hint = "write all layers in one format; the current one is `layer` with a quoted type"
        findings.refuse("mixed-formats", Written("layers", 0), text, note=note, hint=hint, key=True)
    upgraded = type(net)()
    upgraded.CopyFrom(net)
    upgraded.ClearField("layers")
    upgraded.ClearField("layer")
    compatible = True
    for index, layer in enumerate(net.layers):
        compatible &= _upgrade_layer(layer, upgraded.layer.add(), index, origins, findings)
    return upgraded, compatible


def _upgrade_layer(old: Any, new: Any, index: int, origins: Origins, findings: Findings) -> bool:
    """Fill a current layer from a V1 layer; returns False where a field has no place in it."""
    compatible = True
    fields = new.DESCRIPTOR.fields_by_name
    for field, value in old.ListFields():
        name = field.name
        if name == "type":
            new.type = current_type(old.LayerType.Name(value))
        elif name in _PARAM_FIELDS:
            _spread(name, old, new)
        elif name not in fields:
            findings.drop(origins.written(index, name), f"'{name}' is lost: the current format has no place for it")
            compatible = False
        elif hasattr(value, "ListFields"):
            getattr(new, name).CopyFrom(value)
        elif isinstance(value, str):
            setattr(new, name, value)
        else:
            getattr(new, name).extend(value)
    _record_params(old, index, origins)
    return compatible


def _spread(name: str, old: Any, new: Any) -> None:
    """Turn a list of one setting per learned blob into a field of as many `param` entries."""
    for i, value in enumerate(getattr(old, name)):
        spec = new.param[i] if i < len(new.param) else new.param.add()
        if name == "blob_share_mode":
            spec.share_mode = spec.DimCheckMode.Value(old.DimCheckMode.Name(value))
        else:
            setattr(spec, _PARAM_FIELDS[name], value)


def _record_params(old: Any, index: int, origins: Origins) -> None:
    """Record where the `param` entries of an upgraded layer come from."""
    places = {}
    for name, target in _PARAM_FIELDS.items():
        for i in range(len(getattr(old, name))):
            places[f"param:{i}.{target}"] = written = origins.written(index, f"{name}:{i}")
            places.setdefault(f"param:{i}", written)
    for path, written in places.items():  # only now: `param` is the name of an old list too
        origins.put(index, path, written)


def current_type(name: str) -> str:
    """Give the current name of a V1 type."""
    if name in _NAMES:
        return _NAMES[name]
    return "".join(_WORDS.get(word) or word.capitalize() for word in name.split("_"))
