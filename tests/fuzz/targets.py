"""What is fuzzed: functions that take any bytes, and raise where netcompile does what it must never do.

Whatever comes in, a call ends with a result or with findings; no other exception gets out, and no command ends as a
fault. The same input gives the same again. Findings have their places inside the text, and can be shown. What compiles
can be read back, is a net that `analyze` takes, and comes back from `import_net` as it was.
"""

import io
import json
import re
import sys
import zlib
from contextlib import redirect_stderr, redirect_stdout

from google.protobuf import text_format
from seeds import HERE, ROOT

import netcompile
from netcompile.cli import main
from netcompile.layers import LAYER_TYPES

FOLDER = ROOT / "specs"  # where the imports of the seeds are found
CHECKS = [["check", "-", "-j", "1", "--format", name] for name in ("json", "text", "github", "sarif")]
RESULTS = ("compile", "import", "upgrade")  # their output is a file's content, with any text that is in it
COMMANDS = [
    *CHECKS,
    ["compile", "-", "--allow-custom-layers"],
    ["compile", "-", "--target", "deploy"],
    ["compile", "-", "--target", "test", "--no-header"],
    *(["show", "-", "--format", name] for name in ("table", "json", "dot")),
    ["import", "-"],
    ["upgrade", "-"],
    ["diff", "-", str(HERE / "seeds" / "small.prototxt")],
    ["diff", str(HERE / "seeds" / "everything.yaml"), "-", "--format", "json"],
]


SMALL_NET = (HERE / "seeds" / "small.prototxt").read_text(encoding="utf-8")


class FaultError(AssertionError):
    """Netcompile did what it must never do."""


def loader(data):
    """Bytes, checked as whatever they are: the findings have places in the text."""
    _, out = _call(CHECKS[0], data)
    lines = _text_of(data).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for one in json.loads(out):
        for place in (one, *one["notes"]):
            if place["path"] == "<stdin>":
                _check_place(place, lines)


def commands(data):
    """Bytes, given to one of the commands; which one, they say themselves."""
    _call(COMMANDS[zlib.crc32(data) % len(COMMANDS)], data)


def every_command(data):
    """Bytes, given to each of the commands."""
    for arguments in COMMANDS:
        _call(arguments, data)


def compiler(data):
    """A text as a spec."""
    text = _text_of(data)
    compiled = _twice(_compile, text)
    if isinstance(compiled, netcompile.CompileError):
        _demand(any(one.severity == "error" for one in compiled.diagnostics), "an exception without an error")
        return
    for target in compiled.targets:
        message = compiled.message(target)
        again = text_format.Parse(compiled.prototxt(target), type(message)())
        _same(_bytes_of(again), _bytes_of(message))
    _comes_back(compiled)
    _analyzes(compiled)


def prototxt(data):
    """A text as a net and as a solver."""
    text = _text_of(data)
    upgraded = _twice(netcompile.upgrade, text)
    sound = not isinstance(upgraded, netcompile.CompileError)
    for phase in ("TRAIN", "TEST"):
        graph = _twice(netcompile.analyze, text, phase)
        if sound:  # as text it may be refused for more: what a message can't hold
            of_message = _outcome(netcompile.analyze, upgraded, phase)
            _demand(isinstance(of_message, netcompile.CompileError) <= isinstance(graph, netcompile.CompileError),
                    "a net is refused as a message, and taken as text")  # fmt: skip
    if sound:
        _same(_bytes_of(upgraded), _bytes_of(netcompile.upgrade(upgraded)))
        spec = _twice(netcompile.import_net, text)
        if isinstance(spec, str):
            _same(_bytes_of(upgraded), _bytes_of(_compile(spec, check=False).net))
    nets = dict.fromkeys(re.findall(r'net: *"([^"]*)"', text), SMALL_NET)
    _same(*(_told(netcompile.check_solver(text, nets=nets)) for _ in range(2)))


TARGETS = {"loader": loader, "compiler": compiler, "prototxt": prototxt, "commands": commands}


def _demand(holds, what):
    if not holds:
        raise FaultError(what)


def _same(one, other):
    _demand(one == other, f"not the same twice: {str(one)[:300]} and {str(other)[:300]}")


def _text_of(data):
    return data.decode("utf-8", "surrogateescape")


def _bytes_of(message):
    return message.SerializePartialToString(deterministic=True)  # a NaN is not equal to itself, its bytes are


def _call(arguments, data):
    """The exit code and the output of a command, called twice with `data` on standard input."""
    code, out, err = _called(arguments, data)
    _same((code, out, err), _called(arguments, data))
    _demand(code in (0, 1, 2), f"exit code {code}: {err[-300:]}")
    told = err if arguments[0] in RESULTS else err + out
    _demand(told.replace("\n", "").isprintable(), "what a terminal would act on")
    return code, out


def _called(arguments, data):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = main([*arguments, "--root", str(FOLDER)])
    finally:
        sys.stdin = before
    return code, _written(out), _written(err)


def _written(stream):
    stream.flush()
    return stream.buffer.getvalue().decode()


def _outcome(function, *arguments):
    try:
        return function(*arguments)
    except netcompile.CompileError as error:
        return error


def _twice(function, *arguments):
    """What comes of a call, a CompileError included: the same, if it is called again."""
    outcome = _outcome(function, *arguments)
    _same(_comparable(outcome), _comparable(_outcome(function, *arguments)))
    return outcome


def _comparable(outcome):
    """What must be the same again: as text where dims may be unknown, which equal nothing."""
    if isinstance(outcome, netcompile.CompileError):
        return _told(outcome.diagnostics)
    if isinstance(outcome, netcompile.Compiled):
        return [outcome.prototxt(target) for target in outcome.targets], [str(one) for one in outcome.warnings]
    if isinstance(outcome, netcompile.Graph):
        return str(outcome.blobs), str(outcome.params)
    return outcome if isinstance(outcome, str) else _bytes_of(outcome)


def _told(findings):
    return [(str(one), one.hint, [note.message for note in one.notes]) for one in findings]


def _compile(text, *, check=True):
    stream = io.StringIO(text)
    stream.name = str(FOLDER / "spec.yaml")
    return netcompile.compile(stream, root=FOLDER, check=check, allow_custom_layers=not check)


def _check_place(place, lines):
    start, end = (place["line"], place["column"]), (place["end_line"], place["end_column"])
    if start == (None, None):
        return
    _demand(start <= end, f"a place that ends before it begins: {start} to {end}")
    for line, column in (start, end):
        _demand(1 <= line <= len(lines) + 1, f"line {line} of {len(lines)}")
        width = len(lines[line - 1]) if line <= len(lines) else 0
        _demand(1 <= column <= width + 2, f"column {column} of {width}")


def _comes_back(compiled):
    """The net and the solver come back as they were by way of a spec that is made of them."""
    again = _compile(netcompile.import_net(compiled.net, compiled.solver), check=False)
    _same(_bytes_of(again.net), _bytes_of(compiled.net))
    if compiled.solver is not None:
        _same(_bytes_of(again.solver), _bytes_of(compiled.solver))


def _analyzes(compiled):
    """In the states in which a net of known types was checked, it is one that Caffe takes."""
    for net, states in ((compiled.net, _checked(compiled)), (compiled.deploy, [("TEST", (), 0)])):
        if net is None or any(layer.type not in LAYER_TYPES for layer in net.layer):
            continue
        for phase, stages, level in states:
            netcompile.analyze(net, phase, stages, level)


def _checked(compiled):
    """The states of the solver; without one, both phases, as far as the net has data there without a stage."""
    solver = compiled.solver
    if solver is None:
        codes = {one.code for one in (*compiled.warnings, *compiled.notes)}
        return [] if codes & {"needs-stage", "skipped-state"} else [("TRAIN", (), 0), ("TEST", (), 0)]
    states = [("TRAIN", solver.train_state)] if solver.net.endswith("spec.prototxt") else []
    tests = range(len(solver.test_net) + len(solver.test_net_param), len(solver.test_iter) if states else 0)
    states += [
        ("TEST", solver.test_state[i] if i < len(solver.test_state) else type(solver.train_state)()) for i in tests
    ]
    return [(_phase(phase, state), tuple(state.stage), state.level) for phase, state in states]


def _phase(phase, state):
    return netcompile.caffe_pb2.Phase.Name(state.phase) if state.HasField("phase") else phase
