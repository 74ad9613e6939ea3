"""What a block use brings into its block, and what later layers continue from after it.

Leaves of the expansion: parameters, `$bottom` and `output` of one use. Nothing is expanded here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.diagnostics import did_you_mean
from netcompile.language.flow import NoBottom
from netcompile.language.merge import is_null
from netcompile.language.scope import Scope, Substitution
from netcompile.language.spec import name_list
from netcompile.language.wording import is_slip, some_of
from netcompile.tree import Mapping, Node, Place, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping as AbstractMapping

    from netcompile.diagnostics import Report
    from netcompile.language.blocks import Block
    from netcompile.language.flow import Flow, Rules, Tops
    from netcompile.language.spec import Use

USE_KEYS: Final = frozenset({"block", "bottom", "when", "only"})


class Entry:
    """The bottom of a block use: as given, or implied by the flow around it when it is first asked for."""

    def __init__(self, given: Node | None, flow: Flow, targets: frozenset[str], report: Report, use: Use) -> None:
        self.names = None if is_null(given) else name_list(given)
        self.given = given
        self.flow = flow
        self.targets = targets
        self.report = report
        self.use = use
        self.reads = 0  # how many of the names the block reads

    def tops(self, targets: frozenset[str], rules: Rules) -> Tops:
        """What a first layer in the block continues from. Raises NoBottom."""
        if self.names is None:
            return self.flow.bottom(targets, rules)
        if not self.names:
            raise NoBottom("the block's use has an empty `bottom`")
        self.reads = self.reads or 1
        return dict.fromkeys(targets, str(self.names[0].value))

    def node(self) -> Node | None:
        """What `$bottom` stands for; None, reported, where the use neither names nor inherits one."""
        if self.names is not None:
            self.reads = len(self.names)
            return self.names[0] if len(self.names) == 1 else self.given
        try:
            names = set(self.flow.bottom(self.targets, frozenset()).values())
        except NoBottom as error:
            if not error.lost:
                self._refuse(f"the block uses $bottom, but its use names none and inherits none: {error}")
            return None
        if len(names) > 1:
            self._refuse(
                f"the block uses $bottom, and its use inherits {' or '.join(sorted(names))}, as the phase may be"
            )
            return None
        span = self.use.span
        start, end = Place(span.line - 1, span.column - 1), Place(span.end_line - 1, span.end_column - 1)
        return Scalar(names.pop(), start, end, span.source)

    def check_read(self, block: str) -> None:
        """Report the bottoms that the use names and nothing in the block reads, once the block is expanded."""
        unread = (self.names or [])[self.reads :]
        if not unread:
            return
        notes = self.use.parent.notes() if self.use.parent else ()
        if self.reads == 0 and len(unread) == 1:
            text = f"block '{block}' does not read the bottom of its use"
            self.report.add("unused-field", unread[0].span, text, notes=notes)
            return
        takes = "the first bottom of its use alone" if self.reads else "no bottom of its use"
        text = f"block '{block}' reads {takes}, and {len(self.names or ())} are given"
        hint = "in the block, `bottom: $bottom` stands for all of them, `${bottom[0]}` for the first"
        self.report.add("bottom-count", unread[0].span, text, hint=hint, notes=notes)

    def given_names(self) -> set[str]:
        """The blobs that the use names itself."""
        return {str(name.value) for name in self.names or ()}

    def _refuse(self, text: str) -> None:
        notes = self.use.parent.notes() if self.use.parent else ()
        self.report.add("implied-bottom", self.use.span, text, hint="give the use a `bottom`", notes=notes)


def find_block(name: Scalar, blocks: AbstractMapping[str, Block], report: Report, use: Use | None) -> Block | None:
    """The block of a name; None, reported, where there is none. `use` brought in what names it."""
    title = str(name.value)
    block = blocks.get(title)
    if block is None and not report.full("unknown-block"):
        meant = did_you_mean(title, blocks)
        hint = f"did you mean '{meant}'?" if meant else f"the blocks here: {some_of(blocks)}"
        notes = use.notes() if use else ()
        report.add("unknown-block", name.span, f"there is no block '{title}'", hint=hint, notes=notes)
    return block


def read_parameters(block: Block, node: Mapping, entry: Entry, scope: Scope, report: Report, use: Use) -> Scope | None:
    """The scope of a block at one use; None, reported, where a parameter is wrong or missing.

    `scope` has the names that every block sees, `node` is the use with its references replaced.
    """
    given = _given(block, node, report, use)
    if given is None:
        return None
    names: dict[str, Node | Callable[[], Node | None]] = {"bottom": entry.node}
    inner = Scope(names, scope)
    missing = []
    for name, default in block.parameters.items():
        value = given.get(name)
        if value is None and not is_null(default):
            value = Substitution(inner, report, use)(default)
            if value is None:
                return None
        if value is None or (is_null(value) and is_null(default)):
            missing.append(name)
        else:
            names[name] = value
    if missing:
        wanted = " and ".join(f"'{name}'" for name in missing)
        _add(report, "missing-variable", use, f"block '{block.name}' needs a value for {wanted}")
    return None if missing else inner


def _given(block: Block, node: Mapping, report: Report, use: Use) -> dict[str, Node] | None:
    """The parameters that a use gives, slips put right; None where one is unknown."""
    given = {str(key): value for key, value in node.entries.items() if key not in USE_KEYS}
    keys = {str(key): scalar for key, scalar in node.keys.items()}
    sound = True
    for key in [key for key in given if key not in block.parameters]:
        value = given.pop(key)
        if block.damaged:
            continue
        meant = did_you_mean(key, block.parameters)
        if meant is None and key in block.refused:
            sound = False
            continue
        if meant is None:
            block.refused.add(key)
        text = f"block '{block.name}' has no parameter '{key}'"
        hint = f"did you mean '{meant}'?" if meant else f"its parameters: {some_of(block.parameters)}"
        report.add("unknown-parameter", keys[key].span, text, hint=hint, notes=use.parent.notes() if use.parent else ())
        if meant is not None and meant not in given and is_slip(key, meant):
            given[meant] = value
        else:
            sound = False
    return given if sound else None


def continue_from(
    block: Block, scope: Scope, entry: Entry, inner: Flow, targets: frozenset[str], makes: Callable[[str], bool]
) -> None:
    """Let later layers continue from a use of `block`: from its `output`, else from the top of its last layer.

    `makes` tells whether a layer so far makes a blob.
    """
    outer = entry.flow
    if block.output is None:
        last = inner.nearest(targets, frozenset())
        if inner.lost_since(last):
            outer.lose()
        elif last is not None:
            outer.place(block.name, last.tops, targets, frozenset(), last.source, last.after_source)
        return
    names = name_list(Substitution(scope, entry.report, entry.use)(block.output))
    name = str(names[0].value) if names else ""
    if names and not (name in entry.given_names() or inner.lost_since(None) or makes(name)):
        text = f"block '{block.name}' has `output: {name}`, a blob that no layer makes"
        entry.report.add("unknown-blob", block.output.span, text, notes=entry.use.notes())
        names = []
    if names:
        outer.place(block.name, dict.fromkeys(targets, name), targets, frozenset(), False)
    else:
        outer.lose()


def _add(report: Report, code: str, use: Use, text: str) -> None:
    report.add(code, use.span, text, notes=use.parent.notes() if use.parent else ())
