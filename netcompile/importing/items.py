"""Layers of a net as items of a spec: which item stands for which layers, where it exists, and what it says there.

A TRAIN layer and the TEST layer behind it that have one name and one type become one item, with what both share and
what differs. Knows rules and fields; wiring is added by `wiring`, and what repeats is taken out by `defaults`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.caffe.caffe_pb2 import TEST, TRAIN, LayerParameter, TransformationParameter
from netcompile.importing import scalars
from netcompile.importing.values import NULL, layer_fields, rule_data
from netcompile.language.merge import flat_fields
from netcompile.layers import LAYER_TYPES, learned_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from netcompile.forks.read import Fork
    from netcompile.importing.layout import Data
    from netcompile.importing.values import Fields

_PHASES: Final = {"train": TRAIN, "test": TEST}
_LAST: Final = ("param", "loss_weight", "propagate_down", "blobs", "phase", "deploy")
_TRANSFORM: Final = "transform_param"


class Item:
    """One layer of the spec. `layers` has its layers of the net by phase, under "" the one that is in no pair.

    `fields` is what holds in all phases and `variants` what differs, by phase. `wires` has the keys of its bottoms and
    tops. `extra` keys stand last: its rules. `commented` has the paths to what comments speak of.
    """

    __slots__ = ("_learned", "commented", "extra", "fields", "first", "fork", "layers", "variants", "wires")

    def __init__(self, first: int, layers: dict[str, Any], fork: Fork | None = None) -> None:
        self.first = first
        self.layers = layers
        self.fork = fork
        self._learned: list[int | None] = []
        self.wires: dict[str, Data] = {}
        self.extra: dict[str, Data] = {}
        self.variants: dict[str, Fields] = {}
        self.commented: set[tuple[str, ...]] = set()
        if "" in layers:
            self.fields = layer_fields(layers[""])
            self.extra.update(_rules(layers[""]))
        else:
            self._fold({phase: layer_fields(layer) for phase, layer in layers.items()})
        known = self.type in LAYER_TYPES or (fork is not None and fork.has_type(self.type))
        if not (known and self.layer.HasField("name")):
            self.fields["", "custom"] = "true"

    @property
    def layer(self) -> Any:
        """The layer, of a pair the one in TRAIN: what names and places it is the same in both."""
        return self.layers.get("") or self.layers["train"]

    @property
    def type(self) -> str:
        """The type; empty for none."""
        return str(self.layer.type)

    def plan_deploy(self, planned: Mapping[int, Data]) -> None:
        """Add what is planned for deploy, by the index of the layer; deploy has the form of TEST."""
        index = self.first + len(self.layers) - 1
        if index in planned:
            self.fields["", "deploy"] = planned[index]

    def is_commented(self, path: tuple[str, str]) -> bool:
        """True where a comment speaks of a field, or of the block that it is in."""
        return not self.commented.isdisjoint((path, path[:1], path[1:]))

    def learned_count(self) -> int | None:
        """How many learned blobs the layer has, where its parameters tell."""
        if not self._learned:
            kind = LAYER_TYPES.get(self.type)
            self._learned = [None if kind is None else learned_count(kind, self.layer)]
        return self._learned[0]

    def _fold(self, fields: dict[str, Fields]) -> None:
        train, test = fields["train"], fields["test"]
        self.fields = {path: data for path, data in train.items() if test.get(path) == data}
        for phase, own in fields.items():
            self.variants[phase] = {path: data for path, data in own.items() if path not in self.fields}
        rule = _without_phase(self.layers["train"].include[0])
        if rule.ListFields():
            self.extra["include"] = rule_data([rule])

    def data(self) -> dict[str, Data]:
        """The item as it is written."""
        layer = self.layer
        data: dict[str, Data] = {
            "name": scalars.text(layer.name) if layer.HasField("name") else NULL,
            "type": scalars.text(layer.type) if layer.HasField("type") else NULL,
        }
        data.update(self.wires)
        data.update(nested(self.fields, self.type, self.fork))
        for phase, fields in self.variants.items():
            written = nested(fields, self.type, self.fork)
            if written or (phase == "train" and not any(self.variants.values())):
                data[phase] = written
        data.update(self.extra)
        return data


def make_items(
    layers: Sequence[Any], apart: AbstractSet[int] = frozenset(), fork: Fork | None = None
) -> Iterator[Item]:
    """The items for the layers of a net, in order. Layers whose index is in `apart` are left as they are."""
    i = 0
    while i < len(layers):
        pair = layers[i : i + 2]
        if len(pair) > 1 and not {i, i + 1} & apart and _is_pair(*pair):
            yield Item(i, dict(zip(_PHASES, pair, strict=True)), fork)
            i += 2
        else:
            yield Item(i, {"": layers[i]}, fork)
            i += 1


def _is_pair(train: Any, test: Any) -> bool:
    """True for the two forms of one layer."""
    for phase, layer in zip(_PHASES.values(), (train, test), strict=True):
        if len(layer.include) != 1 or layer.exclude or not layer.HasField("type"):
            return False
        if not layer.include[0].HasField("phase") or layer.include[0].phase != phase:
            return False
    if (train.name, train.type, train.HasField("name")) != (test.name, test.type, test.HasField("name")):
        return False
    return bool(_without_phase(train.include[0]) == _without_phase(test.include[0]))


def _without_phase(rule: Any) -> Any:
    rest = type(rule)()
    rest.CopyFrom(rule)
    rest.ClearField("phase")
    return rest


def _rules(layer: Any) -> dict[str, Data]:
    """The keys that say where a layer is."""
    rules: dict[str, Data] = {}
    for key, own in (("include", layer.include), ("exclude", layer.exclude)):
        if own:
            rules[key] = rule_data(own)
    return {"only": "train"} if rules == {"include": "TRAIN"} else rules


def nested(fields: Fields, type_name: str, fork: Fork | None = None) -> dict[str, Data]:
    """Fields as keys: those of the type's own messages flat, others in their blocks, in the order of a layer's keys."""
    flat = flat_keys(type_name, fork)
    data: dict[str, Data] = {}
    for (block, field), value in sorted(fields.items(), key=_order(type_name, fork)):
        if not block:
            data[field] = value
        elif not field:
            data.setdefault(block, value)
        elif flat.get(field) == block:
            data[field] = value
        else:
            inner = data.setdefault(block, {})
            assert isinstance(inner, dict)
            inner[field] = value
    return data


def _order(type_name: str, fork: Fork | None) -> Any:
    """Own fields first, then other blocks, then what every layer has; the fields of a block as it declares them."""
    kind = LAYER_TYPES.get(type_name)
    own = kind.params if kind else ()
    blocks: Any = (fork.LayerParameter if fork else LayerParameter).DESCRIPTOR.fields_by_name

    def rank(entry: tuple[tuple[str, str], Data]) -> tuple[int, int]:
        block, field = entry[0]
        if block:
            declared = blocks[block].message_type.fields_by_name
            return 0 if block in own else 1, declared[field].index if field else 0
        if field == "param_format":
            return 0, len(_LAST)  # behind `param_str`
        return (2, _LAST.index(field)) if field in _LAST else (-1, 0)

    return rank


def flat_keys(type_name: str, fork: Fork | None = None) -> Mapping[str, str]:
    """The fields that a spec may write flat, with their blocks. What moved to `transform_param` needs its old block."""
    kind = LAYER_TYPES.get(type_name)
    fields = flat_fields(type_name, fork)
    if kind is None or _TRANSFORM not in kind.reads:
        return fields
    moved = TransformationParameter.DESCRIPTOR.fields_by_name
    return {field: block for field, block in fields.items() if field not in moved}
