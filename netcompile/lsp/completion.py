"""What can be typed at a position: blobs that exist there, variables, names of blocks and their parameters.

Layer types, fields and words for values are the JSON Schema's business, which any YAML editor offers.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from netcompile.language.spec import name_list
from netcompile.lsp.blobs import shapes_of, top_text
from netcompile.lsp.cursor import block_around, find_spot, items_of_line
from netcompile.lsp.quoting import within, written
from netcompile.lsp.scan import typed_at
from netcompile.lsp.scope import shown, visible
from netcompile.records import NamedTuple
from netcompile.tree import Mapping, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.lsp.cursor import Around, Spot
    from netcompile.lsp.model import Model
    from netcompile.lsp.scan import Typed
    from netcompile.lsp.scope import Variable

Kind: TypeAlias = Literal["blob", "variable", "block", "parameter"]
_OF_BLOBS: Final = frozenset({"bottom", "output", "outputs"})


class Completion(NamedTuple):
    """What can stand in the line from column `start` on, the best first: `label` is its name, `text` how it is written.

    `text` begins with the quote that is there already, if one is.
    """

    kind: Kind
    label: str
    text: str
    detail: str
    start: int


def completions(model: Model, at: int, lines: Sequence[str], line: int, column: int) -> list[Completion]:
    """What can be typed at a position of a text with these `lines`.

    `model` is of this text, or of one that can be read where this one can't: there, line `at` is where this is typed.
    """
    if model.document is None:
        return []
    typed = typed_at(lines, line, column)
    write = partial(_written, lines[line], typed.start, column)
    spot = find_spot(model.document, at, column)
    around = items_of_line(spot, model.lines, at, len(lines[line]) - len(lines[line].lstrip(" ")))
    if typed.variable:
        names = visible(model, spot, around.items).values()
        return [Completion("variable", one.name, one.name, _said(one), typed.start) for one in names]
    if typed.key in _OF_BLOBS:
        in_order = _outputs(model) if typed.key == "outputs" else _blobs(model, spot, around, at)
        blobs: dict[str, str] = {}
        for name, detail in in_order:
            blobs.setdefault(name, detail)
        return [Completion("blob", name, write(name), detail, typed.start) for name, detail in blobs.items()]
    if typed.key == "block":
        return [Completion("block", name, write(name), _parameters(model, name), typed.start) for name in model.blocks]
    if typed.key is None and typed.block in model.blocks:
        return list(_keys_of_use(model, typed, typed.block))
    return []


def _said(variable: Variable) -> str:
    return " ".join(filter(None, (variable.value, f"({variable.what})")))


def _parameters(model: Model, name: str) -> str:
    return ", ".join(f"{key}: {shown(node)}" for key, node in model.blocks[name][1].parameters.items())


def _keys_of_use(model: Model, typed: Typed, block: str) -> Iterator[Completion]:
    for name, default in model.blocks[block][1].parameters.items():
        if name not in typed.given:
            required = type(default) is Scalar and default.value is None
            detail = "required" if required else f"default {shown(default)}"
            yield Completion("parameter", name, f"{written(name)}: ", detail, typed.start)


def _written(line: str, start: int, column: int, name: str) -> str:
    """A name as it has to stand from `start` to `column`: in the quotes that are there, or that it needs."""
    quote = line[start : start + 1]
    if quote not in ("'", '"') or start == column:
        return written(name)
    end = "" if line[column : column + 1] == quote else quote
    return f"{quote}{within(name, quote)}{end}"


# Blobs


def _outputs(model: Model) -> Iterator[tuple[str, str]]:
    """The blobs that deploy can give, the last first; each with its shape there, or in TEST."""
    for name in model.outputs:
        shapes = shapes_of(model, name)
        tested = f"TEST: {shapes['TEST']}" if "TEST" in shapes else ""
        yield _literal(name), shapes.get("deploy", tested)


def _blobs(model: Model, spot: Spot, around: Around, line: int) -> Iterator[tuple[str, str]]:
    """The blobs that a layer on a line can read, the nearest first; each with its shapes."""
    in_block = block_around(spot) is not None
    for items in reversed(around.lists if in_block else around.lists[1:]):
        for earlier in reversed(items.items):
            if type(earlier) is Mapping and earlier.start.line < line:
                yield from ((name, "in this list") for name in _written_tops(model, earlier))
    if in_block:
        yield "$bottom", "the bottom of the use"
        return
    start = around.items[0].node.start if around.items else None
    limit = (line, 0) if start is None else (start.line, start.column)
    for one in reversed(model.instances):
        if one.place < limit:
            yield from ((_literal(name), top_text(model, one, name)) for name in one.tops)


def _literal(name: str) -> str:
    """The name of a blob where a `$` would stand for a variable."""
    return name.replace("$", "$$")


def _written_tops(model: Model, item: Mapping) -> list[str]:
    """The tops of a layer as they are written, but for one that it changes in place."""
    instances = model.items_at(item)
    if "type" not in item.entries or (instances and all(all(one.tops.values()) for one in instances)):
        return []
    return [str(top.value) for top in name_list(item.entries.get("top")) or name_list(item.entries.get("name"))]
