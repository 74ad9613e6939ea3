"""What the compiled specs and the wrong ones don't show: notes and chains of uses, values from outside, the API."""

import io

import pytest

import netcompile

DATA = "  - {name: data, type: Input, shape: {dim: [1, 3, 8, 8]}}\n"


def compiled(text, **options):
    return netcompile.compile(io.StringIO(text), **options)


def errors(text, **options):
    """The errors of a spec."""
    with pytest.raises(netcompile.CompileError) as caught:
        compiled(text, **options)
    return [one for one in caught.value.diagnostics if one.severity == "error"]


def place(span):
    return span.line, span.column


def notes(finding):
    return [(note.message, *place(note.span)) for note in finding.notes]


def names(text, **options):
    return [layer.name for layer in compiled(text, **options).net.layer]


# Where a wrong value is written, and how it came there

NESTED = (
    "blocks:\n"
    "  conv:\n"
    "    params: {n: ~, out: ~}\n"
    "    layers: [{name: c$n, type: Convolution, num_output: $out, kernel_size: 1, bottom: data}]\n"
    "  pair:\n"
    "    params: {n: ~, out: ~}\n"
    "    layers: [{block: conv, n: $n, out: $out}]\n"
    "layers:\n" + DATA + "  - repeat: {i: [1, 2]}\n"
    "    layers: [{block: pair, n: $i, out: many}]\n"
)


def test_a_wrong_argument_is_shown_with_the_chain_of_uses():
    (found,) = errors(NESTED)
    assert place(found.span) == (11, 40)
    assert notes(found) == [
        ("used for layer 'c1' here", 4, 57),
        ("in block 'conv', used here", 7, 22),
        ("in block 'pair', used here", 11, 22),
        ("in the repetition with i = 1", 10, 5),
    ]


def test_a_wrong_variable_is_shown_once_and_where_it_is_first_used():
    (found,) = errors(
        "vars: {width: wide}\nlayers:\n" + DATA + "  - {name: a, type: InnerProduct, num_output: $width}\n"
        "  - {name: b, type: InnerProduct, num_output: $width}\n"
    )
    assert place(found.span) == (1, 15)
    assert notes(found) == [("used for layer 'a' here", 4, 47)]


def test_a_wrong_default_is_shown_with_a_layer_that_has_it():
    (found, *_) = errors("defaults:\n  Pooling: {kernel_size: 9}\nlayers:\n" + DATA + "  - {name: a, type: Pooling}\n")
    assert place(found.span) == (2, 26)
    assert notes(found)[0] == ("used for layer 'a' here", 5, 12)


@pytest.mark.parametrize(
    ("key", "note"),
    [
        ("force_backward: $x\n", ("used here", 4, 17)),
        ("deploy: {batch: $x, outputs: data}\n", ("used in `deploy` here", 4, 17)),
        ("solver: {base_lr: $x, lr_policy: fixed, max_iter: 1}\n", ("used in `solver` here", 4, 19)),
    ],
)
def test_wrong_values_of_sections(key, note):
    (found,) = errors("vars: {x: wrong}\nlayers:\n" + DATA + key)
    assert (found.code, *place(found.span)) == ("wrong-kind", 1, 11)
    assert notes(found) == [note]


def test_what_a_block_gets_wrong_is_shown_once():
    text = (
        "blocks:\n  b:\n    params: {n: ~}\n    layers: [{name: p$n, type: Pooling, kernel_size: 9, bottom: none$n}]\n"
        "layers:\n" + DATA + "".join(f"  - {{block: b, n: {i}}}\n" for i in range(50))
    )
    (found,) = errors(text)
    assert found.message == "Pooling 'p0': bottom 'none0' is not a top of any layer before it in TRAIN"
    assert notes(found) == [("in block 'b', used here", 7, 13)]


# Variables from outside

WIDTHS = "vars: {width: 2, double: '${2 * width}', need: 1}\nlayers:\n" + DATA + "  - {name: r$double, type: ReLU}\n"


def test_a_value_from_outside_reaches_what_is_worked_out_from_it():
    assert names(WIDTHS)[-1] == "r4"
    assert names(WIDTHS, variables={"width": 5})[-1] == "r10"
    assert names(WIDTHS, variables={"double": 7})[-1] == "r7"


def test_a_value_from_outside_is_taken_as_it_is():
    assert names(WIDTHS, variables={"double": "$width"})[-1] == "r$width"


def test_a_required_variable():
    text = WIDTHS.replace("need: 1", "need: ~")
    (found,) = errors(text)
    assert (found.code, found.hint) == ("missing-variable", "set it: --set need=VALUE")
    assert errors(text, variables={"need": None})[0].code == "missing-variable"
    assert names(text, variables={"need": 0})[-1] == "r4"


def test_what_is_set_must_be_declared():
    (found,) = errors(WIDTHS, variables={"widht": 3})
    assert (found.code, found.hint) == ("undeclared-variable", "did you mean 'width'?")


def test_lists_and_mappings_from_outside():
    text = (
        "vars: {filler: xavier}\nlayers:\n"
        + DATA
        + ("  - {name: a, type: InnerProduct, num_output: 1, weight_filler: $filler}\n")
    )
    layer = compiled(text, variables={"filler": {"type": "gaussian", "std": 0.5}}).net.layer[1]
    assert (layer.inner_product_param.weight_filler.type, layer.inner_product_param.weight_filler.std) == (
        "gaussian",
        0.5,
    )


def test_a_spec_is_not_changed_and_compiles_to_the_same_again():
    document = {"layers": [{"name": "data", "type": "Input", "shape": {"dim": [1]}}, {"name": "r", "type": "ReLU"}]}
    before = repr(document)
    assert netcompile.compile(document).prototxt() == netcompile.compile(document).prototxt()
    assert repr(document) == before
