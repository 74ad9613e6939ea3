"""What a layer is in each target: its own fields over its defaults, and its `train`, `test` and `deploy` over those.

Knows the order in which levels apply, and nothing of where a layer exists by its rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.language.defaults import VARIANTS
from netcompile.language.merge import Fields, is_false, merge, normalise, without_type
from netcompile.records import NamedTuple
from netcompile.tree import Mapping, Scalar

if TYPE_CHECKING:
    from netcompile.diagnostics import Report
    from netcompile.language.defaults import Defaults, TypeDefaults

# Deploy starts from the form of TEST.
_CHAINS: Final = {"TRAIN": ("TRAIN",), "TEST": ("TEST",), "DEPLOY": ("TEST", "DEPLOY")}


class Variant(NamedTuple):
    """A layer's type and merged fields in some target. `inherits_param`: its `param` list comes from a lower level."""

    type: str
    fields: Fields
    inherits_param: bool


class Variants:
    """The variants of one layer. `own` are its own fields, `base` those over its defaults.

    `absent` has the targets that `false` leaves out; `split` says that TRAIN or TEST has a variant, so that the
    layer is written once for each.
    """

    def __init__(self, node: Mapping, type_name: str, own: Fields, defaults: Defaults, report: Report) -> None:
        self.type = type_name
        self.own = own
        self._node = node
        self._defaults = defaults
        self._inherited = defaults.of(type_name)
        self._report = report
        self._known: dict[str, Variant] = {}
        self.base = own if self._inherited is None else merge(self._inherited.base, own)
        absent = {target for target in VARIANTS if self._is_false(target)}
        if "TEST" in absent and self.written("DEPLOY") is None:
            absent.add("DEPLOY")
        self.absent = frozenset(absent)
        self.split = bool(absent & {"TRAIN", "TEST"}) or any(
            self.written(target) or self._inherited_variant(target, self._inherited) for target in ("TRAIN", "TEST")
        )
        self._plain = Variant(type_name, self.base, "param" not in own.layer.entries)

    def _normalise(self, node: Mapping, type_name: str) -> Fields:
        return normalise(node, type_name, self._report, self._defaults.fork)

    def written(self, target: str) -> Mapping | None:
        """The layer's own variant for a target, where it changes something there."""
        node = self._node.entries.get(VARIANTS[target])
        return node if type(node) is Mapping else None

    def of(self, target: str) -> Variant:
        """The layer as it is in a target, whether or not it exists there."""
        if target not in self._known:
            self._known[target] = self._merge(target)
        return self._known[target]

    def _is_false(self, target: str) -> bool:
        own = self._node.entries.get(VARIANTS[target])
        if own is not None:
            return is_false(own)
        return self._inherited is not None and self._inherited.variants.get(target) is False

    def _inherited_variant(self, target: str, defaults: TypeDefaults | None) -> Fields | None:
        """What defaults change in a target, unless the layer's own `~` removes that."""
        own = self._node.entries.get(VARIANTS[target])
        if defaults is None or (own is not None and type(own) is not Mapping):
            return None
        return defaults.variants.get(target) or None

    def _merge(self, target: str) -> Variant:
        chain = [one for one in _CHAINS[target] if one == target or one not in self.absent]
        written = [self.written(one) for one in chain]
        types = self._types(written)
        final = types[-1]
        defaults = self._inherited if final == self.type else self._defaults.of(final)
        inherited = [self._inherited_variant(one, defaults) for one in chain]
        if written[-1] is None and inherited[-1] is None:
            return self.of("TEST") if len(chain) > 1 else self._plain
        own = without_type(self.own, self.type, final)
        fields = own if defaults is None else merge(defaults.base, own)
        inherits = self._plain.inherits_param
        for node, lower, type_name in zip(written, inherited, types, strict=True):
            fields = fields if lower is None else merge(fields, lower)
            if node is None:
                continue
            variant = without_type(self._normalise(node, type_name), type_name, final)
            fields = merge(fields, variant)
            inherits = "param" not in variant.layer.entries and (inherits or bool(variant.blocks))
        return Variant(final, fields, inherits)

    def _types(self, written: list[Mapping | None]) -> list[str]:
        """The type in force at each level of a chain."""
        types = []
        current = self.type
        for node in written:
            named = node.entries.get("type") if node is not None else None
            current = str(named.value) if type(named) is Scalar and named.value is not None else current
            types.append(current)
        return types
