"""What a text is, told by its content: a spec, a net or a solver.

The first key at the top that only one of them has decides, so that a text is looked at no further than there; but YAML
that has a key of prototxt is a spec with a mistake. Does not know whether a text is right.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["spec", "net", "solver"]

_TOKEN: Final = re.compile(
    r"""\#[^\n]* | "[^"\\\n]*(?:\\.[^"\\\n]*)*"? | '[^'\\\n]*(?:\\.[^'\\\n]*)*'?
    | (?<![\w.$-])(?P<key>[A-Za-z_]\w*)[ \t]*(?P<colon>:?)\s*(?P<then>[-{<\[]?) | (?P<open>[{<\[]) | [}>\]]""",
    re.VERBOSE,
)
# What only YAML has, and what only prototxt has: items with dashes or keys indented below a key, and blocks.
_YAML: Final = re.compile(r"^[ \t]*-[ \n]|^( *)[A-Za-z_]\w*:[ ]*\n\1 +[A-Za-z_]\w*:", re.MULTILINE)
_BLOCK: Final = re.compile(r"^[ \t]*[A-Za-z_]\w*[ \t]*[{<]", re.MULTILINE)
_LOOKED_AT: Final = 1_000_000  # characters; what says nothing for so long says nothing
# A spec says so itself: by its layers, or by the schema that it names for editors.
_MEANT: Final = r"(?m)^layers[ \t]*:|^#[ \t]*yaml-language-server:[ \t]*\$schema=\S*netcompile"
_SPEC: Final = frozenset({"vars", "defaults", "blocks", "imports", "deploy", "solver", "lint"})
_NET: Final = frozenset({"layer", "input", "input_dim", "input_shape"})
_SOLVER: Final = frozenset({
    "net", "net_param", "train_net", "train_net_param", "test_net", "test_net_param", "base_lr", "lr_policy",
    "test_iter", "test_interval", "max_iter", "solver_mode", "solver_type", "snapshot_prefix", "momentum",
    "weight_decay", "stepsize",
})  # fmt: skip


def kind_of(text: str, *, yaml: bool = False) -> Kind | None:
    """Tell what a text is by the first key at its top that says so; None where none does.

    `yaml`: the name of its file says that it is YAML, which counts where the text leaves that open.
    """
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "---", "%YAML")):
        return "spec"
    depth = 0
    for token in _TOKEN.finditer(text, 0, _LOOKED_AT):
        key, then = token["key"], token["then"]
        if key is not None and depth == 0:
            kind = _decided(key, colon=bool(token["colon"]), then=then)
            if kind in ("net", "solver") and token["colon"] and _is_yaml(text[:_LOOKED_AT], open_means=yaml):
                return "spec"
            if kind is not None:
                return kind
        if token["open"] or then in ("{", "<", "["):
            depth += 1
        elif token[0] in ("}", ">", "]"):
            depth = max(depth - 1, 0)
    return None


def is_meant(text: str) -> bool:
    """True for a text that is meant as a spec or a library, even where it can't be read as one."""
    return re.search(_MEANT, text[:_LOOKED_AT]) is not None


def _is_yaml(text: str, *, open_means: bool) -> bool:
    if _BLOCK.search(text) is not None:  # whatever else is wrong with it
        return False
    return _YAML.search(text) is not None or (open_means and '"' not in text)


def _decided(key: str, *, colon: bool, then: str) -> Kind | None:
    if not colon and then not in ("{", "<", "["):
        return None
    if key == "layers":  # a list in YAML; in prototxt, layers of an old format
        return "net" if then in ("{", "<") else "spec"
    if key in _NET:
        return "net"
    if key in _SOLVER:
        return "solver"
    return "spec" if key in _SPEC and colon else None
