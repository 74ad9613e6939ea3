"""Each golden/NAME.prototxt is imported as NAME.yaml, with NAME.solver.prototxt and NAME.deploy.prototxt if there are.

Write a new case as prototxt, run `pytest tests/importing --write-golden`, then read what it wrote.
"""

import io
from pathlib import Path

import pytest

import netcompile

FOLDER = Path(__file__).parent / "golden"
NETS = sorted(path for path in FOLDER.glob("*.prototxt") if path.stem.count(".") == 0)


def beside(net, kind):
    path = net.with_suffix(f".{kind}.prototxt")
    return path.read_text(encoding="utf-8") if path.exists() else None


@pytest.mark.parametrize("net", NETS, ids=lambda path: path.stem)
def test_golden(net, request):
    text = net.read_text(encoding="utf-8")
    spec = netcompile.import_net(text, beside(net, "solver"), beside(net, "deploy"))
    wanted = net.with_suffix(".yaml")
    if request.config.getoption("--write-golden"):
        wanted.write_text(spec, encoding="utf-8")
    assert spec == wanted.read_text(encoding="utf-8")
    compiled = netcompile.compile(io.StringIO(spec), check=False)
    assert compiled.net == netcompile.upgrade(text)


def test_every_spec_has_its_net():
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {net.stem for net in NETS}
    assert len(NETS) > 7
