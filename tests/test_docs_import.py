"""docs/import.md and docs/diff.md show what really happens: files are written, calls made, and their output compared.

A block's info string names its file. In a `console` block, `$ netcompile ...` is a call, and what follows is all that
it writes, to either stream. A named block whose file a call has just written is compared with it. `specs` has the zoo.
`pytest --write-golden` writes what happens into the pages.
"""

import json
import re
import shlex
from pathlib import Path
from shutil import copytree

import pytest

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run_console(text, call):
    """The block as it is, with what the calls write."""
    lines = []
    for line in text.splitlines():
        if line.startswith("$ netcompile "):
            done = call(*shlex.split(line.removeprefix("$ netcompile ")))
            lines += [line, *(done.out + done.err).splitlines()]
        elif line.startswith("$ "):
            lines.append(line)
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("name", ["import.md", "diff.md"])
def test_page(name, call, tmp_path, request):
    page = DOCS / name
    text = page.read_text(encoding="utf-8")
    copytree(DOCS.parent / "specs", tmp_path / "specs")
    happened = []
    calls = 0

    def replay(block):
        nonlocal calls
        language, path, content = block.groups()
        if language == "console":
            content = run_console(content, call)
            calls += content.count("$ netcompile ")
            happened.append(content)
        elif path and (tmp_path / path).exists():
            content = (tmp_path / path).read_text(encoding="utf-8")
        elif path:
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(content, encoding="utf-8")
        return f"```{language}{f' {path}' if path else ''}\n{content}```"

    replayed = BLOCK.sub(replay, text)
    if request.config.getoption("--write-golden"):
        page.write_text(replayed, encoding="utf-8")
    assert replayed == page.read_text(encoding="utf-8")
    assert calls >= 2


def test_the_page_names_all_keys_of_the_json(call):
    page = (DOCS / "diff.md").read_text(encoding="utf-8")
    files = {path: content for _, path, content in BLOCK.findall(page) if path}
    for path, content in files.items():
        Path(path).write_text(content, encoding="utf-8")
    told = json.loads(call("diff", "before.yaml", "after.prototxt", "--format", "json").out)
    shape = re.search(r"^\{\n  \"before\": A.*?^\}$", page, re.MULTILINE | re.DOTALL)
    assert shape is not None
    assert set(re.findall(r'"(\w+)"', shape[0])) == keys(told) | {"refused", "before", "after"}


def keys(value):
    """All keys in a value, however deep, but those of a parameter's own value."""
    if isinstance(value, list):
        return set().union(*map(keys, value))
    if not isinstance(value, dict):
        return set()
    return set(value) | set().union(*(keys(one) for key, one in value.items() if key not in ("before", "after")))
