"""Reading prototxt: the same messages as protobuf's own reader gives, for whatever message type."""

import json

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from netcompile.caffe.caffe_pb2 import LayerParameter, NetParameter, SolverParameter
from netcompile.diagnostics import Report
from netcompile.prototxt import read_prototxt
from netcompile.tree import Source

_SCALARS = {
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(width=32, allow_nan=False),
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(allow_nan=False),
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_STRING: st.text(st.characters(codec="utf-8"), max_size=8),
}


def is_repeated(field):
    repeated = getattr(field, "is_repeated", None)
    return field.label == field.LABEL_REPEATED if repeated is None else repeated


@st.composite
def contents(draw, descriptor, depth=0):
    """The fields of a random message as keyword arguments; required fields are always there."""
    wanted = draw(st.sets(st.sampled_from(sorted(descriptor.fields_by_name)), max_size=5))
    values = {}
    for field in descriptor.fields:
        if field.name not in wanted and not descriptor.full_name.endswith("ClipParameter"):
            continue
        if field.message_type and depth > 2:
            continue
        if field.message_type:
            one = contents(field.message_type, depth + 1)
        elif field.enum_type:
            one = st.sampled_from([value.number for value in field.enum_type.values])
        else:
            one = _SCALARS[field.cpp_type]
        values[field.name] = draw(st.lists(one, min_size=1, max_size=3) if is_repeated(field) else one)
    return values


def read(text, kind):
    report = Report()
    parsed = read_prototxt(Source("in.prototxt", text), kind, report)
    return parsed.message, report


def same(one, other):
    """True where two messages have the same fields with the same bytes: -0 is not 0."""
    return one.SerializeToString(deterministic=True) == other.SerializeToString(deterministic=True)


@given(contents(LayerParameter.DESCRIPTOR))
@settings(max_examples=150, deadline=None)
def test_a_printed_message_reads_back_equal(values):
    layer = LayerParameter(**values)
    texts = (
        str(layer),
        text_format.MessageToString(layer),
        text_format.MessageToString(layer, as_utf8=True, as_one_line=True),
        text_format.MessageToString(layer, pointy_brackets=True, use_short_repeated_primitives=True),
    )
    for text in texts:
        message, report = read(text, LayerParameter)
        assert not list(report)
        assert same(message, layer)


@given(
    st.text(st.sampled_from("{}<>[]:,;#'\"\\\n\t -.0189efxlayer"), max_size=40),
    st.sampled_from(["layer { name: 'a' %s }", "%s", "name: %s", "input_dim: [%s]", "layer { top: '%s' }"]),
)
@settings(max_examples=400, deadline=None)
def test_nonsense_never_raises(text, frame):
    source = Source("in.prototxt", frame % text)
    report, again = Report(), Report()
    parsed = read_prototxt(source, NetParameter, report)
    read_prototxt(source, NetParameter, again)
    assert report.ordered() == again.ordered()
    last = source.place(len(source.text)).line + 1
    assert all(1 <= finding.span.line <= finding.span.end_line <= last for finding in report)
    for index in range(len(parsed.message.layer)):
        assert parsed.positions.find("layer", index, "type").line <= last


def _cases(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("name", "key", "kind"),
    [
        ("cases", "prototxt", NetParameter),
        ("upgrade_cases", "prototxt", NetParameter),
        ("upgrade_cases", "upgraded", NetParameter),
        ("solver_cases", "solver", SolverParameter),
        ("solver_cases", "net", NetParameter),
    ],
)
def test_the_recorded_files(shared, name, key, kind):
    texts = [case for case in _cases(shared / "conformance" / f"{name}.jsonl") if case[key] is not None]
    assert texts
    for case in texts:
        message, report = read(case[key], kind)
        if key in ("prototxt", "solver"):
            assert report.failed == (case["reason"] or "").startswith("prototxt:"), case["id"]
        if not report.failed:
            assert same(message, text_format.Parse(case[key], kind())), case["id"]


def test_the_nets_and_solvers_of_caffe(shared):
    paths = sorted((shared / "corpus").glob("*.prototxt"))
    assert paths
    for path in paths:
        kind = SolverParameter if "solver" in path.name else NetParameter
        text = path.read_text(encoding="utf-8")
        message, report = read(text, kind)
        assert not list(report), path.name
        assert same(message, text_format.Parse(text, kind())), path.name


@pytest.fixture(scope="module")
def fork():
    """A NetParameter of a pool of its own, whose layers have fields and enum values that Caffe does not know."""
    file = descriptor_pb2.FileDescriptorProto(name="fork.proto", package="caffe", syntax="proto2")
    kinds = descriptor_pb2.FieldDescriptorProto
    layer = file.message_type.add(name="LayerParameter")
    enum = layer.enum_type.add(name="Mode")
    enum.value.add(name="SLOW", number=0)
    enum.value.add(name="FAST", number=5)
    repeated, optional = kinds.LABEL_REPEATED, kinds.LABEL_OPTIONAL
    layer.field.add(name="name", number=1, label=optional, type=kinds.TYPE_STRING)
    layer.field.add(name="mode", number=2, label=optional, type=kinds.TYPE_ENUM, type_name=".caffe.LayerParameter.Mode")
    layer.field.add(name="ratio", number=3, label=repeated, type=kinds.TYPE_DOUBLE)
    net = file.message_type.add(name="NetParameter")
    net.field.add(name="layer", number=1, label=repeated, type=kinds.TYPE_MESSAGE, type_name=".caffe.LayerParameter")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))


def test_the_message_type_says_what_is_known(fork):
    message, report = read("layer { name: 'a' mode: FAST ratio: [1e-300, 2] }", fork)
    assert not list(report)
    assert (message.layer[0].mode, list(message.layer[0].ratio)) == (5, [1e-300, 2])
    assert [f.code for f in read("layer { type: 'a' mode: QUICK }", fork)[1]] == ["unknown-field", "unknown-enum-value"]
