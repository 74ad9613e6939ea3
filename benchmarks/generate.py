"""Specs of any length, written out layer by layer as an editor or a script would leave them."""

BLOCKS = 40  # after so many the widths and kernels begin again
POOLS = 8
UNIT = """\
  - {{name: conv{i}, type: Convolution, num_output: {out}, kernel_size: {kernel}, pad: {pad}, stride: 1, \
weight_filler: {{type: msra}}, bias_term: false}}
  - {{name: bn{i}, type: BatchNorm, in_place: true, param: [{{lr_mult: 0}}, {{lr_mult: 0}}, {{lr_mult: 0}}]}}
  - {{name: scale{i}, type: Scale, in_place: true, bias_term: true, bottom: conv{i}, filler: {{value: 1}}}}
  - {{name: relu{i}, type: ReLU, in_place: true, bottom: conv{i}, negative_slope: 0.{slope}}}
"""
POOL = "  - {{name: pool{i}, type: Pooling, pool: MAX, kernel_size: 2, stride: 2, round_mode: FLOOR}}\n"
DROPOUT = "  - {{name: drop{i}, type: Dropout, in_place: true, bottom: conv{i}, dropout_ratio: 0.{ratio}}}\n"


def spec(layers: int) -> str:
    """A net of `layers` layers: convolutions of changing width with BatchNorm, Scale, ReLU and pooling in between."""
    head = ["name: generated", "layers:", "  - {name: data, type: Input, shape: {dim: [1, 3, 512, 512]}}"]
    lines: list[str] = []
    pools = 0
    for i in range(layers // 5 + 1):
        block = i % BLOCKS
        pad = block % 3
        unit = UNIT.format(i=i, out=16 * (1 + block % 8), kernel=1 + 2 * pad, pad=pad, slope=1 + block % 4)
        last = POOL.format(i=i) if block == BLOCKS - 1 and pools < POOLS else DROPOUT.format(i=i, ratio=1 + block % 5)
        pools += last.startswith("  - {name: pool")
        lines += (unit + last).splitlines()
    return "\n".join([*head, *lines[: layers - 1]]) + "\n"
