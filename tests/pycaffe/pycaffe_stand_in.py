"""A stand-in for pycaffe, whose nets are what a test says, and a net to ask it about."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from netcompile.states import State

if TYPE_CHECKING:
    from pathlib import Path

Said = Callable[..., list[tuple[str, str]]]

STAND_IN = """
import json, os, sys, time
TRAIN, TEST = 0, 1
ANSWERS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "answers.json")
LOG = os.path.join(os.path.dirname(os.path.dirname(__file__)), "asked.jsonl")

class Blob:
    def __init__(self, shape):
        self.shape = shape

class Net:
    def __init__(self, path, phase, level=0, stages=None):
        text = open(path).read()
        with open(LOG, "a") as log:
            log.write(json.dumps([text, phase, level, stages, sys.path[0], os.getpid()]) + "\\n")
        answer = json.load(open(ANSWERS))
        print("chatter of a Python layer")
        if "fatal" in answer:
            sys.stderr.write("WARNING: Logging before InitGoogleLogging()\\n" + answer["fatal"] + "\\n")
            os._exit(134)
        if "signal" in answer:
            os.kill(os.getpid(), answer["signal"])
        if "sleep" in answer:
            time.sleep(answer["sleep"])
        if "printed" in answer:
            sys.stderr.write(answer["printed"] + "\\n")
        if "error" in answer:
            raise RuntimeError(answer["error"])
        self.blobs = {name: Blob(shape) for name, shape in answer["blobs"].items()}
        self.params = {name: [Blob(shape) for shape in shapes] for name, shapes in answer.get("params", {}).items()}

def set_mode_cpu():
    pass
"""

NET = """layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 4 } }
layer { name: "relu" type: "ReLU" bottom: "ip" top: "relu" }
"""
RIGHT: dict[str, Any] = {"blobs": {"data": [2, 3], "ip": [2, 4], "relu": [2, 4]}, "params": {"ip": [[4, 3], [4]]}}
TRAIN, TEST = State("TRAIN"), State("TEST")
REFUSES = "in TRAIN: Caffe refuses the net, in which no error is found: "
SKIPS = "not compared with Caffe in TRAIN: "


def asked(stand_in: Path) -> list[Any]:
    return [json.loads(line) for line in (stand_in / "asked.jsonl").read_text(encoding="utf-8").splitlines()]
