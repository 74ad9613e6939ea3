"""How the lints are tested: by the layers of a small net, and the findings on them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

import netcompile

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = "{name: data, type: DummyData, top: [data, label], shape: [{dim: [4, 3, 8, 8]}, {dim: 4}]}"
CONV = "{name: conv, type: Convolution, num_output: 6, kernel_size: 3, weight_filler: msra, bottom: data}"
IP = "{name: ip, type: InnerProduct, num_output: 5, weight_filler: xavier}"
LOSS = "{name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}"


def lint_codes(layers: list[str], more: str = "") -> list[str]:
    """The warnings on a net, each as CODE LAYER; a net that has errors is no test of lints."""
    text = "layers:\n" + "".join(f"- {layer}\n" for layer in layers) + more
    warnings = netcompile.compile(io.StringIO(text)).warnings
    return sorted(f"{one.code} {one.message.partition(chr(39))[2].partition(chr(39))[0]}" for one in warnings)


@pytest.fixture
def lints() -> Callable[..., list[str]]:
    return lint_codes


@pytest.fixture
def trained() -> Callable[..., list[str]]:
    """Lints on layers between the data and a classifier, which reads what comes last."""
    return lambda *layers, ip=IP, after=(): lint_codes([DATA, *layers, ip, LOSS, *after])
