"""Renaming a layer or a blob: every place where its name is written, or why it can't be done.

A name may come from variables, blocks and repetitions. So what a renaming does is not guessed: the edited text is
expanded again, and unless it is the same net but for the name, the renaming is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from netcompile.language.spec import name_list
from netcompile.lsp.blobs import blob_words, blob_words_of, implied_tops, named_by
from netcompile.lsp.cursor import find_spot, meaning_of
from netcompile.lsp.model import Model
from netcompile.lsp.quoting import within, written
from netcompile.records import NamedTuple
from netcompile.tree import List, Mapping, Scalar, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from netcompile.lsp.model import Instance
    from netcompile.tree import Node

_PROPERTIES: Final = re.compile(r"(?:[&!]\S*\s+)+")  # an anchor or a tag before a value


class Edit(NamedTuple):
    """A new text for the characters of a line from one column to another."""

    line: int
    start: int
    end: int
    text: str


class Subject(NamedTuple):
    """What is to be renamed: the word under the cursor, and whether it names layers, blobs or both."""

    name: str
    line: int
    start: int
    end: int
    layer: bool
    blob: bool


class RefusedError(Exception):
    """It can't be renamed; the message says why."""


def subject_at(model: Model, line: int, column: int) -> Subject:
    """The layer or blob at a position. Raises RefusedError where there is none that can be renamed."""
    if model.document is None:
        raise RefusedError("the text can't be read; mend it first")
    if model.is_library:
        raise RefusedError("this is a library: specs that import it may use the name")
    spot = find_spot(model.document, line, column)
    meaning = meaning_of(spot)
    if meaning is None or meaning.kind not in ("layer", "blob", "argument"):
        raise RefusedError("only layers and blobs can be renamed: put the cursor on a name, a bottom or a top")
    scalar = meaning.scalar
    kinds = {meaning.kind} if meaning.kind != "argument" else named_by(model, scalar)
    name = scalar.value
    if type(name) is not str or not name:
        raise RefusedError("there is no name here")
    if "$" in name:
        raise RefusedError(f"'{name}' is put together from variables; rename it where they get their values")
    if not kinds:
        raise RefusedError(f"'{name}' is not by itself the name of a layer or blob, as it is used here")
    where = _literal(model, scalar, name)
    if where is None:
        raise RefusedError(f"'{name}' is not written here as it is; rename it where it is")
    both = any(one.spec.name == name and name in implied_tops(one) for one in model.makers.get(name, ()))
    return Subject(name, scalar.start.line, *where, both or "layer" in kinds, both or "blob" in kinds)


def try_out(model: Model, line: int, column: int) -> Subject:
    """The layer or blob at a position, which can be renamed. Raises RefusedError where no name would do."""
    subject = subject_at(model, line, column)
    new = f"{subject.name}_"
    while new in model.makers or any(one.spec.name == new for one in model.instances):
        new += "_"
    rename(model, line, column, new)
    return subject


def rename(model: Model, line: int, column: int, new: str) -> list[Edit]:
    """The edits that rename the layer or blob at a position to `new`. Raises RefusedError where it can't be done."""
    subject = subject_at(model, line, column)
    if new == subject.name:
        return []
    _check_new(model, subject, new)
    edits = []
    for scalar in _written(model, subject):
        where = _literal(model, scalar, subject.name)
        if where is not None:
            edits.append(Edit(scalar.start.line, *where, _quoted(model, scalar, new)))
    edits = sorted(set(edits))
    _check_outcome(model, subject, new, edits)
    return edits


def apply(lines: list[str], edits: Iterable[Edit]) -> str:
    """The text after some edits, which must not overlap."""
    lines = list(lines)
    for edit in sorted(edits, reverse=True):
        lines[edit.line] = lines[edit.line][: edit.start] + edit.text + lines[edit.line][edit.end :]
    return "\n".join(lines)


def _check_new(model: Model, subject: Subject, new: str) -> None:
    if not new or new.isspace() or any(ord(c) < ord(" ") for c in new):
        raise RefusedError("a name has at least one character, and no control characters")
    if "$" in new:
        raise RefusedError("a name with a '$' would be put together from variables")
    taken = next((one for one in model.instances if subject.layer and one.spec.name == new), None)
    if taken is not None:
        raise RefusedError(f"'{new}' is already the name of a layer ({_where(model, taken)})")
    makers = model.makers.get(new, []) if subject.blob else []
    if makers:
        raise RefusedError(f"'{new}' is already a blob, made by '{makers[0].spec.name}' ({_where(model, makers[0])})")


def _where(model: Model, instance: Instance) -> str:
    return model.where(instance.spec.node.source, instance.spec.node.start.line + 1)


# Where the name is written


def _written(model: Model, subject: Subject) -> Iterator[Scalar]:
    """The words of this document that are the name, or that become it."""
    assert model.document is not None
    found = [*_in_items(model.document.entries.get("layers"), subject), *_in_deploy(model.document, subject)]
    blocks = model.document.entries.get("blocks")
    for block in blocks.entries.values() if type(blocks) is Mapping else ():
        if type(block) is Mapping:
            found += _in_items(block.entries.get("layers"), subject)
            found += name_list(block.entries.get("output")) if subject.blob else []
    for one in model.instances:
        found += _in_instance(one, subject)
    yield from (scalar for scalar in found if scalar.source is model.source and scalar.value == subject.name)


def _in_items(node: Node | None, subject: Subject) -> Iterator[Scalar]:
    for item in node.items if type(node) is List else ():
        if type(item) is not Mapping:
            continue
        yield from _in_items(item.entries.get("layers"), subject)
        yield from _in_layer(item, subject)
        for key in ("train", "test", "deploy"):
            variant = item.entries.get(key)
            if type(variant) is Mapping:
                yield from _in_layer(variant, subject)


def _in_layer(node: Mapping, subject: Subject) -> Iterator[Scalar]:
    if subject.layer and "block" not in node.entries:
        yield from name_list(node.entries.get("name"))
    if subject.blob:
        yield from blob_words_of(node)


def _in_instance(instance: Instance, subject: Subject) -> Iterator[Scalar]:
    """The words that a layer's name and blobs came from, which may stand in variables and parameters."""
    if subject.blob:
        yield from blob_words(instance)
    if subject.layer:
        yield from name_list(instance.spec.node.entries.get("name"))


def _in_deploy(document: Mapping, subject: Subject) -> Iterator[Scalar]:
    deploy = document.entries.get("deploy")
    if type(deploy) is not Mapping or not subject.blob:
        return
    yield from name_list(deploy.entries.get("outputs"))
    inputs = deploy.entries.get("inputs")
    if type(inputs) is Mapping:
        yield from inputs.keys.values()


def _literal(model: Model, scalar: Scalar, name: str) -> tuple[int, int] | None:
    """The columns between which a word is written as it is, quotes left out; None where something else is written."""
    start, end = scalar.start, scalar.end
    if start.line != end.line or start.line >= len(model.lines):
        return None
    text = model.lines[start.line][start.column : end.column]
    before = _PROPERTIES.match(text)
    skipped = before.end() if before else 0
    text = text[skipped:].rstrip()
    quoted = text[:1] in ("'", '"')
    if text != name and not (quoted and text[1:-1] == name):
        return None
    first = start.column + skipped + quoted
    return first, first + len(name)


def _quoted(model: Model, scalar: Scalar, new: str) -> str:
    """The new name as it must be written there."""
    text = model.lines[scalar.start.line][scalar.start.column : scalar.end.column]
    before = _PROPERTIES.match(text)
    quote = text[before.end() if before else 0]
    if quote in ("'", '"'):
        return within(new, quote)
    return written(new)


# What becomes of it


def _check_outcome(model: Model, subject: Subject, new: str, edits: list[Edit]) -> None:
    edited = Model(Source(model.source.name, apply(model.lines, edits)), model.settings)
    before, after = _wiring(model, subject, new), _wiring(edited, None, new)
    if before == after:
        return
    for scalar, text in _elsewhere(model, subject):
        where = model.where(scalar.source, scalar.start.line + 1)
        if "$" in text:
            raise RefusedError(f"'{subject.name}' is put together from {text} in {where}; rename its parts")
        raise RefusedError(f"'{subject.name}' is also written in {where}, a library that others may use")
    raise RefusedError(f"renaming '{subject.name}' would change more of the net than this name")


def _wiring(model: Model, subject: Subject | None, new: str) -> list[tuple[object, ...]]:
    """All that has names in the expanded net; with a subject, as it should be after the renaming."""

    def layer(name: str) -> str:
        return new if subject is not None and subject.layer and name == subject.name else name

    def blobs(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(new if subject is not None and subject.blob and name == subject.name else name for name in names)

    found: list[tuple[object, ...]] = []
    for one in model.expanded.layers if model.expanded is not None else ():
        for target, form in one.forms.items():
            shapes = form.fields.layer.entries.get("top_shapes")
            shaped = blobs(map(str, shapes.entries)) if type(shapes) is Mapping else ()
            found.append((target, layer(one.name), form.type, blobs(form.bottoms), blobs(form.tops), shaped))
    deploy = model.expanded.deploy if model.expanded is not None else None
    if type(deploy) is Mapping:
        inputs = deploy.entries.get("inputs")
        outputs = name_list(deploy.entries.get("outputs"))
        found.append((blobs(str(s.value) for s in outputs), blobs(inputs.entries) if type(inputs) is Mapping else ()))
    return found


def _elsewhere(model: Model, subject: Subject) -> Iterator[tuple[Scalar, str]]:
    """The words that the name comes from and that no edit reaches: in a library, or put together; each as written."""
    for one in model.instances:
        for scalar in _in_instance(one, subject):
            text = scalar.source.line(scalar.start.line + 1)[scalar.start.column : scalar.end.column]
            library = scalar.source is not model.source and subject.name in text
            if scalar.value == subject.name and ("$" in text or library):
                yield scalar, text
