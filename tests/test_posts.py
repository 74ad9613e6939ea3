"""The two specs that the project started from equal the nets that they were written after."""

from pathlib import Path

from google.protobuf import text_format

import netcompile
from netcompile import caffe_pb2

SPECS = Path(__file__).parents[1] / "specs"
LOSS = """
layer {
  name: "one_hot" type: "Python" bottom: "label" bottom: "ip2" top: "one_hot_label"
  python_param { module: "one_hot" layer: "label2one_hot" }
}
layer {
  name: "loss" type: "Python" bottom: "ip2" bottom: "one_hot_label" top: "loss" loss_weight: 1
  python_param { module: "pyloss" layer: "EuclideanLossLayer" }
}
"""


def read(text):
    return text_format.Parse(text, caffe_pb2.NetParameter())


def test_srcnn_is_the_net_of_the_post(shared):
    compiled = netcompile.compile(SPECS / "srcnn.yaml")
    assert compiled.net == read((shared / "posts/srcnn.prototxt").read_text(encoding="utf-8"))
    assert "lr_mult: 0.1\n" in compiled.prototxt()


def test_lenet_has_two_python_layers_for_its_loss(shared):
    published = read((shared / "corpus/mnist.lenet_train_test.prototxt").read_text(encoding="utf-8"))
    assert published.layer[-1].type == "SoftmaxWithLoss"
    del published.layer[-1]
    published.MergeFrom(read(LOSS))
    assert netcompile.compile(SPECS / "lenet_python.yaml").net == published


def test_their_sources_are_variables():
    compiled = netcompile.compile(SPECS / "srcnn.yaml", variables={"train": "my.txt"})
    sources = [layer.hdf5_data_param.source for layer in compiled.net.layer[:2]]
    assert sources == ["my.txt", "examples/SRCNN/test.txt"]
