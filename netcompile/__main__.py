"""`python -m netcompile`."""

from netcompile.cli import run

run()
