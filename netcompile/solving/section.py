"""The `solver:` section of a spec -> SolverParameter. Its keys are the fields of the message, but for two.

`test_set: N` stands for `test_iter`: as many batches of the TEST net as cover N items once. Where there are several
test nets it is a list, with a figure for each in its own `test_state`. The batch size must be known; else `test_iter`
has to be written. `net` is the path of the emitted net, unless the section names or holds a net to train itself.

Knows neither what a solver's fields must satisfy nor how shapes are inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.caffe.caffe_pb2 import SolverParameter
from netcompile.language.fill import values
from netcompile.layers import LAYER_TYPES
from netcompile.layers._layer import own_message
from netcompile.tree import List, Mapping, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from netcompile.diagnostics import Note, Report
    from netcompile.ir import Graph, GraphLayer
    from netcompile.tree import Node, Span

_TRAIN_NETS: Final = ("net", "net_param", "train_net", "train_net_param")
_HELD: Final = ("net_param", "train_net_param", "test_net_param")


class SectionOrigin:
    """Where the fields of a solver section are written. What isn't written falls to what encloses it.

    `whole` is the place that stands for the section itself, such as that of its key.
    """

    __slots__ = ("_section", "_whole")
    in_spec: Final = True

    def __init__(self, section: Mapping, whole: Span) -> None:
        self._section = section
        self._whole = whole

    def span(self, at: str) -> Span:
        """Give the place of the value at a path, or of the longest part of it that is written."""
        node: Node = self._section
        for part in at.replace(":", ".").split(".") if at else ():
            inner = _step(node, part)
            if inner is None:
                break
            node = inner
        return self._whole if node is self._section else node.span

    key_span = span

    def notes(self, at: str) -> Sequence[Note]:
        """Give no chain: a solver section is written once."""
        del at
        return ()


def _step(node: Node, part: str) -> Node | None:
    """One step down a path; a single value stands for the list of it."""
    if type(node) is Mapping:
        return node if part == "0" else node.entries.get(part)
    if type(node) is List:
        return node.items[int(part)] if part.isdigit() and int(part) < len(node.items) else None
    return node if part == "0" else None


def fill_solver(section: Mapping, report: Report, message_type: Any = SolverParameter) -> SolverParameter:
    """Fill the message from a validated section; a value that its field can't hold is reported and left out.

    `message_type` is the SolverParameter of Caffe or of a fork.
    """
    filled = values(section, message_type.DESCRIPTOR)
    try:
        solver: SolverParameter = message_type(**filled)
    except (TypeError, ValueError):
        solver = _fill_by_fields(section, filled, report, message_type)
    return solver


def _fill_by_fields(section: Mapping, filled: dict[str, object], report: Report, message_type: Any) -> SolverParameter:
    solver: SolverParameter = message_type()
    for name, value in filled.items():
        try:
            solver.MergeFrom(message_type(**{name: value}))
        except (TypeError, ValueError) as error:  # noqa: PERF203 - the slow path of the refused
            report.add("out-of-range", section.entries[name].span, f"{name} can't hold its value: {error}")
    return solver


def lost_keys(section: Mapping, written: Node | None, report: Report) -> set[str]:
    """The keys of a section that are lost to an error: left out since it was `written`, or with an error inside."""
    was = written.entries if type(written) is Mapping else {}
    lost = {str(key) for key, node in was.items() if key not in section.entries and not _is_null(node)}
    spans = [d.span for d in report if d.severity == "error" and d.span is not None]
    starts = [(span.line - 1, span.column - 1) for span in spans if span.source is section.source]
    for key, node in section.entries.items():
        first, last = section.keys[key].start, node.end
        if any((first.line, first.column) <= start <= (last.line, last.column) for start in starts):
            lost.add(str(key))
    return lost


def _is_null(node: Node) -> bool:
    return type(node) is Scalar and node.value is None


def names_net(section: Mapping) -> bool:
    """Tell whether a section says itself which net is trained."""
    return not section.entries.keys().isdisjoint(_TRAIN_NETS)


def derive_tests(
    solver: SolverParameter, section: Mapping, graph_of: Callable[[int], Graph | None], report: Report
) -> bool:
    """Fill in `test_iter` from `test_set`; `graph_of` gives the graph of a test net, None where it is refused.

    False where that can't be done, so that `test_iter` is no longer what was meant.
    """
    node = section.entries.get("test_set")
    if node is None or _is_null(node):
        return True
    if solver.test_iter:
        report.add("conflicting-fields", section.keys["test_set"].span, "test_set and test_iter are both given")
        return False
    if not section.entries.keys().isdisjoint(_HELD):
        text = "test_set needs the batch size of the TEST net, but the solver holds a net of its own"
        report.add("unknown-batch", node.span, text, hint="write `test_iter`, the number of batches")
        return False
    counts = [_count(size, graph_of(i), report) for i, size in enumerate(_sizes(node))]
    # One entry for each test net in any case, so that the net is built and says itself what is wrong with it.
    solver.test_iter.extend(1 if count is None else count for count in counts)
    return None not in counts


def _sizes(node: Node) -> Iterable[Node]:
    return node.items if type(node) is List else (node,)


def _count(node: Node, graph: Graph | None, report: Report) -> int | None:
    size = node.value if type(node) is Scalar else None
    if not isinstance(size, int | float) or size < 1 or size != int(size):
        report.add("bad-value", node.span, "test_set is the number of items in the test set, at least 1")
        return None
    if graph is None:
        return None
    batch = batch_of(graph)
    if batch is None:
        text = "test_set needs the batch size of the TEST net, which its data layers do not tell alike"
        report.add("unknown-batch", node.span, text, hint="write `test_iter`, the number of batches")
        return None
    return batches_covering(int(size), batch)


def batches_covering(test_set: int, batch: int) -> int:
    """Count the batches of `batch` items that cover a test set of `test_set` items; the last may begin it anew."""
    return -(-test_set // batch)


def batch_of(graph: Graph) -> int | None:
    """Find the batch size on which the data layers of a net agree; None where they don't, or where it is not known."""
    sources = [one for one in graph.layers if not one.layer.message.bottom and one.layer.message.type != "Parameter"]
    batches = {_batch(one) for one in sources}
    return batches.pop() if len(batches) == 1 else None


def _batch(one: GraphLayer) -> int | None:
    message = one.layer.message
    kind = LAYER_TYPES.get(message.type)
    for field in own_message(message.type) if kind is not None and kind.data else ():
        size = getattr(getattr(message, field), "batch_size", 0)
        if size:
            return int(size)
    shape = one.tops[0] if one.tops else None
    return shape[0] if shape and isinstance(shape[0], int) and shape[0] > 0 else None
