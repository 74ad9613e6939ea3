"""Notes on wires stand at the very top or bottom that they mean, not at the first of the layer."""

import pytest

from netcompile.checked_states import build_phases
from netcompile.diagnostics import Report
from netcompile.net_files import read_net
from netcompile.tree import Source

TWO = 'layer { name: "two" type: "DummyData" dummy_data_param { shape { dim: 2 } } %s\n  top: "a"\n  top: "b"\n}\n'
READER = 'layer { name: "sum" type: "Eltwise" bottom: "x" bottom: "b" top: "sum" }\n'
X = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } }\n'
IN_PLACE = 'layer { name: "relu" type: "ReLU" bottom: "b" top: "b" }\n'


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (TWO % "include { phase: TRAIN }" + X + READER, 3, "does not exist in TEST"),
        (X + READER + TWO % "", 5, "is defined later"),
        (TWO % "" + X + READER + IN_PLACE, 6, "reads it"),
    ],
)
def test_place_of_a_note(text: str, line: int, said: str) -> None:
    net = read_net(Source("net.prototxt", text), Report())
    assert net is not None
    notes = [note for built in build_phases(net).values() for found in built.findings for note in found.notes]
    (note, *_) = [note for note in notes if said in note.message]
    assert note.span is not None
    assert note.span.line == line
    shown = note.span.source.line(line)[note.span.column - 1 : note.span.end_column - 1]
    assert shown == '"b"'
