"""What the tests of differences share: small nets, and what is told of two of them."""

from google.protobuf import text_format

from netcompile import caffe_pb2
from netcompile.diagnostics import Report
from netcompile.differ import compare
from netcompile.diffing.report import to_text
from netcompile.diffing.sides import Wanted, side_of_message
from netcompile.old_formats import upgrade_net

DATA = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 8, 8] } } }'

LABEL = 'layer { name: "label" type: "Input" top: "label" input_param { shape { dim: [2, 8, 8] } } }'


def conv(name, bottom, more="", out=4, top=None):
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{top or name}" '
        f"convolution_param {{ num_output: {out} kernel_size: 3 {more} }} }}"
    )


def layer(name, type_name, bottom="", top="", more=""):
    bottoms = "".join(f' bottom: "{one}"' for one in bottom.split())
    tops = "".join(f' top: "{one}"' for one in (top or name).split())
    return f'layer {{ name: "{name}" type: "{type_name}"{bottoms}{tops} {more} }}'


def side(text, name, phase=None):
    net = upgrade_net(text_format.Parse(text, caffe_pb2.NetParameter()), Report()).net
    return side_of_message(name, net, Wanted(phase))


def difference(before, after, *, phase=None, **more):
    return compare(side(before, "A", phase), side(after, "B", phase), **more)


def told(before, after, **more):
    """The lines that are shown, without the first."""
    return [line for line in to_text(difference(before, after, **more)).splitlines()[1:] if line]
