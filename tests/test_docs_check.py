"""docs/check.md shows what really happens: its files are written, its calls made, and the output is compared.

A block's info string names its file (`yaml specs/tiny.yaml`); in a `console` block, `$ netcompile ...` is a call, and
what follows is all that it writes.
"""

import re
import shlex
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs/check.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_page(call, tmp_path):
    calls = 0
    for language, path, text in BLOCK.findall(PAGE):
        if path:
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        elif language == "console":
            for command, _, output in (
                one.partition("\n") for one in re.split(r"^\$ netcompile ", text, flags=re.MULTILINE)[1:]
            ):
                done = call(*shlex.split(command))
                assert (done.out, done.err) == (output, ""), command
                calls += 1
    assert calls >= 5
