"""Findings on unsaved texts, each at a place in the text."""

import pytest

from netcompile.compiler import Settings
from netcompile.load import read_source
from netcompile.lsp.checker import Checker, FaultError
from netcompile.lsp.findings import findings, message_of
from netcompile.tree import Source

DATA = "  - {name: data, type: Input, shape: {dim: [1, 3, 8, 8]}}\n"
SPEC = f"layers:\n{DATA}"


@pytest.fixture
def found(tmp_path):
    def finding(text, name="net.yaml", **others):
        for other, content in others.items():
            (tmp_path / other.replace("_", ".")).write_text(content, encoding="utf-8")
        source = Source(str(tmp_path / name), text)
        return [(one.diagnostic.code, one.span.line, one.span.column) for one in findings(source, Settings())]

    return finding


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (SPEC, []),
        (f"{SPEC}  - {{name: a, type: Flatten, axis: 9}}\n", [("axis-range", 3, 36)]),
        (f"{SPEC}  - {{name: a, type: Sofmax}}\n", [("unknown-type", 3, 21)]),
        (f"{SPEC}  - {{name: a, type: ReLU, bottom: dat}}\n", [("unknown-bottom", 3, 35)]),
        (f"{SPEC}  - {{name: a, type: ReLU\n", [("syntax", 4, 1)]),
        # a library is checked as one, and other programs' YAML not at all
        ("vars: {a: 1}\nblocks: {b: {layer: []}}\n", ["unknown-field"]),
        ("services: {web: {image: nginx}}\n", []),
        ("services: {web: [\n", []),
        ("- 1\n- 2\n", []),
        # even where it can't be read, a text is a spec that says so
        ("# yaml-language-server: $schema=../schemas/netcompile.schema.json\nblocks: [\n", [("syntax", 3, 1)]),
    ],
)
def test_specs(found, text, codes):
    assert [one if codes and type(codes[0]) is tuple else one[0] for one in found(text)] == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ('layer { name: "a" type: "Input" top: "a" input_param { shape { dim: 1 } } }', []),
        ('layer {\n  name: "a"\n  type: "Imput"\n  top: "a"\n}', [("unknown-type", 3, 9)]),
        ('layer {\n  name: "a"\n  type: "ReLU"\n  bottom: "b"\n  top: "a"\n}', ["unknown-bottom"]),
        ('net: "n.prototxt"\nbase_lr: 1\nmax_iter: 1\nlr_polcy: "fixed"\n', ["unread-net", "unknown-field"]),
        ("layer {", ["syntax"]),
    ],
)
def test_prototxt(found, text, codes):
    result = found(text, "net.prototxt")
    assert [one if codes and type(codes[0]) is tuple else one[0] for one in result] == codes


def test_a_solver_is_checked_with_the_net_beside_it(found):
    net = 'layer {\n  name: "a"\n  type: "Imput"\n  top: "a"\n}'
    solver = 'net: "net.prototxt"\nbase_lr: 0.1\nlr_policy: "fixed"\nmax_iter: 1\n'
    assert ("unknown-type", 1, 1) in found(solver, "solver.prototxt", net_prototxt=net, solver_prototxt=solver)


LIBRARY = "blocks:\n  b:\n    layers:\n      - {name: p, type: Flatten, axis: 9}\n"
USER = f"name: user\nimports: [lib.yaml]\n{SPEC}"


def test_what_is_wrong_in_a_library_stands_where_it_is_used(tmp_path):
    (tmp_path / "lib.yaml").write_text(LIBRARY, encoding="utf-8")
    source = Source(str(tmp_path / "net.yaml"), f"{USER}  - {{block: b}}\n")
    (one,) = findings(source, Settings())
    assert (one.diagnostic.code, one.span.line, one.span.column) == ("axis-range", 5, 13)
    assert (one.related[0][1].source.name, one.related[0][1].line) == (str(tmp_path / "lib.yaml"), 4)


def test_what_is_wrong_with_a_library_stands_where_it_is_imported(found):
    assert found(USER, lib_yaml="blocks: {b: {}}\n") == [("missing-field", 2, 1)]


def test_the_message_has_the_hint(tmp_path):
    (one,) = findings(Source(str(tmp_path / "net.yaml"), f"{SPEC}  - {{name: a, type: Sofmax}}\n"), Settings())
    assert message_of(one.diagnostic).splitlines()[-1] == "hint: did you mean 'Softmax'?"


# In a process of its own


@pytest.fixture
def checker():
    running = Checker()
    yield running
    running.stop()


def test_a_process_finds_the_same(checker, tmp_path):
    texts = [SPEC, f"{SPEC}  - {{name: a, type: Sofmax}}\n"]
    for text in texts:
        source = Source(str(tmp_path / "net.yaml"), text)
        here, there = findings(source, Settings()), checker.findings(source, Settings())
        assert [(one.diagnostic.code, one.span[1:]) for one in here] == [
            (one.diagnostic.code, one.span[1:]) for one in there
        ]


def test_a_process_that_dies_is_replaced(checker):
    source = Source("net.yaml", SPEC)
    assert checker.findings(source, Settings()) == []
    checker._running[1].kill()  # noqa: SLF001 - as the machine would
    with pytest.raises(FaultError, match="ended the process"):
        checker.findings(source, Settings())
    assert checker.findings(source, Settings()) == []


def test_a_fault_of_ours_is_told(checker):
    with pytest.raises(FaultError, match="Traceback"):
        checker.findings(Source("net.yaml", SPEC), None)
    assert checker.findings(Source("net.yaml", SPEC), Settings()) == []


def test_a_process_that_is_stopped_is_gone(checker):
    checker.findings(Source("net.yaml", SPEC), Settings())
    process = checker._running[1]  # noqa: SLF001 - what must not be left behind
    checker.stop()
    process.join(10)
    assert not process.is_alive()


def test_the_zoo_is_found_sound():
    for name in ("specs/srcnn.yaml", "specs/resnet_18.yaml", "specs/blocks/resnet.yaml"):
        errors = [one for one in findings(read_source(name), Settings()) if one.diagnostic.severity == "error"]
        assert errors == []
