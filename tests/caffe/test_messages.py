"""The message classes behave as those of a module that protoc generates."""

import copy
import pickle
from collections.abc import Callable
from typing import TypeVar

import pytest
from google.protobuf import text_format

from netcompile.caffe import caffe_pb2

Copied = TypeVar("Copied")


def convolution() -> caffe_pb2.LayerParameter:
    return caffe_pb2.LayerParameter(
        name="conv",
        include=[{"phase": "TRAIN"}],
        convolution_param={"kernel_size": [3], "weight_filler": {"type": "xavier", "variance_norm": "FAN_OUT"}},
    )


def test_top_level_names() -> None:
    file = caffe_pb2.DESCRIPTOR
    for name, descriptor in file.message_types_by_name.items():
        assert getattr(caffe_pb2, name).DESCRIPTOR is descriptor
    assert caffe_pb2.Phase.items() == [("TRAIN", caffe_pb2.TRAIN), ("TEST", caffe_pb2.TEST)]


def test_enums_inside_messages() -> None:
    assert caffe_pb2.PoolingParameter.PoolMethod.Value("AVE") == caffe_pb2.PoolingParameter.AVE == 1
    assert caffe_pb2.SolverParameter.SolverMode.Name(caffe_pb2.SolverParameter.GPU) == "GPU"


def test_nested_mappings_build_a_message() -> None:
    layer = convolution()
    assert layer.include[0].phase == caffe_pb2.TRAIN
    assert list(layer.convolution_param.kernel_size) == [3]
    assert layer.convolution_param.weight_filler.variance_norm == caffe_pb2.FillerParameter.FAN_OUT
    assert type(layer.convolution_param) is caffe_pb2.ConvolutionParameter


def test_defaults_are_not_presence() -> None:
    pooling = caffe_pb2.PoolingParameter()
    assert pooling.stride == 1
    assert not pooling.HasField("stride")
    assert caffe_pb2.NetState().phase == caffe_pb2.TEST
    assert caffe_pb2.SolverParameter().snapshot_format == caffe_pb2.SolverParameter.BINARYPROTO


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="kernel_sise"):
        caffe_pb2.ConvolutionParameter(kernel_sise=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="NEVER"):
        caffe_pb2.NetState(phase="NEVER")


@pytest.mark.parametrize("written", ["0.1", "0.001", "0.00390625", "-2.5", "0.9995", "123.68", "1e-08", "1e+20"])
def test_text_has_floats_as_written(written: str) -> None:
    """Up to six significant digits; beyond them the C implementation prints nine."""
    message = caffe_pb2.ParamSpec(lr_mult=float(written))
    assert str(message) == f"lr_mult: {written}\n"
    assert text_format.Parse(str(message), caffe_pb2.ParamSpec()) == message


def test_text_round_trip() -> None:
    net = caffe_pb2.NetParameter(
        name='a "net"\n\u00e9', layer=[convolution()], state={"phase": "TRAIN", "stage": ["a", ""]}
    )
    assert text_format.Parse(str(net), caffe_pb2.NetParameter()) == net


def test_binary_round_trip() -> None:
    assert caffe_pb2.LayerParameter.FromString(convolution().SerializeToString()) == convolution()


def pickled(message: Copied) -> Copied:
    return pickle.loads(pickle.dumps(message))  # type: ignore[no-any-return]  # noqa: S301  our own bytes


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled])
def test_copies_are_equal_and_independent(
    duplicate: Callable[[caffe_pb2.LayerParameter], caffe_pb2.LayerParameter],
) -> None:
    layer = convolution()
    other = duplicate(layer)
    assert type(other) is caffe_pb2.LayerParameter
    assert other == layer
    other.convolution_param.kernel_size.append(5)
    assert layer == convolution()
