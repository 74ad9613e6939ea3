"""Feeds netcompile what it has never seen, for as long as asked, and keeps each input that brings out a new fault.

python tools/fuzz.py TARGET --seconds N [--seed S] [--blind] [--faults DIR] [--corpus DIR] [--figures FILE]

TARGET is `loader`, `compiler`, `prototxt` or `commands` (tests/fuzz/targets.py). The inputs are mutations of the specs
and nets of the project, and specs by the grammar of the language (tests/fuzz/inputs.py). Where atheris is installed
(`pip install atheris`), what is mutated further is led by the code that it reaches, and inputs that reach new code are
kept in the corpus; without it, or with --blind, it is not. Exit code 1 where a fault was found.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import sys
import tempfile
import time
import traceback
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "fuzz"
TARGETS = ("loader", "compiler", "prototxt", "commands")
MOST_BYTES = 20_000
SLOW_SECONDS = 5
OWN_MUTATIONS = 0.1  # the share of atheris's own, which knows what the code compares with
sys.path[:0] = [str(ROOT), str(FOLDER)]

atheris: Any = None
with suppress(ImportError):
    atheris = importlib.import_module("atheris")


class Run:
    """Counts executions, and keeps the smallest input per fault: faults of the same place in the code are the same."""

    def __init__(self, target: Callable[[bytes], None], options: argparse.Namespace) -> None:
        self.target = target
        self.options = options
        self.start = time.monotonic()
        self.executions = 0
        self.faults: dict[str, Path] = {}

    def one(self, data: bytes) -> None:
        """Execute the target. Past the end of the time, the run is over."""
        if time.monotonic() - self.start >= self.options.seconds:
            self.finish()
        self.executions += 1
        start = time.process_time()
        try:
            self.target(data)
        except Exception as error:  # noqa: BLE001 - whatever gets out is what is looked for
            self._keep(_place_of(error), data, "".join(traceback.format_exception(error)[-6:]))
        if (took := time.process_time() - start) > SLOW_SECONDS:
            self._keep("slow", data, f"{took:.1f} s for {len(data)} bytes\n")

    def _keep(self, key: str, data: bytes, text: str) -> None:
        known = self.faults.get(key)
        if known is None:
            print(f"\n== fault {len(self.faults) + 1}: {key}\n{text}", flush=True)
            known = self.faults[key] = self.options.faults / f"{self.options.target}-{len(self.faults) + 1}"
        elif known.stat().st_size <= len(data):
            return
        known.write_bytes(data)

    def finish(self) -> NoReturn:
        """Say what came of the run, and end the process, which atheris would never leave by itself."""
        seconds = time.monotonic() - self.start
        figures = {
            "target": self.options.target,
            "led": not self.options.blind,
            "executions": self.executions,
            "seconds": round(seconds),
            "faults": len(self.faults),
        }
        print(f"{figures}, {self.executions / seconds:.0f} a second")
        for key, path in self.faults.items():
            print(f"  {path}: {key}")
        if self.options.figures:
            with self.options.figures.open("a", encoding="utf-8") as file:
                file.write(json.dumps(figures) + "\n")
        sys.stdout.flush()
        os._exit(1 if self.faults else 0)


def _place_of(error: Exception) -> str:
    """Where an exception comes from: its type, and the deepest lines of ours that it passed."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if str(ROOT) in one.filename]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.name}" for frame in reversed(frames[-3:]))
    text = str(error).split(":", maxsplit=1)[0][:60] if type(error).__name__ == "FaultError" else ""
    return f"{type(error).__name__} {text} in {where}"


def blind(run: Run, seeds: list[str]) -> NoReturn:
    """Mutate the seeds until the time is over."""
    make_input = importlib.import_module("inputs").make_input

    random = Random(run.options.seed)  # noqa: S311 - no secret
    while True:
        run.one(make_input(run.options.target, seeds, random))


def led(run: Run, seeds: list[str]) -> None:
    """Let atheris choose what is mutated further."""
    inputs = importlib.import_module("inputs")

    target = run.options.target
    corpus = run.options.corpus or Path(tempfile.mkdtemp(prefix="fuzz-corpus-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate(seeds):
        (corpus / f"seed-{i}").write_bytes(seed.encode("utf-8", "surrogateescape"))

    def mutate(data: bytes, most: int, number: int) -> bytes:
        random = Random(number)  # noqa: S311 - no secret
        if random.random() < OWN_MUTATIONS:
            mutated: bytes = atheris.Mutate(data, most)
            return mutated
        fresh = len(data) < 2 or random.random() < OWN_MUTATIONS  # noqa: PLR2004 - atheris begins with nothing
        made: bytes = (
            inputs.make_input(target, seeds, random) if fresh else inputs.change_input(target, data, seeds, random)
        )
        return made[:most]

    limits = ["-rss_limit_mb=3000", "-timeout=120", "-verbosity=0", f"-max_len={MOST_BYTES}"]
    arguments = [sys.argv[0], str(corpus), f"-seed={run.options.seed}", *limits]
    atheris.Setup(arguments, run.one, custom_mutator=mutate)
    atheris.Fuzz()


def _load() -> dict[str, Callable[[bytes], None]]:
    """Import all of netcompile, and the targets."""
    netcompile = importlib.import_module("netcompile")
    for module in pkgutil.walk_packages(netcompile.__path__, "netcompile."):
        if not module.name.startswith(("netcompile.__main__", "netcompile.lsp", "netcompile.pycaffe")):
            importlib.import_module(module.name)
    targets: dict[str, Callable[[bytes], None]] = importlib.import_module("targets").TARGETS
    return targets


def main() -> None:
    """Fuzz a target."""
    parser = argparse.ArgumentParser(description="Fuzz netcompile.")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blind", action="store_true", default=atheris is None, help="do without atheris")
    parser.add_argument("--faults", type=Path, default=Path("fuzz-faults"), help="where inputs with a fault are kept")
    parser.add_argument("--corpus", type=Path, help="where inputs that reach new code are kept (default: nowhere)")
    parser.add_argument("--figures", type=Path, help="a file to which the figures of the run are added, as JSON")
    options = parser.parse_args()
    options.faults.mkdir(parents=True, exist_ok=True)
    instrumented: AbstractContextManager[Any] = (
        nullcontext() if options.blind else atheris.instrument_imports(include=["netcompile"])
    )
    with instrumented:
        targets = _load()
        seeds = importlib.import_module("seeds").seeds_of(options.target)
    (blind if options.blind else led)(Run(targets[options.target], options), seeds)


if __name__ == "__main__":
    main()
