"""Specs of any length, written out layer by layer as an editor or a script would leave them."""


def spec(layers: int) -> str:
    """A net of `layers` layers: convolutions of changing width with BatchNorm, Scale, ReLU and pooling in between."""
    lines = ["name: generated", "layers:", "  - {name: data, type: Input, shape: {dim: [1, 3, 512, 512]}}"]
    pools = 0
    while len(lines) < layers + 2:
        i = len(lines)
        block = i // 5 % 40
        out = 16 * (1 + block % 8)
        lines += [
            f"  - {{name: conv{i}, type: Convolution, num_output: {out}, kernel_size: {1 + 2 * (block % 3)}, "
            f"pad: {block % 3}, stride: 1, weight_filler: {{type: msra}}, bias_term: false}}",
            f"  - {{name: bn{i}, type: BatchNorm, in_place: true, param: [{{lr_mult: 0}}, {{lr_mult: 0}}, {{lr_mult: 0}}]}}",
            f"  - {{name: scale{i}, type: Scale, in_place: true, bias_term: true, bottom: conv{i}, filler: {{value: 1}}}}",
            f"  - {{name: relu{i}, type: ReLU, in_place: true, bottom: conv{i}, negative_slope: 0.{1 + block % 4}}}",
        ]
        if block % 40 == 39 and pools < 8:
            pools += 1
            lines.append(f"  - {{name: pool{i}, type: Pooling, pool: MAX, kernel_size: 2, stride: 2, round_mode: FLOOR}}")
        else:
            lines.append(f"  - {{name: drop{i}, type: Dropout, in_place: true, bottom: conv{i}, dropout_ratio: 0.{1 + block % 5}}}")
    return "\n".join(lines[: layers + 2]) + "\n"
