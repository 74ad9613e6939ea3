"""The forms of a layer: what it is in TRAIN, in TEST and in deploy, with its bottoms and tops named.

Knows the language's layer keys (`only`, `train`, `in_place`, ...) and the layer types, not what they compute.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from netcompile.caffe.caffe_pb2 import LayerParameter
from netcompile.ir import BROKEN
from netcompile.language.defaults import VARIANTS, Defaults
from netcompile.language.flow import Flow, NoBottom
from netcompile.language.merge import is_null, is_true, merge, normalise
from netcompile.language.places import Places, find_places
from netcompile.language.spec import EVERYWHERE, TARGETS, Form, LayerSpec, Use, name_list
from netcompile.language.variants import Variant, Variants
from netcompile.layers import LAYER_TYPES
from netcompile.tree import Mapping, Scalar

if TYPE_CHECKING:
    from netcompile.diagnostics import Report
    from netcompile.ir import Damage
    from netcompile.language.flow import Tops
    from netcompile.language.merge import Fields
    from netcompile.layers import LayerType
    from netcompile.tree import Node

_PLACING: Final = frozenset({*VARIANTS.values(), "only", "include", "exclude"})
_SEPARATOR: Final = re.compile(r"[\s,]+")
_NO_FIELDS: Final = LayerParameter()
_EVERYWHERE: Final = Places(EVERYWHERE, None, frozenset())


class Shaper:
    """Makes the LayerSpec of each layer and keeps the flow of implied bottoms.

    `incomplete` tells that a layer came out whose tops are not known.
    """

    def __init__(self, defaults: Defaults, report: Report) -> None:
        self.defaults = defaults
        self.report = report
        self.incomplete = False

    def shape(
        self,
        node: Mapping,
        use: Use | None,
        flow: Flow,
        only: frozenset[str] | None,
        *,
        damaged: Damage,
    ) -> LayerSpec | None:
        """The layer written at `node`, which has a name and a type and which block uses leave in the targets `only`.

        None where it exists nowhere. `damaged` says what of it may be missing, as something in it is wrong already.
        """
        name, type_node = node.entries["name"], node.entries["type"]
        assert type(name) is Scalar
        assert type(type_node) is Scalar
        layer = _Layer(self, node, _text(name), _text(type_node), use, damaged=damaged)
        spec = layer.spec(flow, only)
        self.incomplete = self.incomplete or layer.lost_tops or "tops" in damaged
        return spec


class _Layer:
    """One layer on its way to a LayerSpec."""

    def __init__(
        self, shaper: Shaper, node: Mapping, name: str, type_name: str, use: Use | None, *, damaged: Damage
    ) -> None:
        self.report = shaper.report
        self.defaults = shaper.defaults
        self.node = node
        self.name = name
        self.type = type_name
        self.use = use
        self.damaged = damaged
        self.lost_tops = False
        self.implied: Tops | None = None

    def spec(self, flow: Flow, only: frozenset[str] | None) -> LayerSpec | None:
        own = normalise(self.node, self.type, self.report, self.defaults.fork)
        if only is None and self.node.entries.keys().isdisjoint(_PLACING):
            variant = self._everywhere(own)
            form = None if variant is None else self._same_form(variant, _EVERYWHERE, flow)
            if form is not None:
                forms = dict.fromkeys(TARGETS, form)
                return LayerSpec(self.name, self.node, forms, False, None, self.use, self.damaged)
        variants = Variants(self.node, self.type, own, self.defaults, self.report)
        places = find_places(variants, only, self._contradiction)
        if places.never:
            text = f"{self.type} '{self.name}': its rules leave it nowhere"
            notes = self.use.notes() if self.use else ()
            self.report.add("contradiction", self.node.entries["name"].span, text, notes=notes, severity="warning")
        if not places.targets:
            return None
        forms = self._forms({t: variants.of(t) for t in TARGETS if t in places.targets}, places, flow)
        return self._finish(forms, places.only, split=variants.split)

    def _everywhere(self, own: Fields) -> Variant | None:
        """What a layer that says nothing of places is in all targets; None where its defaults do."""
        defaults = self.defaults.of(self.type)
        if defaults is None:
            return Variant(self.type, own, inherits_param=False)
        base = defaults.base.layer.entries
        if defaults.variants or not base.keys().isdisjoint(_PLACING):
            return None
        return Variant(self.type, merge(defaults.base, own), "param" in base and "param" not in own.layer.entries)

    def _finish(self, forms: dict[str, Form], only: frozenset[str] | None, *, split: bool) -> LayerSpec:
        train, test = forms.get("TRAIN"), forms.get("TEST")
        # What comes before can make one layer read different blobs in the two phases.
        differs = train is not test and train is not None and test is not None and train.bottoms != test.bottoms
        if differs and not split and not is_null(self.node.entries.get("exclude")):
            both = {phase: ", ".join(forms[phase].bottoms) for phase in ("TRAIN", "TEST")}
            where = " and ".join(f"'{bottoms}' in {phase}" for phase, bottoms in both.items())
            text = f"it continues from {where}, and `exclude` keeps it from being written once for each"
            self._add("implied-bottom", None, text, "say where it is with `include`, or name its `bottom`")
        return LayerSpec(self.name, self.node, forms, split or differs, only, self.use, self.damaged)

    def _contradiction(self, node: Node, message: str, hint: str | None) -> None:
        self._add("contradiction", node, message, hint)

    def _add(self, code: str, node: Node | None, message: str, hint: str | None = None) -> None:
        """Report what is wrong with the layer, which counts as damaged from now on."""
        if self.damaged:
            return
        self.damaged = BROKEN
        place = self.node.entries["name"] if node is None else node
        text = f"{self.type} '{self.name}': {message}"
        self.report.add(code, place.span, text, hint=hint, notes=self.use.notes() if self.use else ())

    # Bottoms and tops

    def _forms(self, variants: dict[str, Variant], places: Places, flow: Flow) -> dict[str, Form]:
        one = next(iter(variants.values()))
        if all(variant is one for variant in variants.values()):
            form = self._same_form(one, places, flow)
            if form is not None:
                return dict.fromkeys(variants, form)
        forms: dict[str, Form] = {}
        for target, variant in variants.items():
            bottoms = self._named(variant)
            if bottoms is None:
                implied = self._implied(places, flow)
                bottoms = [implied[target]] if implied else []
            forms[target] = self._form(variant, bottoms)
        self._place(forms, places, flow)
        return forms

    def _same_form(self, variant: Variant, places: Places, flow: Flow) -> Form | None:
        """The form of a layer that is the same in all its targets, as most are; None where its bottom differs."""
        bottoms = self._named(variant)
        if bottoms is None:
            implied = self._implied(places, flow)
            name = next(iter(implied.values()), None)
            if any(other != name for other in implied.values()):
                return None
            bottoms = [] if name is None else [name]
        form = self._form(variant, bottoms)
        if self.lost_tops:
            flow.lose()
        elif form.tops and not _passed_over(form):
            tops = dict.fromkeys(places.targets, form.tops[0])
            flow.place(self.name, tops, places.targets, places.rules, not bottoms and self.implied is None)
        return form

    def _form(self, variant: Variant, bottoms: list[str]) -> Form:
        tops = self._tops(LAYER_TYPES.get(variant.type), variant, bottoms)
        return Form(variant.type, variant.fields, bottoms, tops, variant.inherits_param)

    def _named(self, variant: Variant) -> list[str] | None:
        """The bottoms that a layer names, or that go without saying; None where its only one is implied."""
        bottom = variant.fields.layer.entries.get("bottom")
        if bottom is not None and not is_null(bottom):
            return [str(name.value) for name in name_list(bottom)]
        kind = LAYER_TYPES.get(variant.type)
        return None if kind is not None and _implies(kind) else []

    def _implied(self, places: Places, flow: Flow) -> Tops:
        """The blob that the layer continues from in each target; empty, reported, where there is none."""
        if self.implied is None:
            try:
                self.implied = flow.bottom(places.targets, places.rules)
            except NoBottom as error:
                self.implied = {}
                if error.lost:
                    self.damaged |= BROKEN
                text = f"it names no bottom, and none is implied: {error}"
                self._add("implied-bottom", None, text, "name its `bottom`")
        return self.implied

    def _tops(self, kind: LayerType | None, variant: Variant, bottoms: list[str]) -> list[str]:
        entries = variant.fields.layer.entries
        top, in_place = entries.get("top"), entries.get("in_place")
        if not is_null(top):
            tops = [str(name.value) for name in name_list(top)]
            shapes = entries.get("top_shapes")
            if type(shapes) is Mapping and not shapes.entries.keys() <= set(tops):
                tops = self._several(name_list(top), shapes)
            if is_true(in_place) and bottoms and tops[:1] != bottoms[:1]:
                text = f"`in_place: true` means top '{bottoms[0]}', and `top` says otherwise"
                self._add("conflicting-fields", variant.fields.layer.keys["in_place"], text, "give one of the two")
            return tops
        if is_true(in_place):
            if not bottoms and self.implied is None and kind is not None:
                text = f"{self.type} '{self.name}': `in_place` has no effect on a layer without bottoms"
                notes = self.use.notes() if self.use else ()
                self.report.add("unused-field", variant.fields.layer.keys["in_place"].span, text, notes=notes)
            # Without its bottom the name of its top is not known either; later layers may well use the layer's.
            return bottoms[:1] or [self.name]
        if kind is None:
            return [self.name]
        if kind.names_tops:
            self.lost_tops = True
            self._add("missing-field", None, "its tops must be named", "write `top: [...]`")
            return []
        return [] if _makes_none(kind) else [self.name]

    def _several(self, tops: list[Scalar], shapes: Mapping) -> list[str]:
        """The names of tops; for one with separators in it the parts, reported, where these are what has shapes."""
        names: list[str] = []
        for top in tops:
            parts = _SEPARATOR.split(str(top.value))
            if len(parts) == 1 or not shapes.entries.keys() >= set(parts):
                names.append(str(top.value))
                continue
            text = f"'{top.value}' is one top, and its `top_shapes` are those of {' and '.join(parts)}"
            self._add("wrong-kind", top, text, f"several tops are a list: `top: [{', '.join(parts)}]`")
            names.extend(parts)
        return names

    def _place(self, forms: dict[str, Form], places: Places, flow: Flow) -> None:
        tops = {target: form.tops[0] for target, form in forms.items() if form.tops}
        if any(_passed_over(form) for form in forms.values()):
            return
        if self.lost_tops:
            flow.lose()
        elif tops:
            source = self.implied is None and all(not form.bottoms for form in forms.values())
            flow.place(self.name, tops, places.targets.intersection(tops), places.rules, source)


def _text(node: Scalar) -> str:
    """A name or type; empty where `~` says that the layer has none."""
    return "" if node.value is None else str(node.value)


@cache
def _implies(kind: LayerType) -> bool:
    """True for a type that may take exactly one bottom, and does not name it."""
    if kind.loss or not kind.implies_bottom:
        return False
    arity = kind.bottoms_of(_NO_FIELDS)
    return arity.least <= 1 and (arity.most is None or arity.most >= 1)


@cache
def _makes_none(kind: LayerType) -> bool:
    """True for a type without tops."""
    return kind.tops_of(_NO_FIELDS).most == 0


def _passed_over(form: Form) -> bool:
    """True for losses and Accuracy, which nothing continues from unasked."""
    kind = LAYER_TYPES.get(form.type)
    if form.type == "Accuracy" or (kind is not None and kind.loss):
        return True
    weight = form.fields.layer.entries.get("loss_weight")
    return not is_null(weight) and any(scalar.value not in (0, None) for scalar in name_list(weight))
