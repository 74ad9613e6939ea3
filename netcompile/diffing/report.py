"""A difference as text for people, and as JSON.

docs/diff.md describes both. Pure functions: nothing here prints or compares.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from netcompile.importing.items import flat_keys
from netcompile.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from netcompile.differ import Difference, FieldEntry, LayerEntry, ShapeEntry
    from netcompile.diffing.fields import FieldChange
    from netcompile.diffing.weights import Mismatch, Weights

_SHOWN_SHAPES: Final = 5  # of one cause
_SHOWN_NAMES: Final = 8
_SHOWN_PROBLEMS: Final = 3
_LONGEST: Final = 60  # characters of a value


def to_text(difference: Difference, model: str | None = None) -> str:
    """Show what differs; one line where nothing does. `model` is the file that the weights are from."""
    lines = [f"{difference.before} -> {difference.after}"]
    if difference.same_net:
        lines = [f"{difference.before} and {difference.after} are the same net"]
    for title, part in (
        ("net", [_change_line(change) for change in difference.header]),
        ("layers", list(_layer_lines(difference))),
        ("parameters and wiring", list(_field_lines(difference))),
        ("shapes", list(_shape_lines(difference))),
        (
            f"weights of {model or 'a model trained before'}",
            list(_weight_lines(difference.weights, told=model is not None)),
        ),
        ("not known", list(_open_lines(difference))),
    ):
        if part:
            lines += ["", title, *(f"  {line}" for line in part)]
    return "\n".join(map(printable, lines)) + "\n"


def _layer_lines(difference: Difference) -> Iterator[str]:
    for what, sign in (("removed", "-"), ("added", "+")):
        for entry in difference.layers:
            if entry.what == what:
                yield f"{sign} '{entry.layer}' ({entry.type}){_in_phases(entry, difference)}"
    for entry in difference.layers:
        if entry.what == "renamed":
            yield f"~ '{entry.old}' is now '{entry.layer}' ({entry.type}){_in_phases(entry, difference)}"


def _field_lines(difference: Difference) -> Iterator[str]:
    """The fields that differ, under their layers."""
    layers: dict[tuple[str, str], list[FieldEntry]] = {}
    for entry in difference.fields:
        layers.setdefault((entry.layer, entry.type), []).append(entry)
    for (name, type_name), entries in layers.items():
        yield f"'{name}' ({type_name})"
        for entry in entries:
            yield f"  {_change_line(entry.change, type_name)}{_in_phases(entry, difference)}"


def _shape_lines(difference: Difference) -> Iterator[str]:
    """The blobs whose shapes differ, under the layers that caused it; with the shapes of the first phase in which."""
    causes: dict[str, dict[str, ShapeEntry]] = {}
    for entry in difference.shapes:
        causes.setdefault(entry.change.cause, {}).setdefault(entry.change.blob, entry)
    for cause, blobs in causes.items():
        yield f"{len(blobs)} {'blob' if len(blobs) == 1 else 'blobs'} because of '{cause}'"
        shown = list(blobs.items())[:_SHOWN_SHAPES]
        width = max(len(name) for name, _ in shown)
        for name, entry in shown:
            phase = f"  [{entry.phases[0]}]" if entry.phases != difference.phases else ""
            yield f"  {name:<{width}}  {_dims(entry.change.before)} -> {_dims(entry.change.after)}{phase}"
        if len(blobs) > len(shown):
            yield f"  and {len(blobs) - len(shown)} more"


def _weight_lines(weights: Weights, *, told: bool) -> Iterator[str]:
    if told:
        yield f"{len(weights.loaded)} {'layer loads' if len(weights.loaded) == 1 else 'layers load'}"
    for one in weights.refused:
        why = ": the same data give other sizes" if _may_agree(one) else ""
        yield f"'{one.layer}' does not load: {_blobs(one.before)} there, {_blobs(one.after)} here{why}"
    for one in weights.unknown:
        yield f"? '{one.layer}': {_blobs(one.before)} there, {_blobs(one.after)} here"
    for names, text in (
        (weights.missing, "not in the model, starting afresh"),
        (weights.unused, "in the model, and not used"),
    ):
        if names:
            more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
            yield f"{', '.join(names[:_SHOWN_NAMES])}{more}: {text}"


def _may_agree(one: Mismatch) -> bool:
    """True where unknown dims alone can be what differs."""
    pairs = zip(one.before or (), one.after or (), strict=False)
    return not any(
        a is not None
        and b is not None
        and (len(a) != len(b) or any(x != y for x, y in zip(a, b, strict=True) if None not in (x, y)))
        for a, b in pairs
    ) and len(one.before or ()) == len(one.after or ())


def _open_lines(difference: Difference) -> Iterator[str]:
    """What the comparison could not look at, and what would help."""
    for name, problems in zip((difference.before, difference.after), difference.problems, strict=True):
        yield from (f"{name}: {text}" for text in problems[:_SHOWN_PROBLEMS])
        if len(problems) > _SHOWN_PROBLEMS:
            yield f"{name}: and {len(problems) - _SHOWN_PROBLEMS} more that Caffe would refuse"
    if difference.open_size:
        yield "whether weights marked ? fit: a size decides that is not known; `top_shapes` in a spec says it"
    entries: list[LayerEntry | FieldEntry] = [*difference.layers, *difference.fields]
    if any("OTHER" in entry.phases for entry in entries):
        yield "shapes and weights in other states: --stage and --level choose one"


def _in_phases(entry: LayerEntry | FieldEntry, difference: Difference) -> str:
    """Where a change is, unless it is in all phases that were compared."""
    if entry.phases == difference.phases:
        return ""
    words = ["other states" if phase == "OTHER" else phase for phase in entry.phases]
    return f"  [{' and '.join(words)}{'' if 'OTHER' in entry.phases else ' only'}]"


def _change_line(change: FieldChange, type_name: str = "") -> str:
    """A change; a field of the type's own message by its flat name."""
    block, _, field = change.field.partition(".")
    path = field if flat_keys(type_name).get(field.partition(".")[0]) == block else change.field
    return f"{path}: {_value(change.before)} -> {_value(change.after)}"


def _value(value: Any) -> str:
    text = _shown(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_shown(one)}' for key, one in value.items())}}}"
    return str(value) or "''"


def _dims(dims: Sequence[int | None]) -> str:
    return "x".join("?" if dim is None else str(dim) for dim in dims) or "scalar"


def _blobs(blobs: Sequence[Sequence[int | None] | None] | None) -> str:
    if blobs is None:
        return "unknown blobs"
    return " + ".join("?" if dims is None else _dims(dims) for dims in blobs) or "no blobs"


def to_json(difference: Difference) -> dict[str, Any]:
    """Make what `diff --format json` writes, ready for `json.dumps`."""
    weights = difference.weights
    return {
        "before": difference.before,
        "after": difference.after,
        "equal": difference.equal,
        "phases": difference.phases,
        "net": [_finite(change._asdict()) for change in difference.header],
        "removed": _layers(difference, "removed"),
        "added": _layers(difference, "added"),
        "renamed": _layers(difference, "renamed"),
        "changed": [_flat(entry) for entry in difference.fields],
        "shapes": [_flat(entry) for entry in difference.shapes],
        "weights": {
            **weights._asdict(),
            "refused": [one._asdict() for one in weights.refused],
            "unknown": [one._asdict() for one in weights.unknown],
        },
        "problems": dict(zip(("before", "after"), map(list, difference.problems), strict=True)),
    }


def _layers(difference: Difference, what: str) -> list[dict[str, Any]]:
    entries = [entry for entry in difference.layers if entry.what == what]
    before = [{"before": entry.old} if what == "renamed" else {} for entry in entries]
    return [
        {"layer": entry.layer, **old, "type": entry.type, "phases": entry.phases}
        for entry, old in zip(entries, before, strict=True)
    ]


def _flat(entry: FieldEntry | ShapeEntry) -> dict[str, Any]:
    change: dict[str, Any] = _finite(entry.change._asdict())
    return {"layer": entry.layer, "type": entry.type, **change, "phases": entry.phases}


def _finite(value: Any) -> Any:
    """A value without what JSON has no number for: that becomes text, such as "inf"."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value
