"""Goes once through what every text will need, so that the first one does not wait for it: modules, schema, tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netcompile.lsp.findings import findings
from netcompile.lsp.hints import hints
from netcompile.lsp.model import Model
from netcompile.tree import Source

if TYPE_CHECKING:
    from netcompile.compiler import Settings

# The usual layers, in the usual ways: with defaults, in a block, repeated, in one phase alone.
_SPEC: Final = """
name: any
vars: {size: 3}
defaults:
  Convolution: {bias_term: false, weight_filler: msra}
  BatchNorm: {in_place: true, deploy: {use_global_stats: true}}
blocks:
  unit:
    params: {name: ~, out: ~, stride: 1}
    layers:
      - {name: conv$name, type: Convolution, num_output: $out, kernel_size: 3, pad: '${3 // 2}', stride: $stride}
      - {name: 'bn${name}', type: BatchNorm}
      - {name: scale$name, type: Scale, in_place: true, bias_term: true}
      - {name: relu$name, type: ReLU, in_place: true}
      - {name: sum$name, type: Eltwise, operation: SUM, bottom: [$bottom, relu$name], when: 0}
layers:
  - name: data
    type: Data
    top: [data, label]
    top_shapes: {data: [batch, 3, 9, 9], label: [batch]}
    train: {source: train, batch_size: 2, transform_param: {mirror: true}}
    test: {source: test, batch_size: 1}
  - {block: unit, name: 1, out: 2}
  - repeat: {i: {from: 2, to: 3}}
    layers: [{block: unit, name: $i, out: '${2 * i}'}]
  - {name: pool, type: Pooling, pool: AVE, kernel_size: $size, global_pooling: false}
  - {name: drop, type: Dropout, in_place: true}
  - {name: ip, type: InnerProduct, num_output: 2, weight_filler: xavier, param: [{lr_mult: 1}, {lr_mult: 2}]}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
  - {name: accuracy, type: Accuracy, bottom: [ip, label], include: TEST}
deploy: {}
solver: {base_lr: 0.1, lr_policy: fixed, momentum: 0.9, max_iter: 10, test_set: 10, test_interval: 5, display: 1}
"""


def warm_up(settings: Settings) -> None:
    """Make a model of some spec, and ask it what each takes time."""
    model = Model(Source("", _SPEC), settings)
    model.prepare()
    hints(model, 0, len(model.lines))
    for part in ("makers", "readers", "deploy"):
        getattr(model, part)


def warm_up_checks(settings: Settings) -> None:
    """Check some spec."""
    findings(Source("", _SPEC), settings)
