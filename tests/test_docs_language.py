"""Every example of docs/language.md compiles, and gives what the page shows.

A block `yaml` is a whole spec, `yaml library` a file under the name in its first line. `prototxt` after it shows
layers of its net, `prototxt deploy` and `prototxt solver` what those have.
"""

import re
from pathlib import Path

import pytest
from google.protobuf import text_format

import netcompile
from netcompile import caffe_pb2

PAGE = Path(__file__).parents[1] / "docs" / "language.md"
BLOCKS = re.findall(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def examples():
    """The specs of the page in order, each with the libraries before it and with what is shown of it."""
    libraries, found = {}, []
    for language, kind, text in BLOCKS:
        if language == "yaml" and kind == "library":
            libraries[text.split("\n", 1)[0].removeprefix("# ")] = text
        elif language == "yaml":
            found.append((text, dict(libraries), []))
        else:
            found[-1][2].append((kind, text))
    return found


EXAMPLES = examples()


@pytest.mark.parametrize("example", EXAMPLES, ids=[str(number) for number in range(1, len(EXAMPLES) + 1)])
def test_example(example, tmp_path):
    text, libraries, shown = example
    for name, library in libraries.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(library, encoding="utf-8")
    spec = tmp_path / "spec.yaml"
    spec.write_text(text, encoding="utf-8")
    compiled = netcompile.compile(spec, root=tmp_path)
    for kind, wanted in shown:
        if kind == "solver":
            part = text_format.Parse(wanted, caffe_pb2.SolverParameter())
            assert part.ListFields()
            for field, value in part.ListFields():
                assert getattr(compiled.solver, field.name) == value
            continue
        net = compiled.deploy if kind == "deploy" else compiled.net
        layers = list(text_format.Parse(wanted, caffe_pb2.NetParameter()).layer)
        assert layers
        if kind == "deploy":
            assert list(net.layer) == layers
        for layer in layers:
            assert layer in list(net.layer), f"{layer}\nis not in\n{net}"


def test_the_page_is_read():
    assert len(EXAMPLES) > 8
    assert all(language in ("yaml", "prototxt") for language, _, _ in BLOCKS)
