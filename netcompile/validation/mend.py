"""Reports what is wrong with a refused document and repairs it, so that later stages can go on with the rest.

A misspelt key or word that can only be one other is put right, as if it had been written so; what can't be put right is
left out, and the layer or section that lost it counts as damaged. Layers are looked at one by one: one wrong layer in
ten thousand costs one explanation. Nodes are never changed; new ones are built along the path to a repair.
"""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from netcompile.ir import BROKEN, GUESSED, WHOLE
from netcompile.kinds import is_meant
from netcompile.language.names import meant_field, meant_type
from netcompile.language.spec import lost_with
from netcompile.language.wording import is_slip, quoted
from netcompile.tree import List, Mapping, Scalar
from netcompile.validation.acceptor import key_text
from netcompile.validation.layout import indented, joined
from netcompile.validation.refusals import MOST_PROBLEMS, Explainer, bad_name
from netcompile.validation.repair import Add, Drop, Rename, Replace, find, find_key, repaired

if TYPE_CHECKING:
    from collections.abc import Collection

    from netcompile.diagnostics import Report
    from netcompile.ir import Damage
    from netcompile.tree import Node, Span
    from netcompile.validate import Rules
    from netcompile.validation.refusals import Problem
    from netcompile.validation.repair import Path

_PARTS: Final = {
    "document": ("defaults", "blocks", "layers", "deploy", "solver"),
    "block": ("layers",),
    "repetition": ("layers",),
}
_ROUNDS: Final = 6
_FOREIGN: Final = "a spec has `layers`, a library `blocks`, `defaults` or `vars`; --skip-others passes over other files"
# Nobody reads on, and a hundred thousand explanations would take minutes.
_MOST_FINDINGS: Final = 1000


class Mender:
    """Mends the nodes of one document. `damaged` collects by id what nodes lost."""

    def __init__(self, rules: Rules, report: Report) -> None:
        self.rules = rules
        self.report = report
        self.explainer = Explainer(rules.full())
        self.damaged: dict[int, Damage] = {}

    def mend(self, node: Node, definition: str) -> Node | None:
        """Report what is wrong with a node, and return what is sound of it; None where nothing is."""
        if definition == "document" and type(node) is Mapping:
            definitions = self.rules.full()["definitions"]
            known, types = definitions["document"]["properties"], definitions["defaults"]["properties"]
            node = indented(node, known, types, self.report)
            if self._is_foreign(node):
                return node._replace(entries={}, keys={})
        shell, damaged = self._mend_shell(node, definition)
        if type(shell) is not Mapping:
            return shell
        whole = self._mend_parts(shell, _definition_of(shell, definition))
        if damaged:
            self.damaged[id(whole)] = damaged
        return whole

    def _is_foreign(self, document: Mapping) -> bool:
        """Report a document that is some other program's: most of its keys are none of a spec."""
        known = self.rules.full()["definitions"]["document"]["properties"]
        unknown = [key for key in document.keys if key not in known and not meant_field(str(key), known).sure]
        theirs = len(unknown) > sum(key in known and key != "name" for key in document.keys)
        meant = "layers" in document.keys or any(is_slip(str(key), "layers") for key in document.keys)
        if not theirs or meant or "input" in unknown or is_meant(document.source.text):
            return False
        text = "this is no spec: it has no `layers`, and most of its keys are unknown"
        self.report.add("not-a-spec", document.keys[unknown[0]].span, text, hint=_FOREIGN)
        return True

    def _mend_shell(self, node: Node, definition: str) -> tuple[Node | None, Damage]:
        """Mend a node without its parts. A repaired key or type can bring more mistakes to light: hence the rounds."""
        damaged, quiet = WHOLE, False
        dropped: set[Path] = set()
        for _ in range(_ROUNDS):
            definition = _definition_of(node, definition)
            shell = _without_parts(node, definition)
            if self.rules.accepts(shell, definition):
                return node, damaged
            problems = self.explainer.explain(shell, definition)
            assert problems, "the acceptor refuses what jsonschema accepts"
            for problem in problems:
                if problem.message and not quiet and not _follows(problem, dropped):
                    self.report.add(problem.code, _span(node, problem), problem.message, hint=problem.hint)
            repairs = [problem.repair for problem in problems]
            damaged = damaged.union(*map(_lost, problems))
            # A layer of unknown type keeps what every layer has; its own fields are neither right nor wrong.
            quiet = quiet or any(type(repair) is Add and "custom" in repair.entries for repair in repairs)
            if len(problems) >= MOST_PROBLEMS:
                return None, BROKEN
            dropped.update(problem.path for problem in problems if type(problem.repair) is Drop)
            mended = repaired(node, [(_with_filler(problem), problem.repair) for problem in problems])
            if mended is None or mended is node:
                return mended, BROKEN
            node = mended
        return None, BROKEN

    def _mend_parts(self, node: Mapping, definition: str) -> Mapping:
        changed: dict[str, Node | None] = {}
        for key in _PARTS.get(definition, ()):
            part = node.entries.get(key)
            if part is None or self.rules.accepts(part, "items" if key == "layers" else key):
                continue
            mended = self._mend_part(key, part)
            if mended is not part:
                changed[key] = mended
        if not changed:
            return node
        entries = {key: changed.get(key, value) for key, value in node.entries.items()}
        return node._replace(entries={key: value for key, value in entries.items() if value is not None})

    def _mend_part(self, key: str, part: Node) -> Node | None:
        if key == "layers" and type(part) is List:
            return part._replace(items=[self._mend_item(item) for item in joined(part, self.report).items])
        if key == "defaults" and type(part) is Mapping:
            return self._mend_defaults(part)
        if key == "blocks" and type(part) is Mapping:
            return self._mend_blocks(part)
        return self.mend(part, key)

    def _mend_item(self, item: Node) -> Node:
        if self.rules.accepts(item, "item"):
            return item
        mended = self.mend(item, "item") if len(self.report) < _MOST_FINDINGS else None
        return Scalar(None, item.start, item.end, item.source) if mended is None else mended

    def _mend_defaults(self, defaults: Mapping) -> Mapping:
        known = self.rules.full()["definitions"]["defaults"]["properties"]
        entries: dict[Any, Node] = {}
        keys: dict[Any, Scalar] = {}
        for key, value in defaults.entries.items():
            name = self._name(defaults.keys[key])
            custom = _says_custom(value) or (name is not None and self.rules.has_type(name))
            other = "default_custom" if custom else "default_unknown"
            if name is not None and name not in known and not custom and not self.rules.accepts(value, other):
                name = self._known_type(defaults.keys[key], known)
            if name is None or (name != key and name in defaults.entries):
                continue
            mended = self.mend(value, f"default_{name}" if name in known else other)
            if mended is not None:
                entries[name], keys[name] = mended, defaults.keys[key]
        return defaults._replace(entries=entries, keys=keys)

    def _known_type(self, key: Scalar, known: Collection[str]) -> str | None:
        """Report a type in `defaults` that is not known, and return the one that it must be, if any."""
        word = str(key.value)
        meant = meant_type(word, known)
        hint = meant.hint or "write `custom: true` in it if the type is your own"
        if not meant.word and word in self.rules.full()["definitions"]["fields_Convolution"]["properties"]:
            hint = f"the keys of `defaults` are layer types: `Convolution: {{{word}: ...}}`"
        self.report.add("unknown-type", key.span, f"there is no layer type {quoted(word)}", hint=hint)
        return meant.word if meant.sure else None

    def _mend_blocks(self, blocks: Mapping) -> Mapping:
        entries: dict[Any, Node] = {}
        keys: dict[Any, Scalar] = {}
        for key, value in blocks.entries.items():
            name = self._name(blocks.keys[key])
            if name is None or (name != key and name in blocks.entries):
                continue
            mended = self.mend(value, "block")
            if mended is None:
                mended = Mapping({}, {}, value.start, value.end, value.source)
                self.damaged[id(mended)] = BROKEN
            entries[name], keys[name] = mended, blocks.keys[key]
        return blocks._replace(entries=entries, keys=keys)

    def _name(self, key: Scalar) -> str | None:
        """Report a key that can't be a name, and return what can be, if anything."""
        text = key_text(key.value)
        if not any(ord(character) < ord(" ") for character in text):
            return text
        problem = bad_name((text,))
        self.report.add(problem.code, key.span, problem.message, hint=problem.hint)
        return problem.repair.key if type(problem.repair) is Rename else None


def _says_custom(node: Node) -> bool:
    said = node.entries.get("custom") if type(node) is Mapping else None
    return type(said) is Scalar and said.value is True


def _definition_of(node: Node, definition: str) -> str:
    """The definition that an item of `layers` goes by, which a repaired key can settle; any other stays."""
    keys = node.entries if definition == "item" and type(node) is Mapping else ()
    return "block_use" if "block" in keys else "repetition" if "repeat" in keys else definition


def _without_parts(node: Node, definition: str) -> Node:
    """The node with its parts emptied: they are mended one by one."""
    if type(node) is not Mapping or definition not in _PARTS:
        return node
    emptied: dict[Any, Node] = dict(node.entries)
    for key in _PARTS[definition]:
        part = node.entries.get(key)
        if type(part) is List:
            emptied[key] = part._replace(items=[])
        elif type(part) is Mapping and key != "layers":
            emptied[key] = part._replace(entries={}, keys={})
    return node._replace(entries=emptied)


def _lost(problem: Problem) -> Damage:
    """What a layer may lack when a problem with it is repaired."""
    repair, path = problem.repair, problem.path
    if type(repair) is Replace and problem.code == "unknown-type":
        return GUESSED
    if type(repair) is Add:
        return lost_with(repair.entries.keys() - {"custom", "type"})
    if type(repair) is NoneType or (type(repair) is Drop and repair.lost):
        return lost_with(path)
    return WHOLE


def _with_filler(problem: Problem) -> Path:
    """The path of a problem; of the whole filler that would lose its type: what else it has is of no known type."""
    path = problem.path
    whole = type(problem.repair) is Drop and path[-1:] == ("type",)
    return path[:-1] if whole and any(str(step).endswith("_filler") for step in path[-3:-1]) else path


def _follows(problem: Problem, dropped: set[Path]) -> bool:
    """Whether something is missing, or nothing is left, only because it was wrong and is dropped."""
    if problem.at_key or problem.code not in ("missing-field", "bad-value"):
        return False
    return any(path[:-1] == problem.path for path in dropped)


def _span(node: Node, problem: Problem) -> Span:
    """Where a problem is shown: its key, its value, or the start of the mapping that lacks something."""
    if problem.at_key:
        owner = find(node, problem.path[:-1])
        assert type(owner) is Mapping
        return owner.keys[find_key(owner, problem.path[-1])].span
    found = find(node, problem.path)
    if problem.code == "missing-field" and type(found) is Mapping and found.keys:
        return found.entries.get("name", next(iter(found.keys.values()))).span
    return found.span
