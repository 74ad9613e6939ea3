"""Lints on BatchNorm: its statistics in each phase, and the scale and shift that it has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.lints.view import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcompile.lints.view import View

_AT = "batch_norm_param.use_global_stats"
_KEEPING = ("Convolution", "InnerProduct", "Scale")
_LATER = frozenset({"Scale", "Bias", "Python", ""})


def without_scale(view: View) -> Iterator[Finding]:
    """BatchNorm in training that no Scale follows."""
    for index in view.of("BatchNorm"):
        readers = view.writes[index][0].readers
        kinds = {kind.name if (kind := view.layers[reader].kind) else "" for reader in readers}
        if readers and kinds.isdisjoint(_LATER):
            text = (
                "no Scale follows: it only normalises, and the scale and shift of batch normalisation are not learned"
            )
            yield Finding(index, "", text, "add a Scale with `bias_term: true` behind it")


def fixed_statistics(view: View) -> Iterator[Finding]:
    """BatchNorm whose use_global_stats is written against its phase."""
    for index in view.of("BatchNorm"):
        p = view.message(index).batch_norm_param
        if not p.HasField("use_global_stats"):
            continue
        phase = view.graph.phase
        if phase != "TRAIN" and not p.use_global_stats:
            text = f"use_global_stats is false in {phase}: each batch is normalised by statistics of its own"
            yield Finding(index, _AT, text, "leave it out: Caffe then uses each kind in its phase")
        elif phase == "TRAIN" and p.use_global_stats and view.training and not _is_fine_tuned(view):
            text = "use_global_stats is true in TRAIN: its statistics are 0 at first and are not updated"
            yield Finding(index, _AT, text, "leave it out, unless trained weights are loaded and meant to stay")


def _is_fine_tuned(view: View) -> bool:
    """True where trained weights are loaded: the solver says so, or layers keep what they have, which must be those."""
    if view.solver and view.solver.weights:
        return True
    return any(view.layers[index].blobs and not view.learns(index) for index in view.of(*_KEEPING))
