"""Train a net that uses the Python layers of this folder, and save its weights.

    python examples/mnist/python_tools/train.py [SOLVER] [--iterations N] [--output FILE] [--gpu N]

Needs pycaffe, built with WITH_PYTHON_LAYER. The exit code is 0 where the weights are saved, and 2 where the call is
wrong or pycaffe is missing. It must not know the net: paths in the solver file are relative to the current folder.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent


def positive(text: str) -> int:
    """Read a whole number above zero; argparse reports the ValueError of any other text."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description="Train a net that uses the Python layers of this folder.")
    parser.add_argument(
        "solver",
        nargs="?",
        type=Path,
        default=TOOLS.parent / "lenet_python_solver.prototxt",
        help="solver prototxt (default: %(default)s)",
    )
    parser.add_argument(
        "--iterations", type=positive, metavar="N", help="updates to make (default: the solver's max_iter)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=TOOLS.parent / "lenet_python.caffemodel",
        metavar="FILE",
        help="where to save the weights (default: %(default)s)",
    )
    parser.add_argument("--gpu", type=int, metavar="N", help="train on GPU number N (default: on the CPU)")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Train and save as the arguments say (those of the process by default); SystemExit 2 where they are wrong."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        caffe = importlib.import_module("caffe")
    except ImportError as error:
        hint = "build Caffe with WITH_PYTHON_LAYER := 1, then `make pycaffe`, and put its python folder on PYTHONPATH"
        parser.exit(2, f"{parser.prog}: pycaffe is needed, but it cannot be imported: {error}\nhint: {hint}\n")
    # Caffe ends the process where it cannot read the solver or, after hours of training, cannot write the weights.
    if not options.solver.is_file():
        parser.error(f"no such solver file: {options.solver}")
    if not options.output.parent.is_dir():
        parser.error(f"no such folder for the weights: {options.output.parent}")

    # The net names its Python layers by module; this finds them also where the process did not start in this script.
    if str(TOOLS) not in sys.path:
        sys.path.insert(0, str(TOOLS))
    # Caffe's Python interface does not look at the solver's solver_mode.
    if options.gpu is None:
        caffe.set_mode_cpu()
    else:
        caffe.set_device(options.gpu)
        caffe.set_mode_gpu()
    solver = caffe.get_solver(str(options.solver))
    solver.step(options.iterations or solver.param.max_iter)
    solver.net.save(str(options.output))
    sys.stdout.write(f"{options.output}\n")


if __name__ == "__main__":
    main()
