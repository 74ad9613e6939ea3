"""What hostile inputs are made of: a case, and functions that write its files."""

import os
from typing import NamedTuple

LAYERS = "layers:\n  - {name: a, type: Input, shape: {dim: [1, 3]}}\n"
GOOD = f"name: good\n{LAYERS}  - {{name: b, type: ReLU}}\n"
NET = 'layer { name: "a" type: "Input" top: "a" input_param { shape { dim: 1 } } }\n'
TO_FILE = ("compile", "spec.yaml", "-o", "out.prototxt")


class Case(NamedTuple):
    """A hostile input. `make(folder, size)` writes its files and returns the arguments.

    Where an input can be as large as one likes, it has about `size` bytes. `exit` is the exit code; `says` is part of
    the message, empty where there is none. `count` is how many errors there may be at most.
    """

    area: str
    what: str
    make: object
    exit: int
    says: str
    count: int = 1

    @property
    def grows(self):
        """True where the input is as large as one likes."""
        return getattr(self.make, "grows", False)


def spec(text, *more, files=None):
    """A spec: its text, as text, bytes or a function of the size; further arguments and files."""

    def make(folder, size):
        for name, content in {"spec.yaml": text, **(files or {})}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content, size)
        return [*TO_FILE, *more]

    make.grows = any(map(callable, (text, *(files or {}).values())))
    return make


def prototxt(text, command="check", *more):
    """A net file, checked."""

    def make(folder, size):
        _write(folder / "net.prototxt", text, size)
        return [command, "net.prototxt", *more]

    make.grows = callable(text)
    return make


def call(*arguments, prepare=None):
    """A command line. `{}` in an argument is the folder."""

    def make(folder, _size):
        (folder / "spec.yaml").write_text(GOOD, encoding="utf-8")
        if prepare is not None:
            prepare(folder)
        return [argument.replace("{}", str(folder)) for argument in arguments]

    return make


def _write(path, content, size):
    content = content(size) if callable(content) else content
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))


def repeated(unit, before="", after=""):
    """A text of about the size: `unit` again and again."""
    return lambda size: before + unit * (size // len(unit)) + after


def numbered(line, before="", after=""):
    """A text of about the size: a line with a number, for each number."""
    longest = len(line.replace("#", "1234567"))
    return lambda size: before + "".join(line.replace("#", str(i)) for i in range(max(size // longest, 1))) + after


def alias_bomb(levels, width, item):
    lines = [f"a0: &a0 {item}"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, levels)]
    return "vars:\n  " + "\n  ".join(lines) + "\n" + LAYERS


def merge_bomb(levels):
    lines = ["m0: &m0 {a: 1, b: 2}"]
    lines += [f"m{i}: &m{i} {{<<: [{', '.join([f'*m{i - 1}'] * 9)}], k{i}: *m{i - 1}}}" for i in range(1, levels)]
    return "vars:\n  " + "\n  ".join(lines) + "\n" + LAYERS


def blocks(levels, width):
    lines = ["  b0: {params: {name: ~}, layers: [{name: $name, type: ReLU}]}"]
    for i in range(1, levels):
        uses = ", ".join(f'{{block: b{i - 1}, name: "${{name}}_{k}"}}' for k in range(width))
        lines.append(f"  b{i}: {{params: {{name: ~}}, layers: [{uses}]}}")
    return "blocks:\n" + "\n".join(lines) + f"\n{LAYERS}  - {{block: b{levels - 1}, name: x}}\n"


def nested_repeats(levels, turns):
    text = "{name: '" + "_".join(f"$i{k}" for k in range(levels)) + "', type: ReLU}"
    for k in range(levels):
        text = f"{{repeat: {{i{k}: {{from: 1, to: {turns}}}}}, layers: [{text}]}}"
    return f"{LAYERS}  - {text}\n"


def layers(line, count):
    return "layers:\n" + "".join(line.replace("#", str(i)) for i in range(count))


def expression(text):
    return spec(f"vars: {{a: 2}}\nlayers:\n  - {{name: a, type: Input, shape: {{dim: ['${{{text}}}']}}}}\n")


def number(text):
    """A spec with an expression where a number of any kind may stand."""
    return spec(f"vars: {{a: 2}}\n{LAYERS}  - {{name: b, type: Power, scale: '${{{text}}}'}}\n")


def link(target):
    def prepare(folder):
        outside = folder.parent / f"{folder.name}-outside"
        outside.mkdir(exist_ok=True)
        (outside / "secret.yaml").write_text("vars: {a: 1}\n", encoding="utf-8")
        os.symlink(outside / "secret.yaml" if target == "outside" else target, folder / "link.yaml")
        (folder / "spec.yaml").write_text(f"imports: [link.yaml]\n{LAYERS}", encoding="utf-8")

    return prepare


def special(kind):
    def prepare(folder):
        path = folder / "special.yaml"
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
            (folder / "special.yaml" / "x").write_text("", encoding="utf-8")
        else:
            os.symlink(kind, path)
        (folder / "importing.yaml").write_text(f"imports: [special.yaml]\n{LAYERS}", encoding="utf-8")

    return prepare
