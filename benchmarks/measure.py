"""Measures what the budgets speak of, side by side in one run, and prints the ratios next to the budgets.

    python benchmarks/measure.py [--quick]

Times are CPU seconds (user and system), the least of several runs, so that a busy machine changes little.
"""

import argparse
import gc
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from generate import spec

import netcompile

ROOT = Path(__file__).parent.parent
# The first run leaves the bytecode that every later one starts from, as it does where netcompile is installed.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
MEGABYTE = 1024 if sys.platform != "darwin" else 1024 * 1024  # of ru_maxrss


def process(command: list[str], runs: int) -> tuple[float, float]:
    """CPU milliseconds and peak megabytes of a whole process."""
    least, peak = float("inf"), 0.0
    for _ in range(runs):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT, env=ENVIRONMENT)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"{command} failed")
        least = min(least, used.ru_utime + used.ru_stime)
        peak = max(peak, used.ru_maxrss / MEGABYTE)
    return least * 1000, peak


def least(function: Callable[[], object], runs: int) -> float:
    """CPU seconds of a call, without the garbage collector."""
    best = float("inf")
    for _ in range(runs):
        gc.collect()
        gc.disable()
        start = time.process_time()
        result = function()
        best = min(best, time.process_time() - start)
        del result
        gc.enable()
    return best


def compile_text(text: str) -> str:
    """All stages, from text to text."""
    return netcompile.compile(io.StringIO(text)).prototxt()


def measure_start(runs: int) -> None:
    """Whole processes, against a bare interpreter."""
    python = sys.executable
    bare, bare_peak = process([python, "-c", "pass"], runs)
    print(f"{'whole process':34} {'ms CPU':>8} {'ratio':>7} {'MB':>6}   budget")
    print(f"{'bare interpreter':34} {bare:8.1f} {1:7.2f} {bare_peak:6.1f}")
    for name, command, budget in (
        ("import yaml", [python, "-c", "import yaml"], ""),
        ("import yaml, jsonschema", [python, "-c", "import yaml, jsonschema"], ""),
        ("netcompile specs/srcnn.yaml", [python, "-m", "netcompile", "specs/srcnn.yaml"], "8.00, under 60 MB"),
        ("netcompile specs/lenet_python.yaml", [python, "-m", "netcompile", "specs/lenet_python.yaml"], ""),
    ):
        cpu, peak = process(command, runs)
        print(f"{name:34} {cpu:8.1f} {cpu / bare:7.2f} {peak:6.1f}   {budget}")


def measure_large(runs: int) -> None:
    """10,000 layers, against composing the same text."""
    text = spec(10_000)
    compose = least(lambda: yaml.compose(text, yaml.CSafeLoader), runs)
    whole = least(lambda: compile_text(text), runs)
    print(f"\n10,000 layers, {len(text) / 1e6:.1f} MB{'':13} {'s CPU':>8} {'ratio':>7} {'us a layer':>10}   budget")
    print(f"{'PyYAML C loader, compose':34} {compose:8.3f} {1:7.2f} {compose * 100:10.1f}")
    print(f"{'compile, text to text':34} {whole:8.3f} {whole / compose:7.2f} {whole * 100:10.1f}   3.00")


def measure_growth(sizes: list[int], runs: int) -> None:
    """Cost per layer as nets grow."""
    print(f"\n{'layers':>8} {'us a layer':>10}   budget: flat")
    for size in sizes:
        text = spec(size)
        print(f"{size:8} {least(lambda text=text: compile_text(text), runs) / size * 1e6:10.1f}")


def main() -> None:
    """Measure all three."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="fewer runs, no net of 100,000 layers")
    quick = parser.parse_args().quick
    measure_start(8 if quick else 25)
    measure_large(2 if quick else 5)
    measure_growth([100, 1000, 10_000] if quick else [100, 1000, 10_000, 100_000], 2 if quick else 3)


if __name__ == "__main__":
    main()
