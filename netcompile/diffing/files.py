"""The nets of two files to compare, each a spec, prototxt or a binary message, and the weights of an old model.

Straight-line code: nothing here decides what differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netcompile.assignments import Assignments, check_assignment
from netcompile.binaries import check_message, is_binary, read_binary, take_weights, undo_snapshot
from netcompile.caffe import caffe_pb2 as own_messages
from netcompile.compiler import collector_off, expand_document, is_library
from netcompile.diagnostics import CallError, Report
from netcompile.differ import Difference, compare
from netcompile.diffing.sides import Wanted, side_of_message, side_of_net
from netcompile.diffing.weights import Model, stored_blobs
from netcompile.kinds import kind_of
from netcompile.load import load
from netcompile.lower import lower
from netcompile.old_formats import upgrade_net
from netcompile.prototxt import read_prototxt
from netcompile.texts import prototxt_source, read_bytes, spec_source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netcompile.compiler import Settings
    from netcompile.diffing.sides import NetSide
    from netcompile.tree import Node

_STDIN: Final = "-"


def compare_files(
    before: str,
    after: str,
    settings: Settings,
    report: Report,
    *,
    phase: str | None = None,
    model: str | None = None,
    variables: Sequence[str] = (),
) -> Difference | None:
    """Compare the nets of two files; None where one has errors that make it no net.

    `phase` is "TRAIN", "TEST" or "DEPLOY", None for the first two; with one, or with a state in the settings, nothing
    else counts. Of prototxt, DEPLOY is the net in TEST. `model` is
    the path of a .caffemodel. `variables` are set in the specs that declare them. Raises CallError where a file can't
    be read, or holds no net.
    """
    if [before, after, model].count(_STDIN) > 1:
        raise CallError("standard input can be read once: of A, B and --weights, only one can be -")
    with collector_off():
        reader = _Reader(settings, report, phase, variables)
        old, new = reader.side(before), reader.side(after)
        stored = None if model is None else reader.model(model)
        reader.check_variables()
        if old is None or new is None or report.failed:
            return None
        asked = phase is not None or settings.state is not None
        return compare(old, new, inference=phase == "DEPLOY", asked=asked, model=stored)


class _Reader:
    """Reads the files of one comparison."""

    def __init__(self, settings: Settings, report: Report, phase: str | None, variables: Sequence[str]) -> None:
        self._settings = settings
        self._report = report
        self._message_type = (settings.fork or own_messages).NetParameter
        self._wanted = Wanted(phase, *(settings.state or ()))
        self._variables: Mapping[str, Node] = Assignments(list(map(check_assignment, variables))).nodes(report)
        self._declared: set[str] = set()

    def side(self, path: str) -> NetSide | None:
        """The net of a file; None where it has errors that make it none."""
        data = read_bytes(path)
        binary = is_binary(path, data, self._message_type)
        kind = "net" if binary else kind_of(prototxt_source(path, data).text)
        if kind == "solver":
            raise CallError(f"{path} is a solver; diff compares nets")
        if kind == "spec":
            return self._spec(path, data)
        net = self._net(path, data)
        take_weights(net)  # as parts of a net they say nothing; what they fit is another question
        return self._side_of(path, net, binary=binary)

    def model(self, path: str) -> Model | None:
        """The blobs of a model, and its net."""
        net = self._net(path, read_bytes(path))
        if not self._report.failed and not any(layer.blobs for layer in (*net.layer, *getattr(net, "layers", ()))):
            raise CallError(f"{path} holds no weights: no layer in it has any")
        stored = stored_blobs(upgrade_net(net, Report()).net)
        take_weights(net)
        side = self._side_of(path, net, binary=True)
        return None if side is None else Model(stored, side)

    def _side_of(self, path: str, net: Any, *, binary: bool) -> NetSide | None:
        upgraded = upgrade_net(net, self._report).net
        if self._report.failed:
            return None
        if binary:
            undo_snapshot(upgraded)
        return side_of_message(path, upgraded, self._wanted, self._settings.fork)

    def check_variables(self) -> None:
        """Raise CallError for a variable that no spec declares."""
        for name in self._variables:
            if name not in self._declared and not self._report.failed:
                raise CallError(f"--set {name}: none of the specs declares it under `vars`")

    def _spec(self, path: str, data: bytes) -> NetSide | None:
        document = load(spec_source(path, data), self._report)
        if document is None:
            return None
        if is_library(document):
            raise CallError(f"{path} is a library: it has no layers to compare")
        own = self._own_variables(document)
        self._declared.update(own)
        settings = self._settings._replace(check=False, allow_custom=True)
        spec = expand_document(document, self._report, settings, own)
        deploy = self._wanted.phase == "DEPLOY"
        net = lower(spec, self._report, "DEPLOY" if deploy else "NET", allow_custom=True, fork=settings.fork)
        if deploy and not self._report.failed:
            from netcompile.deploy import derive_deploy, read_options  # noqa: PLC0415 - where it is asked for

            options = read_options(spec.deploy, self._report, document.keys.get("layers"))
            derived = derive_deploy(net, options, self._report, settings.fork)
            net = net if derived is None else derived.net
        return None if self._report.failed else side_of_net(path, net, self._wanted, settings.fork)

    def _own_variables(self, document: Any) -> Mapping[str, Node]:
        """The variables that are set and that a spec declares, or may do so in what it imports."""
        declared = document.entries.get("vars")
        if "imports" in document.entries or not hasattr(declared, "entries"):
            return self._variables if "imports" in document.entries else {}
        return {name: node for name, node in self._variables.items() if name in declared.entries}

    def _net(self, path: str, data: bytes) -> Any:
        """The net of a file as it is written there."""
        if not is_binary(path, data, self._message_type):
            return read_prototxt(prototxt_source(path, data), self._message_type, self._report).message
        net = read_binary(path, data, self._message_type)
        check_message(net, self._report, path)
        return net
