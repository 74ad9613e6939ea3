"""Variables, blocks, repetition and merging: from the document as written to a flat list of complete layers.

After this stage no reference is left, every layer has its forms with bottoms and tops named, and each knows the chain
of uses that brought it in. What could not be expanded is reported and left out; the rest goes on.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from netcompile.diagnostics import Note, Report
from netcompile.ir import BROKEN, WHOLE
from netcompile.language.blocks import MAX_CONDITIONAL, MAX_DEPTH, MAX_ITEMS, Growth, block_table, read_turns
from netcompile.language.defaults import Defaults
from netcompile.language.flow import Flow
from netcompile.language.forms import Shaper
from netcompile.language.merge import is_null
from netcompile.language.places import intersect, read_only
from netcompile.language.scope import OutsideTurns, Scope, Substitution, reference_to
from netcompile.language.spec import EVERYWHERE, Expanded, LayerSpec, Use, is_inside, layer_title, lost_with
from netcompile.language.uses import Entry, continue_from, find_block, read_parameters
from netcompile.language.variables import Given, merge_libraries, variables
from netcompile.records import NamedTuple
from netcompile.tree import List, Mapping, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence
    from collections.abc import Mapping as AbstractMapping

    from netcompile.forks.read import Fork
    from netcompile.ir import Damage

Recheck: TypeAlias = "Callable[[Mapping, str, Report], Mapping | None]"
_DOCUMENT_KEYS: Final = frozenset({"vars", "defaults", "blocks", "imports", "layers", "deploy", "solver", "lint"})

_UNKNOWN: Final = frozenset({"unknown-variable", "undeclared-variable", "unknown-block", "unknown-type"})
_CHECKED: Final = ("block", "bottom", "only")  # of a block use; its other keys are parameters, which take anything


class _Context(NamedTuple):
    """What surrounds a list of items.

    `only` has the targets that block uses leave; `blocks` the names of the blocks that are open; `depth` counts open
    blocks and repetitions, and `multiple` how often the repetitions bring the list in.
    """

    scope: Scope
    flow: Flow
    use: Use | None = None
    only: frozenset[str] | None = None
    blocks: tuple[str, ...] = ()
    depth: int = 0
    multiple: int = 1


def expand(
    document: Mapping,
    report: Report,
    *,
    libraries: Iterable[Mapping] = (),
    overrides: AbstractMapping[str, Node] | None = None,
    damaged: AbstractMapping[int, Damage] = MappingProxyType({}),
    recheck: Recheck = lambda node, _definition, _report: node,
    fork: Fork | None = None,
    lost_library: bool = False,
    optional: Container[str] = (),
) -> Expanded:
    """Expand a validated document.

    `libraries` are the imported documents, in the order in which they apply. `overrides` are the variables set from
    outside, of which the `optional` ones need not be declared. `damaged` says by id what nodes lost in validation.
    `recheck` validates a node again after its references were replaced, by a definition of the JSON Schema: it gives
    the same node where nothing is wrong, else what is sound of it, or None. The fields are those of `fork`, or Caffe's
    own. `lost_library`: an import could not be read, so that what is unknown here may be its.
    """
    given = Given(overrides or {}, optional)
    expanded = _Expander(document, report, list(libraries), given, damaged, recheck, fork).run()
    if lost_library:
        report.drop(lambda found: found.code in _UNKNOWN)
    return expanded._replace(incomplete=expanded.incomplete or lost_library)


class _Expander:
    def __init__(
        self,
        document: Mapping,
        report: Report,
        libraries: Sequence[Mapping],
        given: Given,
        damaged: AbstractMapping[int, Damage],
        recheck: Recheck,
        fork: Fork | None,
    ) -> None:
        self.document = document
        self.report = report
        self.damaged = damaged
        self.recheck = recheck
        self.incomplete = False
        self.stopped = False
        self.references = any("$" in one.source.text for one in (*libraries, document))
        self.layers: list[LayerSpec] = []
        self.tops: set[str] = set()  # of the first `seen` layers
        self.seen = 0
        self.made = 0
        self.left_out = 0  # layers that exist nowhere
        merged = merge_libraries([*libraries, document])
        self.globals = variables(merged.variables, document, given, report)
        self.blocks = block_table(merged.blocks, damaged)
        self.growth = Growth(self.blocks)
        self.limit = MAX_ITEMS
        self.defaults = Defaults(merged.defaults, self._replace, self._checked_defaults, report, fork)
        self.shaper = Shaper(self.defaults, report)

    def run(self) -> Expanded:
        entries = self.document.entries
        items = entries.get("layers")
        self.incomplete = type(items) is not List  # what stands there in its place is refused already
        if type(items) is List:
            if self.blocks and self.growth.most(items.items) > MAX_ITEMS:
                self.limit = MAX_CONDITIONAL
            flow = Flow()
            if "tops" in self.damaged.get(id(self.document), WHOLE):
                self.incomplete = True
                flow.lose()
            self._items(items.items, _Context(self.globals, flow))
        if self.stopped:
            nothing = self.document._replace(entries={}, keys={})
            return Expanded(nothing, [], deploy=None, solver=None, incomplete=True)
        return Expanded(
            fields=self._header(),
            layers=self.layers,
            deploy=None if self._lost_outputs() else self._section("deploy"),
            solver=self._section("solver"),
            incomplete=self.incomplete or self.shaper.incomplete,
        )

    # Parts of the document that are no layers

    def _header(self) -> Mapping:
        """The net's own fields. They are checked as those of a document whose layers are out of the way."""
        own = {key: value for key, value in self.document.entries.items() if key not in _DOCUMENT_KEYS}
        fields = self.document._replace(entries=own)
        new = self._replace(fields)
        if new is fields:
            return fields
        empty = List([], fields.start, fields.start, fields.source)
        whole = new._replace(entries={**new.entries, "layers": empty}, keys={**new.keys, "layers": _at_start(fields)})
        sound = self._sound(whole, fields, "document", "used here")
        rest = {} if sound is None else {key: value for key, value in sound.entries.items() if key != "layers"}
        return new._replace(entries=rest)

    def _section(self, key: str) -> Node | None:
        node = self.document.entries.get(key)
        if type(node) is not Mapping:
            return node
        new = self._replace(node)
        if new is node:
            return node
        return self._sound(new, node, key, f"used in `{key}` here") or new._replace(entries={})

    def _lost_outputs(self) -> bool:
        """Whether the deploy section does not say any more what its outputs or inputs are."""
        return "outputs" in self.damaged.get(id(self.document.entries.get("deploy")), WHOLE)

    def _replace(self, node: Mapping) -> Mapping:
        return Substitution(self.globals, self.report).mapping(node) if self.references else node

    def _checked_defaults(self, layer: Mapping, written: Mapping) -> Mapping | None:
        return self._sound(layer, written, "layer", "used in `defaults` here")

    def _sound(
        self, node: Mapping, written: Mapping, definition: str, what: str, use: Use | None = None
    ) -> Mapping | None:
        """Check a node in which references were replaced, and return what is sound of it, or None.

        Where a wrong value is written elsewhere, a note says with the words `what` which reference brought it in.
        """
        found = Report()
        sound = self.recheck(node, definition, found)
        for one in found:
            uses = use.notes() if use else ()
            origin = None if one.span is None else reference_to(one.span, written, node)
            brought = () if origin is None or origin == one.span else (Note(what, origin, use=True),)
            self.report.append(one._replace(notes=(*one.notes, *brought, *uses)))
        return sound

    # Items

    def _items(self, items: Iterable[Node], context: _Context) -> None:
        for item in items:
            if self.stopped:
                return
            if type(item) is not Mapping:
                self._lose(context)
                continue
            if context.use is not None and not self._count(1, context):
                return
            if "when" in item.entries:
                holds = self._holds(item, context)
                if holds is None:
                    self._lose(context)
                if not holds:
                    continue
            if "block" in item.entries:
                self._block(item, context)
            elif "repeat" in item.entries:
                self._repeat(item, context)
            else:
                self._layer(item, context)

    def _lose(self, context: _Context) -> None:
        """Go on without an item that can't be expanded: it may have made any blob."""
        self.incomplete = True
        context.flow.lose()

    def _holds(self, item: Mapping, context: _Context) -> bool | None:
        condition, turns = item.entries["when"], item.entries.get("repeat")
        scope = OutsideTurns(turns, context.scope) if type(turns) is Mapping else context.scope
        return is_null(condition) or Substitution(scope, self.report, context.use).condition(condition)

    def _count(self, items: int, context: _Context) -> bool:
        """Count items that blocks and repetitions make; false, reported, where they are too many."""
        self.made += items
        if self.made <= self.limit:
            return True
        self._stop("expansion-limit", context, f"blocks and repetitions make more than {self.limit:,} layers")
        return False

    def _deeper(self, context: _Context, use: Use, flow: Flow, multiple: int, items: Sequence[Node]) -> _Context | None:
        """The context of a block's or repetition's items; None, reported, where that is too deep or too many."""
        inner = _Context(
            context.scope, flow, use, context.only, context.blocks, context.depth + 1, context.multiple * multiple
        )
        if inner.depth > MAX_DEPTH:
            self._stop("too-deep", inner, f"blocks and repetitions are nested more than {MAX_DEPTH} levels deep")
            return None
        if inner.multiple * self.growth.least(items) > self.limit:
            self._stop("expansion-limit", inner, f"blocks and repetitions make more than {self.limit:,} layers")
            return None
        return inner

    def _stop(self, code: str, context: _Context, message: str) -> None:
        """Expand nothing any more: what is too large or too deep would be so again and again."""
        self.stopped = self.incomplete = True
        use = context.use
        while use is not None and use.parent is not None:
            use = use.parent
        self.report.add(code, use.span if use else None, message)

    # Layers

    def _layer(self, item: Mapping, context: _Context) -> None:
        node, damaged = item, self.damaged.get(id(item), WHOLE)
        if self.references:
            node, damaged = self._replaced(item, context, damaged=damaged)
        kind = node.entries.get("type")
        if type(kind) is not Scalar or type(node.entries.get("name")) is not Scalar:
            self._lose(context)
            return
        if self.defaults.given and "when" not in item.entries and not self._wanted(str(kind.value), context):
            return
        spec = self.shaper.shape(node, context.use, context.flow, context.only, damaged=damaged)
        if spec is not None:
            self.layers.append(spec)
        else:
            self.left_out += 1

    def _replaced(self, item: Mapping, context: _Context, *, damaged: Damage) -> tuple[Mapping, Damage]:
        """A layer with its references replaced, and what of it may be missing, as something in it is wrong."""
        substitution = Substitution(context.scope, self.report, context.use)
        node = substitution.mapping(item)
        if node is item or substitution.failed:
            # Past the bound on what references bring in, every layer would be refused.
            self.stopped = self.stopped or self.globals.bounds.exceeded
            return node, damaged | _lost(item, node) if substitution.failed else damaged
        name = node.entries.get("name")
        kind = node.entries.get("type")
        title, type_name = (str(one.value or "") if type(one) is Scalar else "" for one in (name, kind))
        sound = self._sound(node, item, "layer", f"used for {layer_title(title, type_name)} here", context.use)
        return sound or node._replace(entries={}), damaged if sound is node else damaged | BROKEN

    def _wanted(self, type_name: str, context: _Context) -> bool:
        """Whether the `when` of a type's defaults lets its layers be. It sees the variables of the document."""
        defaults = self.defaults.of(type_name)
        if defaults is None or defaults.when is None:
            return True
        holds = Substitution(self.globals, self.report).condition(defaults.when)
        if holds is None:
            self._lose(context)
        return bool(holds)

    # Blocks

    def _block(self, item: Mapping, context: _Context) -> None:
        node, damaged = self._use_of(item, context)
        name = node.entries.get("block")
        block = find_block(name, self.blocks, self.report, context.use) if type(name) is Scalar else None
        if block is None or damaged or type(name) is not Scalar:
            self._lose(context)
            return
        span = name.span if is_inside(name.span, item) else item.keys["block"].span
        use = Use(f"in block '{block.name}', used here", span, context.use, node.entries.get("bottom"))
        if block.name in context.blocks:
            chain = " > ".join((*context.blocks[context.blocks.index(block.name) :], block.name))
            notes = context.use.notes() if context.use else ()
            self.report.add("recursive-block", span, f"block '{block.name}' uses itself: {chain}", notes=notes)
            self._lose(context)
            return
        only = intersect(read_only(node.entries.get("only")), context.only)
        targets = EVERYWHERE if only is None else only
        entry = Entry(node.entries.get("bottom"), context.flow, targets, self.report, use)
        inner = self._deeper(context, use, Flow(entry.tops), 1, block.items)
        scope = None if inner is None else read_parameters(block, node, entry, self.globals, self.report, use)
        if inner is None or scope is None:
            self._lose(context)
            return
        self.incomplete = self.incomplete or block.damaged
        blocks = (*context.blocks, block.name)
        before, left_out = len(self.layers), self.left_out
        self._items(block.items, _Context(scope, inner.flow, use, only, blocks, inner.depth, inner.multiple))
        if len(self.layers) > before and not block.damaged:
            entry.check_read(block.name)
        elif self.left_out > left_out and not is_null(node.entries.get("only")):
            text = f"its `only` leaves nothing of block '{block.name}', whose layers are elsewhere"
            self.report.add("unused-field", node.keys["only"].span, text, notes=use.notes()[1:])
        continue_from(block, scope, entry, inner.flow, targets, self._makes)

    def _makes(self, blob: str) -> bool:
        """Whether a layer so far makes a blob."""
        for spec in self.layers[self.seen :]:
            for form in spec.forms.values():
                self.tops.update(form.tops)
        self.seen = len(self.layers)
        return blob in self.tops

    def _use_of(self, item: Mapping, context: _Context) -> tuple[Mapping, bool]:
        """A block use with its references replaced, and whether something in it is wrong."""
        substitution = Substitution(context.scope, self.report, context.use)
        node = substitution.mapping(item) if self.references else item
        changed = any(node.entries.get(key) is not item.entries.get(key) for key in _CHECKED)
        if not changed or substitution.failed:
            return node, substitution.failed
        sound = self._sound(node, item, "block_use", "used in a block use here", context.use)
        return sound or node, sound is not node

    # Repetition

    def _repeat(self, item: Mapping, context: _Context) -> None:
        node, items = self._turns_of(item, context), item.entries.get("layers")
        if node is None or type(items) is not List or id(item) in self.damaged:
            self._lose(context)
            return
        notes = context.use.notes() if context.use else ()
        turns = read_turns(node, lambda code, span, text: self.report.add(code, span, text, notes=notes))
        if turns is None:
            self._lose(context)
            return
        span = item.keys["repeat"].span
        inner = self._deeper(
            context, Use("in the repetition", span, context.use), context.flow, turns.count, items.items
        )
        if inner is None or not items.items:
            return
        for what, names in turns:
            scope, use = Scope(names, context.scope), Use(what, span, context.use)
            turn = _Context(scope, inner.flow, use, inner.only, inner.blocks, inner.depth, inner.multiple)
            self._items(items.items, turn)
            if self.stopped:
                return

    def _turns_of(self, item: Mapping, context: _Context) -> Mapping | None:
        """What a repetition runs over, its references replaced; None where something is wrong with it."""
        written = item.entries["repeat"]
        substitution = Substitution(context.scope, self.report, context.use)
        node = substitution(written)
        if node is None or substitution.failed:
            return None
        if node is not written:
            whole = item._replace(entries={"repeat": node, "layers": List([], item.start, item.start, item.source)})
            if self._sound(whole, item, "repetition", "used in a repetition here", context.use) is not whole:
                return None
        return node if type(node) is Mapping else None


def _lost(item: Mapping, node: Mapping) -> Damage:
    """What a layer may lack of which some references have no value: its bottoms and tops only where they had some."""
    return lost_with(key for key, value in item.entries.items() if node.entries.get(key) is not value)


def _at_start(node: Mapping) -> Scalar:
    """A place for what is written nowhere."""
    return Scalar("", node.start, node.start, node.source)
