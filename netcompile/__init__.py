"""netcompile: a declarative compiler for Caffe nets.

A YAML spec goes in; the all-phase net, the deploy net and the solver come out, checked by Caffe's own rules.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netcompile.analysis import analyze, upgrade
    from netcompile.caffe import caffe_pb2
    from netcompile.compiler import Compiled, compile  # noqa: A004 - the public verb
    from netcompile.diagnostics import CompileError, Diagnostic, Note
    from netcompile.importer import import_net
    from netcompile.ir import Graph
    from netcompile.solver_files import check_solver

__all__ = [
    "CompileError",
    "Compiled",
    "Diagnostic",
    "Graph",
    "Note",
    "analyze",
    "caffe_pb2",
    "check_solver",
    "compile",
    "import_net",
    "upgrade",
]

# Each public name is imported when it is first used: start-up is most of the cost of a small spec.
_HOMES = {
    "CompileError": "netcompile.diagnostics",
    "Compiled": "netcompile.compiler",
    "Diagnostic": "netcompile.diagnostics",
    "Graph": "netcompile.ir",
    "Note": "netcompile.diagnostics",
    "analyze": "netcompile.analysis",
    "check_solver": "netcompile.solver_files",
    "compile": "netcompile.compiler",
    "import_net": "netcompile.importer",
    "upgrade": "netcompile.analysis",
}


def __getattr__(name: str) -> Any:
    if name == "caffe_pb2":
        value: Any = import_module("netcompile.caffe.caffe_pb2")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        message = f"module 'netcompile' has no attribute {name!r}"
        raise AttributeError(message)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
