"""What a key that is not known was meant to be: a slip, another tool's name, an old field, or a missing colon.

Gives a hint with the user's own values, and a repair. Knows the schema of the mapping, not where the mapping stands.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from netcompile.language.names import Meant, meant_field, other_names
from netcompile.language.wording import number_in, words_of
from netcompile.records import NamedTuple
from netcompile.tree import List, Mapping, Scalar
from netcompile.tree import Place as Point
from netcompile.validation.repair import Drop, Put, Rename
from netcompile.validation.values import advice, flow, message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from netcompile.tree import Node
    from netcompile.validation.repair import Repair

# What the first versions of Caffe, and hasty readers of `param`, write beside a layer's other fields.
_MULTIPLIERS: Final = {"lr_mult": "lr_mult", "blobs_lr": "lr_mult", "decay_mult": "decay_mult",
                       "weight_decay": "decay_mult"}  # fmt: skip
_INPUTS: Final = "a spec has a layer for it: `- {{name: {name}, type: Input, shape: {{dim: [1, 3, 224, 224]}}}}`"
_VALUES: Final = re.compile(r"""[^:{}\[\]]*?(?=\s*(?:,\s*["'\w]+\s*:|[}\]]))""")
_DECIMAL: Final = re.compile(r"(?<=\d), *(?=\d)")
_UNSPACED: Final = re.compile(r"(\w+)(?: *[:=] *| +)(.+)")


class Place(NamedTuple):
    """A mapping with a wrong key: the schema that it is to satisfy, the keys that this knows, all definitions.

    `fits` says whether a value satisfies a schema.
    """

    mapping: Mapping
    schema: dict[str, Any]
    known: Sequence[str]
    definitions: dict[str, Any]
    fits: Callable[[dict[str, Any], Node], bool]

    def leaf(self, key: str) -> dict[str, Any]:
        """The schema of a known key."""
        own = self.schema.get("properties", {}).get(key)
        leaf: dict[str, Any] = own or self.definitions["common"]["properties"].get(key) or {}
        return leaf


def advise(written: Scalar, value: Node, place: Place) -> tuple[str | None, Repair]:
    """The hint on an unknown key, and how the mapping is put right or goes on without it."""
    key = str(written.value)
    unspaced = without_colon(written, value, place.known)
    if unspaced is not None:
        return unspaced
    if stands_alone(written, value):
        field = next((name for name in place.known if key in words_of(place.leaf(name))), None)
        if field is not None:
            return f"write `{field}: {key}`", Drop()
    given = meant_field(key, place.known).word if " " in key else ""
    if given and given in place.mapping.entries:
        return f"`{given}` is given already; a comment begins with #", Drop(lost=False)
    others = [name for name in other_names(key) if name in place.known]
    fitting = [name for name in others if place.fits(place.leaf(name), value)]
    unfit = frozenset(others).difference(fitting) if fitting else ()
    meant = meant_field(key, [name for name in place.known if name not in unfit])
    if not meant.word:
        return meant.hint, Drop()
    # A message that is none is not looked at under a key that is none either.
    leaf = place.leaf(meant.word)
    sound = message_of(leaf, place.definitions) is None or type(value) is Mapping or place.fits(leaf, value)
    if (meant.sure and sound) or meant.word in fitting:
        return meant.hint, Drop() if meant.word in place.mapping.entries else Rename(meant.word)
    return _with_value(meant, value, place), Drop()


def without_colon(written: Scalar, value: Node, known: Collection[str] | None) -> tuple[str, Repair] | None:
    """The hint on a key in which its value stands too, and its repair: `num_output 64`, `type:ReLU`, `pad=1`.

    Only of the keys that are `known`, if these are given.
    """
    found = _UNSPACED.fullmatch(str(written.value))
    if not found or not stands_alone(written, value) or not (known is None or found[1] in known):
        return None
    if written.start.line != written.end.line:  # a key over several lines has lost more than a colon
        return None
    field, text = found.groups()
    number = number_in(text)
    meant = {"true": True, "false": False}.get(text, text.strip("\"'")) if number is None else number
    start = Point(written.end.line, written.end.column - len(text))
    repair = Rename(field, written._replace(value=meant, start=start))
    return f"write `{field}: {text}`, with a colon and a space", repair


def _with_value(meant: Meant, value: Node, place: Place) -> str | None:
    """The hint with the value as the field takes it, where it is a message that the user spared."""
    leaf = place.leaf(meant.word)
    named = message_of(leaf, place.definitions)
    written = advice(value, {"type": ["array"]}, named, meant.word)[0] if named and type(value) is List else None
    return written or meant.hint


def multipliers(mapping: Mapping) -> tuple[list[str], str]:
    """The keys of a layer that are fields of its `param`, and the hint that says so with their values."""
    keys = [key for key in mapping.entries if key in _MULTIPLIERS]
    columns: dict[str, Node] = {_MULTIPLIERS[key]: mapping.entries[key] for key in keys}
    many = any(type(node) is List for node in columns.values())
    rows = zip_longest(*(node.items if type(node) is List else [node] for node in columns.values()))
    entries = [
        ", ".join(f"{name}: {flow(node)}" for name, node in zip(columns, row, strict=True) if node is not None)
        for row in rows
    ]
    shown = ", ".join(f"{{{entry}}}" for entry in entries)
    return keys, f"write `param: {f'[{shown}]' if many else shown}`"


class Unbracketed(NamedTuple):
    """A field with several values and no brackets, which YAML takes for keys: `dim: 1, 3` inside braces."""

    field: str
    keys: Sequence[Any]
    hint: str


def unbracketed(place: Place, unknown: Collection[Any]) -> Iterator[Unbracketed]:
    """The fields whose values ended up as unknown keys of the mapping."""
    keys: dict[str, list[Any]] = {}
    field: str | None = None
    for key, value in place.mapping.entries.items():
        written = place.mapping.keys[key]
        if key not in unknown:
            field = key if key in place.known else None
        elif field is None or not stands_alone(written, value) or without_colon(written, value, place.known):
            field = None
        else:
            keys.setdefault(field, []).append(key)
    for name, values in keys.items():
        hint = _bracketed(name, values, place)
        if hint is not None:
            yield Unbracketed(name, values, hint)


def numbers_of(mapping: Mapping, key: Any) -> tuple[str, Repair] | None:
    """The hint on a number with more of them behind it and no brackets, and the list that was meant; else None."""
    first = mapping.entries.get(key)  # none by a key that is no text
    if type(first) is not Scalar or type(first.value) not in (int, float):
        return None
    found = _VALUES.match(first.source.line(first.start.line + 1), first.start.column)
    numbers = [number_in(text.strip()) for text in found[0].split(",")] if found else []
    if len(numbers) < 2 or None in numbers:  # noqa: PLR2004 - one is no list
        return None
    items: list[Node] = [first._replace(value=number) for number in numbers]
    several = List(items, first.start, first.end, first.source)
    return f"a list stands in brackets: `{key}: {flow(several)}`", Put(several)


def stands_alone(key: Scalar, value: Node | None) -> bool:
    """Whether a key stands in braces without a colon."""
    if type(value) is not Scalar or value.value is not None:
        return False
    end = key.end
    return key.source.line(end.line + 1)[end.column :].lstrip()[:1] in (",", "}")


def _bracketed(field: str, keys: Sequence[Any], place: Place) -> str | None:
    """The hint on a field with several values; None where it takes no such thing."""
    mapping, leaf = place.mapping, place.leaf(field)
    first = mapping.entries[field]
    line = first.source.line(first.start.line + 1)
    found = _VALUES.match(line, first.start.column)
    text = found[0].strip() if found else ", ".join([flow(first), *map(str, keys)])
    bare = text.strip("() ")
    several = List([mapping.keys[key] for key in keys], first.start, first.end, first.source)
    if leaf and (bare != text or place.fits(leaf, several)):
        return f"a list stands in brackets: `{field}: [{bare}]`"
    return f"write a point for the comma: `{field}: {_DECIMAL.sub('.', text)}`" if _DECIMAL.search(text) else None


def of_document(key: str, value: Node) -> str | None:
    """What to write for a key of a net that a spec does not have."""
    if key != "input":
        return None
    first = value.items[0] if type(value) is List and value.items else value
    return _INPUTS.format(name=flow(first) if type(first) is Scalar and first.value is not None else "data")
