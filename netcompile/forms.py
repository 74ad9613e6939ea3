"""The forms of a layer: what it is in TRAIN, in TEST and in deploy, with its bottoms and tops named.

Knows the language's layer keys (`only`, `train`, `in_place`, ...) and which layer types there are, not what they compute.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from netcompile.caffe.caffe_pb2 import LayerParameter
from netcompile.flow import Flow, NoBottom
from netcompile.layers import LAYER_TYPES
from netcompile.merge import Fields, is_null, merge, normalise, without_type
from netcompile.spec import EVERYWHERE, TARGETS, Form, LayerSpec, Use, name_list
from netcompile.tree import List, Mapping, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from netcompile.diagnostics import Report
    from netcompile.flow import Rules
    from netcompile.layers import LayerType

_VARIANTS: Final = {"TRAIN": "train", "TEST": "test", "DEPLOY": "deploy"}
_PLACING: Final = frozenset({*_VARIANTS.values(), "only", "include", "exclude"})
_NO_FIELDS: Final = LayerParameter()
_NO_RULES: Final[Rules] = frozenset()
NEVER: Final[Rules] = frozenset({"never"})  # no layer but one like it continues from such a layer
_ONLY: Final = {"train": "TRAIN", "test": "TEST", "deploy": "DEPLOY", "TRAIN": "TRAIN", "TEST": "TEST"}


class TypeDefaults(NamedTuple):
    """The defaults of one type, in block form: for every target, for single ones, and where it is left out."""

    base: Fields
    variants: dict[str, Fields]
    absent: frozenset[str]


class Defaults:
    """The defaults of a document and its libraries, merged per type when a layer first asks for them."""

    def __init__(self, documents: Sequence[Mapping], replace: Callable[[Mapping], Mapping],
                 recheck: Callable[[Mapping], Mapping | None], report: Report) -> None:  # fmt: skip
        self._documents = documents
        self._replace = replace
        self._recheck = recheck
        self._report = report
        self._known: dict[str, TypeDefaults | None] = {}

    def of(self, type_name: str) -> TypeDefaults | None:
        """The defaults of a type, or None where it has none."""
        if not self._documents:
            return None
        if type_name not in self._known:
            self._known[type_name] = self._merge(type_name)
        return self._known[type_name]

    def _merge(self, type_name: str) -> TypeDefaults | None:
        merged: TypeDefaults | None = None
        for document in self._documents:
            node = document.entries.get(type_name)
            if type(node) is not Mapping:
                continue
            one = self._read(self._checked(node, document.keys[type_name]), type_name)
            merged = one if merged is None else _merge_defaults(merged, one)
        return merged

    def _checked(self, node: Mapping, type_key: Scalar) -> Mapping:
        """The node with its references replaced and, where there were any, checked as a layer of the type."""
        new = self._replace(node)
        if new is node:
            return node
        named = {"name": type_key, "type": type_key, **new.entries}
        sound = self._recheck(new._replace(entries=named, keys={**new.keys, "name": type_key, "type": type_key}))
        if sound is None:
            return new._replace(entries={})
        return new._replace(entries={key: v for key, v in sound.entries.items() if key not in ("name", "type")})

    def _read(self, node: Mapping, type_name: str) -> TypeDefaults:
        variants = {}
        for target, key in _VARIANTS.items():
            variant = node.entries.get(key)
            if type(variant) is Mapping:
                variants[target] = normalise(variant, type_name, self._report)
        absent = frozenset(target for target, key in _VARIANTS.items() if _is_false(node.entries.get(key)))
        rest = {key: value for key, value in node.entries.items() if key not in _VARIANTS.values()}
        return TypeDefaults(normalise(node._replace(entries=rest), type_name, self._report), variants, absent)


def _merge_defaults(base: TypeDefaults, over: TypeDefaults) -> TypeDefaults:
    variants = dict(base.variants)
    for target, fields in over.variants.items():
        variants[target] = merge(variants[target], fields) if target in variants else fields
    return TypeDefaults(merge(base.base, over.base), variants, base.absent - over.variants.keys() | over.absent)


class Shaper:
    """Makes the LayerSpec of each layer and keeps the flow of implied bottoms."""

    def __init__(self, defaults: Defaults, report: Report) -> None:
        self.defaults = defaults
        self.report = report

    def shape(self, node: Mapping, use: Use | None, flow: Flow, only: frozenset[str] | None, *,
              damaged: bool) -> LayerSpec | None:  # fmt: skip
        """The layer written at `node`, which block uses leave in the targets `only`; None where it has no name or type."""
        entries = node.entries
        name, type_node = entries.get("name"), entries.get("type")
        if type(name) is not Scalar or type(type_node) is not Scalar:
            return None
        layer = _Layer(self, node, _text(name), _text(type_node), use)
        return layer.spec(flow, only, damaged=damaged)


class _Layer:
    """One layer on its way to a LayerSpec."""

    def __init__(self, shaper: Shaper, node: Mapping, name: str, type_name: str, use: Use | None) -> None:
        self.report = shaper.report
        self.defaults = shaper.defaults
        self.node = node
        self.name = name
        self.type = type_name
        self.use = use
        self.implied: dict[str, str] | None = None

    def spec(self, flow: Flow, only: frozenset[str] | None, *, damaged: bool) -> LayerSpec | None:
        entries = self.node.entries
        defaults = self.defaults.of(self.type)
        own = normalise(self.node, self.type, self.report)
        if defaults is None and only is None and entries.keys().isdisjoint(_PLACING):
            forms = self._forms(dict.fromkeys(TARGETS, (self.type, own, False)), EVERYWHERE, _NO_RULES, flow)
            return LayerSpec(self.name, self.node, forms, split=False, only=None, use=self.use, damaged=damaged)
        base = own if defaults is None else merge(defaults.base, own)
        own_only = self._only(base.layer.entries.get("only"), only)
        inherited = defaults.absent if defaults else frozenset()
        absent = {
            target
            for target, key in _VARIANTS.items()
            if _is_false(entries.get(key)) or (key not in entries and target in inherited)
        }
        wanted = (EVERYWHERE if own_only is None else own_only) - absent
        varied = {*absent, *defaults.variants} if defaults else absent
        split = "train" in entries or "test" in entries or not varied.isdisjoint(("TRAIN", "TEST"))
        fields = self._fields(own, base, defaults, wanted)
        targets, rules = self._presence(base, wanted, split=split, only=own_only)
        if not targets:
            return None
        forms = self._forms({t: f for t, f in fields.items() if t in targets}, targets, rules, flow)
        return LayerSpec(self.name, self.node, forms, split, own_only, self.use, damaged)

    def _add(self, code: str, node: Node, message: str, hint: str | None = None) -> None:
        text = f"{self.type} '{self.name}': {message}"
        self.report.add(code, node.span, text, hint=hint, notes=self.use.notes() if self.use else ())

    # Which targets

    def _only(self, node: Node | None, outer: frozenset[str] | None) -> frozenset[str] | None:
        if is_null(node):
            return outer
        named = frozenset(_ONLY[str(s.value)] for s in name_list(node) if str(s.value) in _ONLY)
        return named if outer is None else named & outer

    def _presence(self, base: Fields, wanted: frozenset[str], *, split: bool,
                  only: frozenset[str] | None) -> tuple[frozenset[str], Rules]:  # fmt: skip
        """The targets in which the layer exists by its own rules as well, and its rules on stages and levels."""
        entries = base.layer.entries
        include, exclude = entries.get("include"), entries.get("exclude")
        if exclude is not None and not is_null(exclude) and (split or (only is not None and only & {"TRAIN", "TEST"} != {"TRAIN", "TEST"})):
            self._add("contradiction", base.layer.keys["exclude"], "`exclude` beside `only`, `train` or `test`",
                      "say where the layer is with `include`, or with `only`")  # fmt: skip
        if is_null(include) and is_null(exclude):
            return wanted, _NO_RULES
        targets, rules = rule_targets(_rules(include), _rules(exclude))
        if not targets:
            return wanted, NEVER
        if not is_null(include) and not wanted & targets and wanted:
            node = base.layer.keys["include"]
            self._add("contradiction", node, "its `include` rules and its `only`, `train` or `test` leave no phase for it")
        return wanted & targets, rules

    # Fields

    def _fields(self, own: Fields, base: Fields, defaults: TypeDefaults | None,
                wanted: frozenset[str]) -> dict[str, tuple[str, Fields, bool]]:  # fmt: skip
        """Of each target its type, merged fields, and whether `param` comes from defaults."""
        inherits = "param" not in own.layer.entries and "param" in base.layer.entries
        plain = (self.type, base, inherits)
        fields = {}
        for target in TARGETS:
            if target in wanted:
                fields[target] = self._variant(target, own, base, defaults, plain)
        return fields

    def _variant(self, target: str, own: Fields, base: Fields, defaults: TypeDefaults | None,
                 plain: tuple[str, Fields, bool]) -> tuple[str, Fields, bool]:  # fmt: skip
        node = self.node.entries.get(_VARIANTS[target])
        inherited = defaults.variants.get(target) if defaults else None
        # Deploy starts from the layer's TEST form.
        if target == "DEPLOY":
            start = self._variant("TEST", own, base, defaults, plain)
            if self.node.entries.get("test") is not None and type(self.node.entries["test"]) is Scalar:
                start = plain
        else:
            start = plain
        if type(node) is not Mapping and inherited is None:
            return start
        type_name, fields, inherits = start
        new_type = node.entries.get("type") if type(node) is Mapping else None
        if type(new_type) is Scalar and str(new_type.value) != type_name:
            fields = without_type(fields, type_name, str(new_type.value))
            other = self.defaults.of(str(new_type.value))
            fields = fields if other is None else merge(other.base, fields)
            type_name = str(new_type.value)
        if inherited is not None and type_name == self.type:
            fields = merge(fields, inherited)
        if type(node) is Mapping:
            variant = normalise(node, type_name, self.report)
            fields = merge(fields, variant)
            inherits = inherits and "param" not in variant.layer.entries
        return type_name, fields, inherits

    # Bottoms and tops

    def _forms(self, fields: dict[str, tuple[str, Fields, bool]], targets: frozenset[str], rules: Rules,
               flow: Flow) -> dict[str, Form]:  # fmt: skip
        forms: dict[str, Form] = {}
        form: Form | None = None
        last: object = None
        for target, entry in fields.items():
            type_name, merged, inherits = entry
            kind = LAYER_TYPES.get(type_name)
            bottoms = self._bottoms(kind, merged, target, targets, rules, flow)
            # Most layers have one form in all targets.
            if form is None or last is not entry or form.bottoms != bottoms:
                form = Form(type_name, merged, bottoms, self._tops(kind, merged, bottoms), inherits)
                last = entry
            forms[target] = form
        self._place(forms, targets, rules, flow)
        return forms

    def _bottoms(self, kind: LayerType | None, fields: Fields, target: str, targets: frozenset[str], rules: Rules,
                 flow: Flow) -> list[str]:  # fmt: skip
        bottom = fields.layer.entries.get("bottom")
        if bottom is not None and not is_null(bottom):
            return [str(s.value) for s in name_list(bottom)]
        if kind is None or not implies_bottom(kind):
            return []
        if self.implied is None:
            self.implied = self._implied(flow, targets, rules)
        return [self.implied[target]] if target in self.implied else []

    def _implied(self, flow: Flow, targets: frozenset[str], rules: Rules) -> dict[str, str]:
        try:
            return dict(flow.bottom(targets, rules))
        except NoBottom as error:
            text = f"names no bottom, and none is implied: {error}"
            self._add("implied-bottom", self.node.entries["name"], text, "name its `bottom`")
            return {}

    def _tops(self, kind: LayerType | None, fields: Fields, bottoms: list[str]) -> list[str]:
        entries = fields.layer.entries
        top = entries.get("top")
        in_place = entries.get("in_place")
        if not is_null(top):
            return [str(s.value) for s in name_list(top)]
        if type(in_place) is Scalar and in_place.value is True:
            return bottoms[:1]
        if kind is None:
            return [self.name]
        if kind.names_tops:
            text = f"a {kind.name} layer names its tops"
            self._add("missing-field", self.node.entries["name"], text, "write `top: [...]`")
            return []
        return [] if makes_no_top(kind) else [self.name]

    def _place(self, forms: dict[str, Form], targets: frozenset[str], rules: Rules, flow: Flow) -> None:
        tops = {target: form.tops[0] for target, form in forms.items() if form.tops}
        distinct = {id(form): form for form in forms.values()}.values()
        if not tops or any(_passed_over(form) for form in distinct):
            return
        source = all(not form.bottoms for form in distinct)
        flow.place(self.name, tops, frozenset(tops) & targets, rules, source=source)


def _text(node: Scalar) -> str:
    """A name or type; empty where `~` says that the layer has none."""
    return "" if node.value is None else str(node.value)


def _is_false(node: Node | None) -> bool:
    return type(node) is Scalar and node.value is False


@cache
def implies_bottom(kind: LayerType) -> bool:
    """True for a type that may take exactly one bottom, and does not name it."""
    if kind.loss or not kind.implies_bottom:
        return False
    arity = kind.bottoms_of(_NO_FIELDS)
    return arity.least <= 1 and (arity.most is None or arity.most >= 1)


@cache
def makes_no_top(kind: LayerType) -> bool:
    """True for a type without tops."""
    return kind.tops_of(_NO_FIELDS).most == 0


def _passed_over(form: Form) -> bool:
    weight = form.fields.layer.entries.get("loss_weight")
    weights = [] if is_null(weight) else [scalar.value or 0 for scalar in name_list(weight)]
    return passes_over(form.type, weights)


def passes_over(type_name: str, loss_weights: Iterable[object]) -> bool:
    """True for losses and Accuracy, which nothing continues from unasked."""
    kind = LAYER_TYPES.get(type_name)
    return type_name == "Accuracy" or (kind is not None and kind.loss) or any(weight != 0 for weight in loss_weights)


def _rules(node: Node | None) -> list[dict[str, object]]:
    """Rules as plain values, a phase alone meaning a rule of it."""
    if is_null(node):
        return []
    items = node.items if type(node) is List else [node]
    rules: list[dict[str, object]] = []
    for item in items:
        if type(item) is Scalar:
            rules.append({"phase": item.value})
        elif type(item) is Mapping:
            rules.append({key: tuple(str(s.value) for s in name_list(value)) if key in ("stage", "not_stage") else
                          value.value if type(value) is Scalar else None for key, value in item.entries.items()})  # fmt: skip
    return rules


def rule_targets(include: list[dict[str, object]], exclude: list[dict[str, object]]) -> tuple[frozenset[str], Rules]:
    """The targets that rules on phases leave, and what they say of stages and levels. Deploy runs as TEST."""
    staged: set[object] = set()
    phases = {"TRAIN", "TEST"}
    if include:
        phases = set()
        for rule in include:
            phase = rule.get("phase")
            phases |= {"TRAIN", "TEST"} if phase is None else {str(phase)}
            staged.add(_staged(rule))
    for rule in exclude:
        if _staged(rule):
            staged.add(("not", _staged(rule)))
        else:
            phase = rule.get("phase")
            phases -= {"TRAIN", "TEST"} if phase is None else {str(phase)}
    targets = phases | ({"DEPLOY"} if "TEST" in phases else set())
    staged.discard(())
    return frozenset(targets), frozenset(staged)


def _staged(rule: dict[str, object]) -> tuple[tuple[str, object], ...]:
    return tuple(sorted((key, value) for key, value in rule.items() if key != "phase" and value not in (None, ())))
