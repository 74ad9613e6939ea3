"""Run the example layers in real nets and write what came out as JSON; test_pycaffe.py calls it and judges.

A process of its own, because Caffe ends the process on many faults and registers its messages for all of it.
Runs in an empty folder, with pycaffe and the example layers on the Python path.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import caffe
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

LAYERS = """
layer { name: "one_hot" type: "Python" bottom: "label" bottom: "scores" top: "one_hot_label"
        python_param { module: "one_hot" layer: "label2one_hot" } }
layer { name: "loss" type: "Python" bottom: "scores" bottom: "one_hot_label" top: "loss" loss_weight: 2
        python_param { module: "pyloss" layer: "EuclideanLossLayer" } }
"""
TWO_LEARNED_BOTTOMS = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 5 dim: 4 } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "b" type: "InnerProduct" bottom: "x" top: "b"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" bottom: "a" bottom: "b" top: "loss" loss_weight: 0.5
"""
LOSSES = {
    "python": 'type: "Python" python_param { module: "pyloss" layer: "EuclideanLossLayer" } }',
    "caffe": 'type: "EuclideanLoss" }',
}


def build(prototxt: str) -> Any:
    """Let Caffe construct the net, in phase TRAIN and with the same random weights every time."""
    Path("net.prototxt").write_text(prototxt, encoding="utf-8")
    caffe.set_random_seed(1)
    return caffe.Net("net.prototxt", caffe.TRAIN)


def classifier(label_shape: list[int], classes: int = 3) -> Any:
    """Both layers on inputs that want gradients: `force_backward` makes Caffe ask for those of the label, too."""
    shapes = {"label": label_shape, "scores": [2, classes]}
    inputs = [
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ dim: {dims} }} }} }}'
        for name, dims in shapes.items()
    ]
    return build("force_backward: true\n" + "\n".join(inputs) + LAYERS)


def run(net: Any, **inputs: ArrayLike) -> dict[str, Any]:
    """Forward and backward; the loss, the data and the diffs."""
    for name, values in inputs.items():
        net.blobs[name].reshape(*np.shape(values))
        net.blobs[name].data[...] = values
    loss = net.forward()["loss"]
    for blob in (blob for name, blob in net.blobs.items() if name != "loss"):
        blob.diff[...] = 7  # must be overwritten, and not be added by the Split that Caffe puts before two readers
    net.backward()
    blobs = {name: {"data": blob.data.tolist(), "diff": blob.diff.tolist()} for name, blob in net.blobs.items()}
    params = {name: [blob.diff.tolist() for blob in blobs] for name, blobs in net.params.items()}
    return {"loss": float(loss.item()), "blobs": blobs, "params": params}


def refusal(net: Any, **inputs: ArrayLike) -> str:
    """The ValueError that the net's forward pass raises."""
    try:
        run(net, **inputs)
    except ValueError as error:
        return str(error)
    return "accepted"


def main() -> None:
    """Run all nets."""
    scores = [[0.5, 1.0, -2.0], [3.0, 0.0, 1.0]]
    net = classifier([2])
    results: dict[str, Any] = {
        "first": run(net, label=[1, 0], scores=scores),
        "larger": run(net, label=[1, 0, 2], scores=[*scores, [1.0, 1.0, 1.0]]),
        "smaller": run(net, label=[2], scores=scores[:1]),
        "four_axes": run(classifier([2, 1, 1, 1]), label=np.reshape([1, 0], (2, 1, 1, 1)), scores=scores),
        "bad_label": refusal(net, label=[0, 3], scores=scores),
        "bad_shape": refusal(net, label=[0, 1, 2], scores=scores),
        "recovered": run(net, label=[1, 0], scores=scores),
    }
    x = np.random.default_rng(3).normal(size=(5, 4))
    for name, loss in LOSSES.items():
        results[name] = run(build(TWO_LEARNED_BOTTOMS + loss), x=x)
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
