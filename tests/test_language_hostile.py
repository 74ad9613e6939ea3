"""Specs that would expand without end: each gets one clear error, with bounded work and memory.

Each is compiled in a process of its own under a limit on its memory and its processor time, which stops the tests
should a bound be lost. The limits are no measure: what is refused in time needs a fraction of them.
"""

import json
import os
import resource
import sys
from pathlib import Path

import pytest

import netcompile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")

_SECONDS = 30
_MEMORY = 512 * 2**20
DATA = "  - {name: data, type: Input, shape: {dim: 1}}\n"
SINK = "layers: [{name: p, type: Python, module: m, layer: l, param_str: $a%d}]\n"


def findings(text):
    """The errors of a spec, as code, line and message, worked out under limits."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _limit()
        _answer(text, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "it ran into the limits"
    return [tuple(one) for one in json.loads(answer)]


def _limit():
    size = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + _MEMORY, size + _MEMORY))
    used = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))
    resource.setrlimit(resource.RLIMIT_CPU, (used + _SECONDS, used + _SECONDS))


def _answer(text, writing):
    """Compile, write down what is found, and end the process, whatever comes."""
    try:
        found = _compile(text)
    except BaseException as error:  # noqa: BLE001 - nothing of this process may run on in pytest
        found = [("exception", 0, repr(error))]
    os.write(writing, json.dumps(found).encode()[:60_000])
    os._exit(0)


def _compile(text):
    try:
        netcompile.compile(_Stream(text))
    except netcompile.CompileError as error:
        errors = [one for one in error.diagnostics if one.severity == "error"]
        return [(one.code, one.span.line, one.message) for one in errors[:20]]
    return []


class _Stream:
    """A text stream, as `compile` takes one."""

    def __init__(self, text):
        self.read = lambda: text


def blocks(count, body):
    """Blocks b0, b1, ...: each with the items that `body` gives for the name of the next, the last with a layer."""
    lines = ["blocks:\n"]
    for i in range(count):
        last = "      - {name: x, type: Input, shape: {dim: 1}}\n"
        lines.append(f"  b{i}:\n    layers:\n{last if i == count - 1 else body(f'b{i + 1}')}")
    return "".join([*lines, "layers: [{block: b0}]\n"])


def chain(first, step, count):
    """Variables a0, a1, ...: each made of the one before by `step`."""
    rows = [f"  a0: {first}\n", *(f"  a{i}: {step(f'a{i - 1}')}\n" for i in range(1, count))]
    return "vars:\n" + "".join(rows)


def use(name, count=1, more=""):
    return f"      - {{block: {name}{more}}}\n" * count


def repeat(items, to, name="i"):
    return f"  - repeat: {{{name}: {{from: 1, to: {to}}}}}\n    layers: [{items}]\n"


RELU = "{name: r$i, type: ReLU, bottom: data}"
REFUSED = {
    "alias bomb": (
        "vars:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"  a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 30))
        + "layers: []\n",
        "expansion-limit",
        "the aliases expand to more than 1,000,000 values",
    ),
    "merge bomb": (
        "vars:\n  a0: &a0 {"
        + ", ".join(f"k{i}: 1" for i in range(1000))
        + "}\n"
        + "".join(f"  a{i}: &a{i} {{<<: *a{i - 1}, z{i}: 1}}\n" for i in range(1, 3000))
        + "layers: []\n",
        "expansion-limit",
        "the aliases expand to more than 1,000,000 values",
    ),
    "deep flow": (f"vars: {{a: {'[' * 100_000}{']' * 100_000}}}\nlayers: []\n", "too-deep", "more than 100 levels"),
    "deep repetitions": (
        "layers:\n" + "".join(f"{'  ' * i}- repeat: {{i: [1]}}\n{'  ' * i}  layers:\n" for i in range(1, 200)),
        "too-deep",
        "more than 100 levels",
    ),
    "a million layers": ("layers:\n" + DATA + repeat(RELU, 1_000_000), "expansion-limit", "more than 200,000 layers"),
    "a thousand times a thousand": (
        "layers:\n" + DATA + repeat(f"{{repeat: {{j: {{from: 1, to: 1000}}}}, layers: [{RELU}]}}", 1000),
        "expansion-limit",
        "more than 200,000 layers",
    ),
    "more turns than a machine word counts": (
        "layers:\n" + DATA + repeat(RELU, 2**63 - 1),
        "expansion-limit",
        "more than 200,000 layers",
    ),
    "turns without layers": (
        "layers:\n" + DATA + repeat("{name: r$i, type: ReLU, when: false}", 10**12),
        "expansion-limit",
        "more than 200,000 layers",
    ),
    "a thousand nested blocks": (blocks(1000, use), "too-deep", "more than 64 levels deep"),
    "a thousand doubling blocks": (blocks(1000, lambda name: use(name, 2)), "expansion-limit", "layers"),
    "2**40 layers": (blocks(41, lambda name: use(name, 2)), "expansion-limit", "layers"),
    "2**40 layers under conditions": (
        blocks(41, lambda name: use(name, 2, ", when: 1 > 0")),
        "expansion-limit",
        "more than 10,000 layers",
    ),
    "2**40 layers by repetition": (
        "vars: {two: 2}\n"
        + blocks(41, lambda name: f"      - {{repeat: {{i: {{from: 1, to: $two}}}}, layers: [{{block: {name}}}]}}\n"),
        "expansion-limit",
        "layers",
    ),
    "doubling lists": (
        chain("[x, x]", lambda a: f"[${a}, ${a}]", 60) + SINK % 59,
        "expansion-limit",
        "2,000,000 values",
    ),
    "doubling mappings": (
        chain("{x: 1}", lambda a: f"{{x: ${a}, y: ${a}}}", 60) + SINK % 59,
        "expansion-limit",
        "2,000,000 values",
    ),
    "doubling texts": (chain("xxxxxxxx", lambda a: f"${a}${a}", 60) + SINK % 59, "expansion-limit", "10000 characters"),
    "doubling expressions": (
        chain("[1, 2]", lambda a: f'"${{{a} + {a}}}"', 60) + SINK % 59,
        "expansion-limit",
        "more than 1000 entries",
    ),
    "deepening lists": (chain("[x]", lambda a: f"[${a}]", 5000) + SINK % 4999, "too-deep", "more than 100 levels"),
    "deepening parameters": (
        "blocks:\n"
        + "".join(
            f"  b{i}:\n    params: {{x: ~}}\n    layers: [{{block: b{i + 1}, x: {'[' * 80}$x{']' * 80}}}]\n"
            for i in range(60)
        )
        + "  b60:\n    params: {x: ~}\n    layers: []\nlayers: [{block: b0, x: 1}]\n",
        "too-deep",
        "more than 100 levels",
    ),
    "long names": (
        f"vars: {{a: {'x' * 9000}}}\nlayers:\n{DATA}" + repeat("{name: $a$i, type: ReLU, bottom: data}", 190_000),
        "expansion-limit",
        "2,000,000 values",
    ),
    "a large list in every layer": (
        f"vars: {{a0: [{', '.join('1' for _ in range(60_000))}]}}\nlayers:\n"
        + "".join(f"  - {{name: p{i}, type: Python, module: m, layer: l, param_str: $a0}}\n" for i in range(2000)),
        "expansion-limit",
        "2,000,000 values",
    ),
    "a variable of itself": ("vars: {a: $a}\nlayers: []\n", "unknown-variable", "unknown variable 'a'"),
    "dims beyond a machine word": (
        f"layers:\n  - {{name: d, type: Python, module: m, layer: l, top_shapes: [{'9' * 300}]}}\n",
        "out-of-range",
        "it must be at most 2147483647",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_one_clear_error(name):
    text, code, words = REFUSED[name]
    (found,) = findings(text)
    assert found[0] == code
    assert words in found[2]


@pytest.mark.parametrize("reference", ["$variable_nubmer_%d", '"${variable_nubmer_%d + 1}"'])
def test_many_unknown_variables_among_many(reference):
    declared = "".join(f"  variable_number_{i}: {i}\n" for i in range(10_000))
    layers = "".join(f"  - {{name: r{i}, type: ReLU, top: {reference % i}}}\n" for i in range(10_000))
    found = findings(f"vars:\n{declared}layers:\n{layers}")
    assert {code for code, _, _ in found} == {"unknown-variable"}
    assert found[0][1:] == (10_003, "unknown variable 'variable_nubmer_0'")


def test_what_is_large_but_no_bomb_compiles():
    layers = repeat('{name: "r${i}_$a9999", type: ReLU, bottom: data}', 1000)
    assert findings(f"{chain('1', lambda a: f'${a}', 10_000)}layers:\n{DATA}{layers}") == []
