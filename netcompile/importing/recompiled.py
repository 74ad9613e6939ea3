"""What a spec compiles to, compared with what it was made of: whether all comes back, and how a deploy net differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netcompile.compiler import Settings, expand_document
from netcompile.deploy import derive_deploy, read_options
from netcompile.diagnostics import CompileError, Report
from netcompile.differ import compare
from netcompile.diffing.report import to_text
from netcompile.diffing.sides import Wanted, side_of_message
from netcompile.emit import emit
from netcompile.load import load
from netcompile.lower import lower
from netcompile.solving.section import fill_solver
from netcompile.tree import Mapping, Source

if TYPE_CHECKING:
    from netcompile.forks.read import Fork


class Recompiled:
    """A spec's text, expanded. `report` has what is wrong with it."""

    def __init__(self, text: str, fork: Fork | None) -> None:
        self.fork = fork
        self.report = Report()
        document = load(Source("the spec", text), self.report)
        if document is None:  # the text is longer than any that is read
            raise CompileError(self.report.ordered())
        self.spec = expand_document(document, self.report, Settings(check=False, caffe=fork), {})

    def differing_layers(self, net: Any) -> set[int]:
        """The indexes of the layers of `net` that come out otherwise: all of them (-1 for none) where the net does."""
        compiled = emit(lower(self.spec, self.report, fork=self.fork))
        every = set(range(len(net.layer))) or {-1}
        if self.report.failed or len(compiled.layer) != len(net.layer):
            return every
        pairs = zip(compiled.layer, net.layer, strict=True)
        layers = {i for i, (one, given) in enumerate(pairs) if not self._same(one, given)}
        return layers if layers or self._same(compiled, net) else every

    def is_solver(self, solver: Any) -> bool:
        """True where the spec's solver is that very one."""
        section = self.spec.solver
        assert type(section) is Mapping
        return self._same(fill_solver(section, self.report, type(solver)), solver)

    def _same(self, compiled: Any, given: Any) -> bool:
        """True for equal messages, as text, in which a field that is no number equals itself."""
        return str(compiled) == str(given)

    def drift(self, given: Any) -> list[str]:
        """How the given deploy net differs from the one that comes of the spec, in lines; none where it does not."""
        report = Report()
        lowered = lower(self.spec, report, "DEPLOY", fork=self.fork)
        derived = derive_deploy(lowered, read_options(self.spec.deploy, report), report, self.fork)
        if derived is None or report.failed:
            return ["no deploy net comes of the spec as it is:", *(f"  {found.message}" for found in report)]
        own, other = (
            side_of_message(name, net, Wanted("DEPLOY"), self.fork)
            for name, net in (("deploy as this spec gives it", emit(derived.net)), ("as it was given", given))
        )
        difference = compare(own, other, inference=True)
        # The names of layers matter to their weights alone.
        learned = other.graphs["DEPLOY"].params
        layers = [entry for entry in difference.layers if entry.what != "renamed" or entry.layer in learned]
        difference = difference._replace(layers=layers)
        return [] if difference.equal else [line for line in to_text(difference).splitlines() if line]
