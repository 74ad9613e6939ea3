import pytest

import netcompile

NET = 'layer { name: "i" type: "Input" top: "x" } layer { name: "r" type: "ReLU" bottom: "x" top: "y" }'


@pytest.mark.parametrize(
    "wrong",
    [
        {"phase": "train"},
        {"phase": "DEPLOY"},
        {"stages": "deploy"},
        {"level": "a"},
        {"top_shapes": {"x": ["a"]}},
        {"top_shapes": {"x": [-4]}},
    ],
    ids=str,
)
def test_refuses_states_and_shapes_that_are_none(wrong):
    with pytest.raises(ValueError, match=r"it is|its dims"):
        netcompile.analyze(NET, **wrong)


def test_declared_shapes_flow_on():
    assert netcompile.analyze(NET, top_shapes={"x": [None, 3]}).blobs == {"x": (None, 3), "y": (None, 3)}


def test_shapes_of_blobs_that_no_layer_makes_are_refused() -> None:
    with pytest.raises(ValueError, match="top_shapes names 'z', which no layer makes"):
        netcompile.analyze(NET, top_shapes={"z": [1, 3]})
