"""Measures `netcompile check` over many small specs: wall time, CPU time per spec and core, and the cores kept busy.

    python benchmarks/check_many.py [COUNT] [--profile]

The specs are generated: two LeNets with solver and deploy net for each residual net out of blocks, 10 to 15 layers,
each different. `--profile` shows where the time of one process goes instead.
"""

import argparse
import os
import pstats
import subprocess
import sys
import tempfile
import time
from cProfile import Profile
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUDGET = 5.0  # ms per small spec and core, after start-up


def lenet(i: int) -> str:
    """A classifier in the manner of LeNet, with its solver and deploy net."""
    width = 8 + i % 57
    return f"""\
name: lenet{i}
vars: {{train: data/train_lmdb, test: data/test_lmdb}}
defaults:
  Convolution: {{weight_filler: xavier, bias_filler: constant, param: [{{lr_mult: 1}}, {{lr_mult: 2}}]}}
  InnerProduct: {{weight_filler: xavier, bias_filler: constant, param: [{{lr_mult: 1}}, {{lr_mult: 2}}]}}
layers:
  - name: data
    type: Data
    top: [data, label]
    top_shapes: {{data: [batch, 1, 28, 28], label: [batch]}}
    transform_param: {{scale: 0.00390625}}
    backend: LMDB
    train: {{source: $train, batch_size: {32 + i % 33}}}
    test: {{source: $test, batch_size: 100}}
  - {{name: conv1, type: Convolution, num_output: {width}, kernel_size: 5}}
  - {{name: pool1, type: Pooling, pool: MAX, kernel_size: 2, stride: 2}}
  - {{name: conv2, type: Convolution, num_output: {2 * width}, kernel_size: 5}}
  - {{name: pool2, type: Pooling, pool: MAX, kernel_size: 2, stride: 2}}
  - {{name: ip1, type: InnerProduct, num_output: {100 + i % 400}}}
  - {{name: relu1, type: ReLU, in_place: true}}
  - {{name: ip2, type: InnerProduct, num_output: 10}}
  - {{name: accuracy, type: Accuracy, bottom: [ip2, label], only: test}}
  - {{name: loss, type: SoftmaxWithLoss, bottom: [ip2, label]}}
deploy: {{}}
solver:
  base_lr: 0.01
  momentum: 0.9
  weight_decay: 5e-4
  lr_policy: inv
  gamma: 1e-4
  power: 0.75
  max_iter: {10_000 + i}
  test_set: 10000
  test_interval: 500
  snapshot: 5000
  snapshot_prefix: lenet{i}
"""


def residual(i: int) -> str:
    """A small residual net out of blocks."""
    return f"""\
name: residual{i}
defaults:
  Convolution: {{bias_term: false, weight_filler: msra, pad: 1, stride: 1, kernel_size: 3}}
  BatchNorm: {{in_place: true}}
  Scale: {{in_place: true, bias_term: true}}
  ReLU: {{in_place: true}}
blocks:
  residual:
    params: {{name: ~, out: ~}}
    layers:
      - {{name: $name/conv, type: Convolution, num_output: $out}}
      - {{name: $name/bn, type: BatchNorm}}
      - {{name: $name/scale, type: Scale}}
      - {{name: $name/relu, type: ReLU}}
      - {{name: $name/sum, type: Eltwise, bottom: [$bottom, $name/conv]}}
layers:
  - name: data
    type: HDF5Data
    top: [data, label]
    top_shapes: {{data: [batch, 3, 32, 32], label: [batch]}}
    train: {{source: train.txt, batch_size: {16 + i % 17}}}
    test: {{source: test.txt, batch_size: 50}}
  - {{name: conv0, type: Convolution, num_output: {16 + i % 49}}}
  - {{block: residual, name: a, out: {16 + i % 49}}}
  - {{block: residual, name: b, out: {16 + i % 49}}}
  - {{name: pool, type: Pooling, pool: AVE, global_pooling: true}}
  - {{name: fc, type: InnerProduct, num_output: {10 + i % 91}, weight_filler: xavier}}
  - {{name: loss, type: SoftmaxWithLoss, bottom: [fc, label]}}
"""


def write_specs(folder: Path, count: int) -> None:
    """Write `count` specs in folders of a hundred."""
    for i in range(count):
        path = folder / f"{i // 100:02}" / f"net{i:04}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text((lenet if i % 3 else residual)(i), encoding="utf-8")


def run(folder: Path, *options: str) -> tuple[float, float, str]:
    """Wall seconds, CPU seconds (all processes) and the summary of one call."""
    command = [sys.executable, "-m", "netcompile", "check", str(folder), *options]
    cached = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    before = os.times()
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=cached)
    wall = time.perf_counter() - start
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    return wall, cpu, done.stdout.splitlines()[-1]


def measure(folder: Path, count: int) -> None:
    """Print the figures next to the budget."""
    with tempfile.TemporaryDirectory() as name:
        write_specs(Path(name), 1)
        start = min(run(Path(name))[1] for _ in range(5))
    print(f"start-up with one spec: {start * 1000:.0f} ms CPU; {os.cpu_count()} cores")
    for options in (("-j", "1"), ()):
        wall, cpu, summary = min(run(folder, *options) for _ in range(3))
        each = (cpu - start) / count * 1000
        called = " ".join(("check", *options))
        print(f"{called:12} {wall:6.2f} s wall, {cpu:6.2f} s CPU, {cpu / wall:.2f} cores, {each:.2f} ms per spec and "
              f"core (budget {BUDGET:.0f}): {summary}")  # fmt: skip


def profile(folder: Path) -> None:
    """Print where the time of one process goes."""
    from netcompile.cli import main as netcompile  # noqa: PLC0415 - measured without it otherwise

    with Profile() as profiler:
        netcompile(["check", str(folder), "-j", "1"])
    pstats.Stats(profiler).sort_stats("tottime").print_stats(45)


def main() -> None:
    """Measure, or show a profile."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("count", nargs="?", type=int, default=1000)
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_specs(folder, given.count)
        if given.profile:
            profile(folder)
        else:
            measure(folder, given.count)


if __name__ == "__main__":
    main()
