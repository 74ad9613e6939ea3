"""Runs what CI runs: ruff, mypy, the import contract, generated files, and the tests. Exit code 0 where all is well."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
STEPS = {
    "ruff": ["-m", "ruff", "check", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "mypy": ["-m", "mypy"],
    "mypy, examples": ["-m", "mypy", "examples/mnist/python_tools"],
    "import contract": ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
    "pytest": ["-m", "pytest", "--numprocesses", "auto"],
}


def main() -> int:
    """Run each step; the next one runs even where one fails."""
    failed = []
    for name, arguments in STEPS.items():
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode != 0:  # noqa: S603 - our own steps
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "all is well")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
