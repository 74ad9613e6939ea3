"""What holds of every net, tried on random ones: an answer or a CompileError, the same each time, for each phase alone.

The nets have layers of every type, with random parameters, wired to what is there, more or less. Caffe would build a
good part of them, so that both verdicts and the ways between them come up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from google.protobuf.descriptor import FieldDescriptor as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import netcompile
from netcompile.caffe import caffe_pb2
from netcompile.diagnostics import Report
from netcompile.infer import infer
from netcompile.ir import Layer, Net, given_fields
from netcompile.language.fill import is_repeated
from netcompile.layers import LAYER_TYPES
from netcompile.states import State, includes

if TYPE_CHECKING:
    from netcompile.layers import LayerType

FILLERS = ("constant", "xavier", "gaussian", "bilinear", "nothing")
SHAPES = ([2, 3, 6, 6], [2, 3, 6, 6], [4, 3], [4], [5, 2, 3])
DIMS = st.sampled_from([1, 1, 2, 3, 4, 6, 8, 9, 0, 70000, -1])
# Without these a type is refused, whatever else it has.
NEEDED = {
    "Convolution": {"convolution_param": {"num_output": 2, "kernel_size": [1]}},
    "Deconvolution": {"convolution_param": {"num_output": 2, "kernel_size": [2]}},
    "DummyData": {"dummy_data_param": {"shape": [{"dim": [2, 3]}]}},
    "Embed": {"embed_param": {"num_output": 4, "input_dim": 5}},
    "Im2col": {"convolution_param": {"kernel_size": [2]}},
    "InnerProduct": {"inner_product_param": {"num_output": 4}},
    "LSTM": {"recurrent_param": {"num_output": 4, "weight_filler": {"type": "xavier"}}},
    "Pooling": {"pooling_param": {"kernel_size": 2}},
    "RNN": {"recurrent_param": {"num_output": 4, "weight_filler": {"type": "xavier"}}},
    "SPP": {"spp_param": {"pyramid_height": 2}},
    "Tile": {"tile_param": {"tiles": 2}},
}
SMALL = st.sampled_from([1, 1, 1, 2, 2, 3, 4, 0, 5, 40, 2**31 - 1])
SIGNED = st.sampled_from([1, 1, 2, 0, 3, -1, -2, -7, 2**31 - 1])
REALS = st.sampled_from([1.0, 0.5, 2.0, 0.0, -1.0, 1e30])


def seldom(times: int) -> st.SearchStrategy[bool]:
    """True about once in so many times."""
    return st.sampled_from([False] * (times - 1) + [True])


@st.composite
def nets(draw: st.DrawFn) -> caffe_pb2.NetParameter:
    """A net of 1 to 6 layers behind one or two inputs."""
    net = caffe_pb2.NetParameter(name="random")
    blobs: list[str] = []
    for name in draw(st.sampled_from([("x",), ("x", "y")])):
        dims = draw(st.lists(DIMS, max_size=5) if draw(seldom(5)) else st.sampled_from(SHAPES))
        net.layer.add(name=name, type="Input", top=[name], input_param={"shape": [{"dim": dims}]})
        blobs.append(name)
    for index in range(draw(st.integers(1, 6))):
        layer = draw(layers(f"l{index}", tuple(blobs)))
        net.layer.append(layer)
        blobs += [top for top in layer.top if top not in blobs]
    return net


@st.composite
def layers(draw: st.DrawFn, name: str, blobs: tuple[str, ...]) -> caffe_pb2.LayerParameter:
    """A layer that reads some of the blobs, and may be for one phase only."""
    kind = LAYER_TYPES[draw(st.sampled_from(sorted(LAYER_TYPES)))]
    layer = caffe_pb2.LayerParameter(name=draw(st.just(name) | st.sampled_from(["", "x"])), type=kind.name)
    for block in kind.messages:
        if draw(seldom(3)):
            fill(draw, getattr(layer, block), given=6)
    if not draw(seldom(12)):
        layer.MergeFrom(caffe_pb2.LayerParameter(**NEEDED.get(kind.name, {})))
    layer.bottom.extend(draw(wires(kind, layer, blobs)))
    layer.top.extend(draw(tops(kind, layer, name)))
    if draw(seldom(11)):
        layer.include.add(phase=draw(st.sampled_from([caffe_pb2.TRAIN, caffe_pb2.TEST])))
    if draw(seldom(15)):
        layer.loss_weight.extend(draw(st.lists(REALS, max_size=2)))
    if draw(seldom(15)):
        layer.propagate_down.extend(draw(st.lists(st.booleans(), max_size=2)))
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2, 3]))):
        fill(draw, layer.param.add(), given=2)
    return layer


@st.composite
def wires(draw: st.DrawFn, kind: LayerType, layer: caffe_pb2.LayerParameter, blobs: tuple[str, ...]) -> list[str]:
    """As many bottoms as the type takes, or about as many; now and then one that is not there."""
    arity = kind.bottoms_of(layer)
    least = arity.least + draw(st.sampled_from([0] * 12 + [1, -1]))
    return [draw(st.sampled_from(blobs)) if not draw(seldom(60)) else "nowhere" for _ in range(max(least, 0))]


@st.composite
def tops(draw: st.DrawFn, kind: LayerType, layer: caffe_pb2.LayerParameter, name: str) -> list[str]:
    """As many tops as the type makes, or about as many; the first may be in place."""
    count = max(kind.tops_of(layer).least + draw(st.sampled_from([0] * 12 + [1, -1])), 0)
    made = [f"{name}_{i}" for i in range(count)]
    if made and layer.bottom and not draw(st.integers(0, 5)):
        made[0] = layer.bottom[0]
    return made


def fill(draw: st.DrawFn, message: Any, *, given: int) -> None:
    """Give some of the fields of a message; on average one in `given`."""
    for field in message.DESCRIPTOR.fields:
        if not draw(seldom(given)):
            continue
        if field.cpp_type == F.CPPTYPE_MESSAGE:
            inner = getattr(message, field.name)
            for one in [inner.add() for _ in range(draw(st.integers(0, 2)))] if is_repeated(field) else [inner]:
                one.SetInParent()
                fill(draw, one, given=2)
        elif is_repeated(field):
            getattr(message, field.name).extend(draw(st.lists(values(field), max_size=3)))
        else:
            setattr(message, field.name, draw(values(field)))


def values(field: Any) -> st.SearchStrategy[Any]:
    """Values that a field takes, small ones above all."""
    if field.cpp_type == F.CPPTYPE_ENUM:
        return st.sampled_from([value.number for value in field.enum_type.values])
    if field.cpp_type == F.CPPTYPE_STRING:
        return st.sampled_from(FILLERS if field.containing_type.name == "FillerParameter" else ("a", "b", ""))
    if field.cpp_type == F.CPPTYPE_BOOL:
        return st.booleans()
    if field.cpp_type in (F.CPPTYPE_FLOAT, F.CPPTYPE_DOUBLE):
        return REALS
    return SMALL if field.cpp_type in (F.CPPTYPE_UINT32, F.CPPTYPE_UINT64) else SIGNED


# What holds

Answer: TypeAlias = "tuple[bool, Any, Any]"

often = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def answer(net: caffe_pb2.NetParameter | str, phase: str = "TRAIN") -> Answer:
    """The shapes of a net, or what is wrong with it."""
    try:
        graph = netcompile.analyze(net, phase=phase)
    except netcompile.CompileError as error:
        return False, [(found.code, found.message, found.hint) for found in error.diagnostics], None
    return True, dict(graph.blobs), dict(graph.params)


@often
@given(nets())
def test_a_net_has_shapes_or_errors_and_stays_as_it_is(net: caffe_pb2.NetParameter) -> None:
    before = net.SerializePartialToString()
    for phase in ("TRAIN", "TEST"):
        accepted, found, _ = answer(net, phase)
        assert accepted or found
    assert net.SerializePartialToString() == before


@often
@given(nets())
def test_a_net_has_the_same_answer_each_time_and_as_text(net: caffe_pb2.NetParameter) -> None:
    first = answer(net)
    assert answer(net) == first
    text = answer(str(net))
    assert text[0] == first[0] or not net.IsInitialized()
    if first[0]:
        assert text == first


@often
@given(nets())
def test_the_phases_are_independent(net: caffe_pb2.NetParameter) -> None:
    """Neither the order of the phases matters, nor what was derived for the other, nor the layers of the other."""
    train, test = answer(net), answer(net, "TEST")
    assert (answer(net, "TEST"), answer(net)) == (test, train)
    shared: dict[Any, Any] = {}
    whole = Net(net, [Layer(layer, given_fields(layer)) for layer in net.layer])
    for phase, alone in (("TEST", test), ("TRAIN", train)):
        report = Report()
        graph = infer(whole, State(phase), report, known=shared)
        assert (not report.failed, dict(graph.blobs)) == (alone[0], alone[1]) if alone[0] else report.failed
        if any(layer.include and layer.exclude for layer in net.layer):
            continue
        filtered = caffe_pb2.NetParameter(layer=[layer for layer in net.layer if includes(layer, State(phase))])
        assert answer(filtered, phase)[0] == alone[0]


@often
@given(nets())
def test_blobs_of_an_accepted_net_are_blobs(net: caffe_pb2.NetParameter) -> None:
    accepted, blobs, params = answer(net)
    if not accepted:
        return
    assert set(blobs) == {top for layer in net.layer if includes(layer, State("TRAIN")) for top in layer.top}
    for dims in [*blobs.values(), *(dims for shapes in params.values() for dims in shapes)]:
        assert dims is None or all(dim is None or dim >= 0 for dim in dims)
        assert dims is None or len(dims) <= 32


def test_both_verdicts_come_up() -> None:
    verdicts = {True: 0, False: 0}

    @settings(max_examples=200, database=None, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(nets())
    def count(net: caffe_pb2.NetParameter) -> None:
        verdicts[answer(net)[0]] += 1

    count()
    assert min(verdicts.values()) >= 20
