"""Variables, blocks, repetition and merging: from the document as written to a flat list of complete layers.

After this stage no reference is left, every layer has its forms with bottoms and tops named, and each knows the chain of
uses that brought it in. What could not be expanded is reported and left out; the rest goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from netcompile.blocks import MAX_DEPTH, MAX_LAYERS, Block, block_table, loop_turns, smallest_count
from netcompile.diagnostics import did_you_mean
from netcompile.flow import Flow, NoBottom
from netcompile.forms import Defaults, Shaper
from netcompile.scope import Scope, Substitution
from netcompile.spec import EVERYWHERE, Expanded, LayerSpec, Use, name_list
from netcompile.tree import List, Mapping, Node, Place, Scalar
from netcompile.variables import merge_libraries, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Mapping as AbstractMapping

    from netcompile.diagnostics import Report
    from netcompile.flow import Rules, Tops

Recheck: TypeAlias = "Callable[[Mapping], Mapping | None]"
_DOCUMENT_KEYS: Final = frozenset({"vars", "defaults", "blocks", "imports", "layers", "deploy", "solver", "lint"})
_USE_KEYS: Final = frozenset({"block", "bottom", "when", "only"})


def expand(
    document: Mapping,
    report: Report,
    *,
    libraries: Iterable[Mapping] = (),
    overrides: AbstractMapping[str, Node] | None = None,
    damaged: frozenset[int] = frozenset(),
    recheck: Recheck = lambda node: node,
) -> Expanded:
    """Expand a validated document.

    `libraries` are the imported documents, in the order in which they apply. `overrides` are the variables set from
    outside. `damaged` has the ids of nodes that lost something in validation. `recheck` validates a layer again after its
    references were replaced: it gives the same node where nothing is wrong, else what is sound of it, or None.
    """
    return _Expander(document, report, list(libraries), overrides or {}, damaged, recheck).run()


class _Expander:
    def __init__(self, document: Mapping, report: Report, libraries: list[Mapping],
                 overrides: AbstractMapping[str, Node], damaged: frozenset[int],
                 recheck: Recheck) -> None:  # fmt: skip
        self.document = document
        self.report = report
        self.damaged = damaged
        self.recheck = recheck
        self.incomplete = False
        self.references = any("$" in one.source.text for one in (*libraries, document))
        self.layers: list[LayerSpec] = []
        self.generated = 0
        merged = merge_libraries([*libraries, document])
        self.globals = variables(merged.variables, document, overrides, report)
        self.blocks = block_table(merged.blocks)
        self.shaper = Shaper(Defaults(merged.defaults, self._replace, recheck, report), report)
        self.counts: dict[str, int] = {}

    def run(self) -> Expanded:
        entries = self.document.entries
        items = entries.get("layers")
        if type(items) is List:
            self._items(items.items, self.globals, None, Flow(), None, 1)
        own = {key: value for key, value in entries.items() if key not in _DOCUMENT_KEYS}
        fields = self._replace(Mapping(own, self.document.keys, self.document.start, self.document.end, self.document.source))
        return Expanded(
            fields=fields,
            layers=self.layers,
            deploy=self._section("deploy"),
            solver=self._section("solver"),
            incomplete=self.incomplete,
        )

    def _replace(self, node: Mapping) -> Mapping:
        return Substitution(self.globals, self.report).mapping(node)

    def _section(self, key: str) -> Node | None:
        node = self.document.entries.get(key)
        return None if node is None else Substitution(self.globals, self.report)(node)

    def _items(self, items: Iterable[Node], scope: Scope, use: Use | None, flow: Flow,
               only: frozenset[str] | None, multiple: int) -> None:  # fmt: skip
        """Expand a list of items. `multiple` is how often the surrounding repetitions bring the list in."""
        for item in items:
            if type(item) is not Mapping:
                self.incomplete = True
                continue
            substitution = Substitution(scope, self.report, use.notes() if use else ())
            if "when" in item.entries:
                holds = substitution.condition(item.entries["when"])
                if holds is None:
                    self.incomplete = True
                if not holds:
                    continue
            if "block" in item.entries:
                self._block(item, substitution, use, flow, only, multiple)
            elif "repeat" in item.entries:
                self._repeat(item, scope, substitution, use, flow, only, multiple)
            else:
                self._layer(item, substitution, use, flow, only)
            if self.generated > MAX_LAYERS:
                return

    # Layers

    def _layer(self, item: Mapping, substitution: Substitution, use: Use | None, flow: Flow,
               only: frozenset[str] | None) -> None:  # fmt: skip
        node = substitution.mapping(item) if self.references else item
        damaged = id(item) in self.damaged or substitution.failed
        if node is not item and not damaged:
            sound = self.recheck(node)
            damaged = sound is not node
            node = node if sound is None else sound
        if use is not None:
            self.generated += 1
            self._check_generated(item, use)
        spec = self.shaper.shape(node, use, flow, only, damaged=damaged)
        if spec is None or damaged:
            self.incomplete = True
        if spec is not None:
            self.layers.append(spec)

    def _check_generated(self, item: Mapping, use: Use) -> None:
        if self.generated == MAX_LAYERS + 1:
            text = f"blocks and repetitions make more than {MAX_LAYERS:,} layers"
            self.report.add("expansion-limit", _outermost(use).span if use else item.span, text)
            self.incomplete = True

    # Blocks

    def _block(self, item: Mapping, substitution: Substitution, use: Use | None, flow: Flow,
               only: frozenset[str] | None, multiple: int) -> None:  # fmt: skip
        node = substitution.mapping(item)
        name = node.entries.get("block", item.entries["block"])  # left out where a reference in it failed
        title = name.value if type(name) is Scalar else None
        block = self.blocks.get(title) if type(title) is str else None
        if block is None:
            self.incomplete = True
            if title is not None and "block" in node.entries:
                meant = did_you_mean(str(title), self.blocks)
                hint = f"did you mean '{meant}'?" if meant else None
                self.report.add("unknown-block", name.span, f"there is no block '{title}'", hint=hint,
                                notes=substitution.notes)  # fmt: skip
            return
        span = name.span if item.source is name.source else item.span
        inner_use = Use(f"in block '{block.name}', used here", span, use)
        if not self._check_depth(block, inner_use, multiple):
            return
        own_only = only
        if "only" in node.entries:
            named = frozenset(str(s.value).upper() for s in name_list(node.entries["only"]))
            own_only = named if only is None else only & named
        targets = own_only or EVERYWHERE
        entry = _Entry(node.entries.get("bottom"), flow, self.report, inner_use)
        parameters = self._parameters(block, node, inner_use)
        if parameters is None:
            self.incomplete = True
            return
        scope = Scope({**parameters, "bottom": lambda: entry.node(targets)}, self.globals)
        inner = Flow(entry.tops)
        first = len(self.layers)
        self._items(block.items, scope, inner_use, inner, own_only, multiple)
        self._continue_from(block, scope, inner, first, flow, targets, inner_use)

    def _check_depth(self, block: Block, use: Use, multiple: int) -> bool:
        depth, outer = 1, use.parent
        same = f"in block '{block.name}', used here"
        while outer is not None:
            if outer.what == same:
                self.report.add("recursive-block", use.span, f"block '{block.name}' uses itself", notes=use.notes()[1:])
                self.incomplete = True
                return False
            depth += 1
            outer = outer.parent
        if depth > MAX_DEPTH:
            text = f"blocks and repetitions are nested more than {MAX_DEPTH} levels deep"
            self.report.add("too-deep", _outermost(use).span, text)
            self.incomplete = True
            return False
        if multiple * smallest_count(block.name, self.blocks, self.counts) > MAX_LAYERS:
            self.generated = MAX_LAYERS
            self.generated += 1
            self._check_generated(block.node, use)
            return False
        return True

    def _parameters(self, block: Block, node: Mapping, use: Use) -> dict[str, Node] | None:
        """The values of a block's parameters at one use; None where one is wrong or missing."""
        given = {key: value for key, value in node.entries.items() if key not in _USE_KEYS}
        sound = True
        for key in given.keys() - block.parameters.keys():
            meant = did_you_mean(str(key), block.parameters.keys())
            known = ", ".join(block.parameters) or "none"
            hint = f"did you mean '{meant}'?" if meant else f"its parameters: {known}"
            text = f"block '{block.name}' has no parameter '{key}'"
            self.report.add("unknown-parameter", node.keys[key].span, text, hint=hint, notes=use.notes()[1:])
            sound = False
        values: dict[str, Node] = {}
        defaults = Substitution(Scope({**values}, self.globals), self.report, use.notes())
        for name, default in block.parameters.items():
            value: Node | None = given.get(name)
            if value is None:
                defaults.scope = Scope({**values}, self.globals)
                value = defaults(default)
            if value is None or (name not in given and type(value) is Scalar and value.value is None):
                if value is not None:
                    text = f"block '{block.name}' needs a value for '{name}'"
                    self.report.add("missing-variable", use.span, text, notes=use.notes()[1:])
                sound = False
                continue
            values[name] = value
        return values if sound else None

    def _continue_from(self, block: Block, scope: Scope, inner: Flow, first: int, flow: Flow,
                       targets: frozenset[str], use: Use) -> None:  # fmt: skip
        """What later layers continue from after a use of `block`: its `output`, else the top of its last layer."""
        tops: Tops | None = None
        if block.output is not None:
            output = Substitution(scope, self.report, use.notes())(block.output)
            names = name_list(output)
            if names:
                tops = dict.fromkeys(targets, str(names[0].value))
        elif len(self.layers) > first:
            try:
                tops = inner.bottom(targets, frozenset())
            except NoBottom:
                tops = None
        if tops is not None:
            flow.place(block.name, tops, targets, frozenset(), source=False)

    # Repetition

    def _repeat(self, item: Mapping, scope: Scope, substitution: Substitution, use: Use | None, flow: Flow,
                only: frozenset[str] | None, multiple: int) -> None:  # fmt: skip
        turns = loop_turns(item.entries["repeat"], substitution, self.report)
        inner = item.entries.get("layers")
        if turns is None or type(inner) is not List:
            self.incomplete = True
            return
        if "only" in item.entries:
            named = frozenset(str(s.value).upper() for s in name_list(substitution(item.entries["only"])))
            only = named if only is None else only & named
        depth = len(use.notes()) if use else 0
        span = item.keys["repeat"].span
        if depth >= MAX_DEPTH:
            self.report.add("too-deep", span, f"blocks and repetitions are nested more than {MAX_DEPTH} levels deep")
            self.incomplete = True
            return
        if multiple * turns.count * max(len(inner.items), 1) > MAX_LAYERS:
            self.generated = MAX_LAYERS + 1
            self._check_generated(item, Use("", span, use))
            return
        for what, names in turns:
            turn = Use(what, span, use)
            self._items(inner.items, Scope(names, scope), turn, flow, only, multiple * turns.count)
            if self.generated > MAX_LAYERS:
                return


class _Entry:
    """The bottom of a block use: as given, or implied by the flow around it when first asked for."""

    def __init__(self, given: Node | None, flow: Flow, report: Report, use: Use) -> None:
        self.names = name_list(given)
        self.flow = flow
        self.report = report
        self.use = use

    def tops(self, targets: frozenset[str], rules: Rules) -> Tops:
        if self.names:
            return dict.fromkeys(targets, str(self.names[0].value))
        return self.flow.bottom(targets, rules)

    def node(self, targets: frozenset[str]) -> Node | None:
        """What `$bottom` stands for; None, reported, where the use neither names nor inherits one."""
        if len(self.names) == 1:
            return self.names[0]
        if self.names:
            return List(list(self.names), self.names[0].start, self.names[-1].end, self.names[0].source)
        try:
            tops = self.flow.bottom(targets, frozenset())
        except NoBottom as error:
            text = f"the block uses $bottom, but its use names none and inherits none: {error}"
            self.report.add("implied-bottom", self.use.span, text, hint="give the use a `bottom`", notes=self.use.notes()[1:])
            return None
        span = self.use.span
        place = Scalar(None, Place(span.line - 1, span.column - 1), Place(span.end_line - 1, span.end_column - 1), span.source)
        return place._replace(value=next(iter(tops.values())))


def _outermost(use: Use) -> Use:
    while use.parent is not None:
        use = use.parent
    return use
