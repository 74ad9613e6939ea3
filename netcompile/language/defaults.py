"""The `defaults` of a document and its libraries: what every layer of a type has unless it says otherwise.

Knows which parts an entry has, and in which order the documents apply, not what is laid over them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from netcompile.diagnostics import Note
from netcompile.language.merge import Fields, is_false, is_null, merge, normalise
from netcompile.records import NamedTuple
from netcompile.tree import Mapping, Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from netcompile.diagnostics import Report
    from netcompile.forks.read import Fork

VARIANTS: Final = {"TRAIN": "train", "TEST": "test", "DEPLOY": "deploy"}
_APART: Final = frozenset({*VARIANTS.values(), "when"})
Inherited: TypeAlias = "Fields | Literal[False]"


class TypeDefaults(NamedTuple):
    """The defaults of one type, in block form.

    `base` is for every target; `variants` has what single targets change, False where they leave the type out; `when`
    tells whether its layers exist, where it is given and can be told.
    """

    base: Fields
    variants: dict[str, Inherited]
    when: Node | None


class Defaults:
    """The defaults of all documents, merged per type when a layer first asks for them.

    `replace` puts values in the place of references; `recheck` validates what has come of it. The fields are those of
    `fork`, or Caffe's own.
    """

    def __init__(
        self,
        documents: Sequence[Mapping],
        replace: Callable[[Mapping], Mapping],
        recheck: Callable[[Mapping, Mapping], Mapping | None],
        report: Report,
        fork: Fork | None = None,
    ) -> None:
        self.given = bool(documents)
        self.fork = fork
        self._replace = replace
        self._recheck = recheck
        self._report = report
        self._known: dict[str, TypeDefaults | None] = {}
        self._documents = [self._by_type(document) for document in documents]

    def _by_type(self, document: Mapping) -> Mapping:
        """A document's entries by their types, where a type may be given by a variable."""
        if not any("$" in str(key) for key in document.entries):
            return document
        found = document._replace(entries={}, keys={})
        for written, node in document.entries.items():
            key = document.keys[written]
            named = self._replace(found._replace(entries={written: Scalar(None, *key[1:])}, keys={written: key}))
            for name in named.entries:  # none where the variable has no value
                type_key = key._replace(value=name)
                if name in found.entries:
                    notes = [Note("the first is here", found.keys[name].span)]
                    self._report.add("duplicate-key", key.span, f"key '{name}' is given twice", notes=notes)
                elif type(node) is Mapping:
                    found.entries[name] = node if name == written else self._checked(node, type_key, moved=True)
                    found.keys[name] = type_key
        return found

    def of(self, type_name: str) -> TypeDefaults | None:
        """The defaults of a type, or None where it has none."""
        if not self.given:
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
            one = self._read(node, document.keys[type_name], type_name)
            merged = one if merged is None else _merge_two(merged, one)
        return merged

    def _read(self, node: Mapping, type_key: Scalar, type_name: str) -> TypeDefaults:
        when = node.entries.get("when")
        node = self._checked(_without(node, {"when"}), type_key)
        variants: dict[str, Inherited] = {}
        for target, key in VARIANTS.items():
            variant = node.entries.get(key)
            if type(variant) is Mapping:
                variants[target] = normalise(variant, type_name, self._report, self.fork)
            elif is_false(variant):
                variants[target] = False
        base = normalise(_without(node, _APART), type_name, self._report, self.fork)
        return TypeDefaults(base, variants, when)

    def _checked(self, node: Mapping, type_key: Scalar, *, moved: bool = False) -> Mapping:
        """The node with its references replaced; checked as a layer of the type, had it any or is it `moved`."""
        new = self._replace(node)
        if new is node and not moved:
            return node
        named = {"name": type_key, "type": type_key}
        layer = new._replace(entries={**named, **new.entries}, keys={**new.keys, **named})
        sound = self._recheck(layer, node)
        return new._replace(entries={}) if sound is None else _without(sound, named.keys())


def _merge_two(base: TypeDefaults, over: TypeDefaults) -> TypeDefaults:
    variants = dict(base.variants)
    for target, new in over.variants.items():
        old = variants.get(target)
        variants[target] = merge(old, new) if old and new else new
    when = base.when if over.when is None else over.when
    return TypeDefaults(merge(base.base, over.base), variants, None if is_null(when) else when)


def _without(node: Mapping, keys: Container[str]) -> Mapping:
    return node._replace(entries={key: value for key, value in node.entries.items() if key not in keys})
