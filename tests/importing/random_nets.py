"""Random messages for property tests: any fields set, to any values that they hold."""

from google.protobuf.descriptor import FieldDescriptor
from hypothesis import strategies as st

from netcompile.caffe import caffe_pb2
from netcompile.language.fill import is_repeated
from netcompile.layers import LAYER_TYPES

NAMES = (
    "data",
    "label",
    "conv",
    "a/b",
    "x y",
    "",
    "yes",
    "1e3",
    "$x",
    "${y}",
    "#",
    "- a",
    "é",
    "\x07\n",
    "<<",
    "~",
    "12:30",
)
WORDS = st.sampled_from(NAMES) | st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
TYPES = st.sampled_from([*LAYER_TYPES, "Convolution", "ReLU", "Data", "Mine", "", "a$b", "no"])
SCALARS = {
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1) | st.integers(0, 3),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1) | st.integers(0, 3),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1) | st.integers(0, 3),
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(width=32) | st.sampled_from([0.0, 0.1, 1.0, 1e-4, 1e10]),
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(),
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_STRING: WORDS
    | st.sampled_from(['{"a": 1}', "{'a': [1, 2.5]}", '["x", null]', "[]", "{a: 1}"]),
}
# What the upgrade of old formats would change is no business of these tests.
OLD = {"layers", "input"}


@st.composite
def fields(draw, descriptor, most, depth, skip=()):
    """Keyword arguments of a message: at most so many fields, some messages inside to that depth."""
    chosen = draw(
        st.lists(st.sampled_from([f for f in descriptor.fields if f.name not in skip]), max_size=most, unique_by=id)
    )
    return {field.name: draw(values(field, depth)) for field in chosen}


def values(field, depth):
    if field.message_type is not None:
        one = fields(field.message_type, 3 if depth else 0, depth - 1)
    elif field.enum_type is not None:
        one = st.sampled_from([value.name for value in field.enum_type.values])
    else:
        one = SCALARS[field.cpp_type]
    return st.lists(one, min_size=1, max_size=3) if is_repeated(field) else one


LAYER = caffe_pb2.LayerParameter.DESCRIPTOR
WIRES = st.lists(st.sampled_from(NAMES[:6]), max_size=2)
RULES = st.sampled_from(
    [
        {},
        {"include": [{"phase": "TRAIN"}]},
        {"include": [{"phase": "TEST"}]},
        {"exclude": [{"phase": "TEST"}]},
        {"include": [{}]},
    ]
)


@st.composite
def layers(draw):
    """A layer: mostly with a name, a type and what its type reads, sometimes with anything."""
    type_name = draw(TYPES)
    kind = LAYER_TYPES.get(type_name)
    given_fields = {"name": draw(WORDS), "type": type_name, "bottom": draw(WIRES), "top": draw(WIRES), **draw(RULES)}
    for block in kind.messages if kind and draw(st.booleans()) else ():
        given_fields[block] = draw(values(LAYER.fields_by_name[block], 2))
    if draw(st.integers(0, 3)) == 0:
        given_fields.update(draw(fields(LAYER, 3, 2)))
    if draw(st.integers(0, 20)) == 0:
        given_fields.pop("name")
    return caffe_pb2.LayerParameter(**given_fields)


@st.composite
def nets(draw):
    """A net of some layers. A layer may be followed by its like, or by its form in the other phase."""
    net = caffe_pb2.NetParameter(**draw(fields(caffe_pb2.NetParameter.DESCRIPTOR, 2, 2, {*OLD, "layer"})))
    for layer in draw(st.lists(layers(), max_size=5)):
        net.layer.append(layer)
        for phase in draw(st.sampled_from([(), (), ("TRAIN", "TEST"), ("TEST", "TRAIN"), ("", "", "")])):
            other = net.layer.add()
            other.CopyFrom(layer)
            if phase:
                del other.include[:]
                other.include.add(phase=phase)
            other.MergeFrom(
                caffe_pb2.LayerParameter(**draw(fields(LAYER, 1, 1, {"name", "type", "include", "exclude"})))
            )
    return net


@st.composite
def solvers(draw):
    """A solver, without nets inside: those are not upgraded, and may hold what no spec can."""
    descriptor = caffe_pb2.SolverParameter.DESCRIPTOR
    nets_inside = {
        field.name for field in descriptor.fields if field.message_type and field.message_type.name == "NetParameter"
    }
    given_fields = draw(fields(descriptor, 8, 2, {"solver_type", *nets_inside}))
    return caffe_pb2.SolverParameter(net="net.prototxt", **{k: v for k, v in given_fields.items() if k != "net"})
