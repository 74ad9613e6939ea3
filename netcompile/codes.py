"""The codes of findings: each with its severity and one line on what it means.

A code is stable: it stands in configuration files and in other tools' reports, so it is never renamed or reused.
The table is alphabetical. It says nothing of who reports a code, nor of how a finding is shown.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Code(NamedTuple):
    """A kind of finding. `severity` is "error", "warning" or "note"; `meaning` is one full sentence.

    `at_run` marks errors about nets that Caffe builds, and that abort only when they are run.
    """

    name: str
    severity: str
    meaning: str
    at_run: bool = False

    @property
    def silenceable(self) -> bool:
        """Tell whether findings of this kind may be left out where they are meant."""
        return self.severity != "error" or self.at_run


_TABLE: Final = (
    Code("axis-count", "error", "A blob has too many or too few axes for the layer that reads it."),
    Code("axis-range", "error", "An axis lies outside the axes of the blob that it is counted on."),
    Code("bad-expression", "error", "An expression can't be read, or has no value: a type error, a division by zero."),
    Code("bad-tag", "error", "A YAML tag that is no part of YAML 1.2's core; a spec can't make other objects."),
    Code("bad-value", "error", "A value of the right kind that Caffe refuses for this field."),
    Code(
        "batch-norm-alone",
        "warning",
        "A BatchNorm is trained without a Scale behind it, so that no scale and shift are learned.",
    ),
    Code("batch-norm-phase", "warning", "A BatchNorm's `use_global_stats` is written against its phase."),
    Code("blob-too-large", "error", "A blob has more elements than Caffe can count (2147483647)."),
    Code("bottom-count", "error", "A layer is given more or fewer bottoms than its type takes."),
    Code(
        "caffe-differs", "error", "The installed Caffe says otherwise of a net: it builds or not, or has other shapes."
    ),
    Code("caffe-not-compared", "note", "A net was not compared with the installed Caffe, which can't build it here."),
    Code("class-count", "warning", "Scores for different numbers of classes are compared with the same labels."),
    Code("conflicting-fields", "error", "Two fields are given of which Caffe takes only one."),
    Code("contradiction", "error", "`only`, `train`, `test`, `include` or `exclude` of a layer leave no state for it."),
    Code("count-mismatch", "error", "Two blobs that must have the same number of elements do not."),
    Code("cpu-mode", "warning", "A layer has no code for the CPU, where the solver wants to run it."),
    Code("duplicate-field", "error", "A field is given twice, such as once flat and once in its block."),
    Code("duplicate-key", "error", "A mapping has the same key twice."),
    Code(
        "duplicate-layer",
        "warning",
        "Two layers have one name in the same state, so that Caffe mixes up their weights.",
    ),
    Code("duplicate-top", "error", "Two layers make a blob of the same name in the same state."),
    Code("empty-blob", "error", "A blob without elements, where Caffe needs at least one."),
    Code("empty-net", "error", "A net without layers is run, which Caffe refuses.", at_run=True),
    Code("empty-spec", "error", "The document is empty."),
    Code("empty-top", "warning", "A layer makes a blob without elements from blobs that have some."),
    Code("expansion-limit", "error", "Aliases, merges, blocks or repetitions make more nodes than the limit allows."),
    Code("filler-shape", "error", "A filler can't fill a blob of this shape."),
    Code("group-mismatch", "error", "`group` does not divide the number of input or output channels."),
    Code("hdf5-name", "error", "A layer whose name can't be a group of its own in an HDF5 snapshot.", at_run=True),
    Code("ignored-error", "warning", "An `ignore` names an error that can't be silenced."),
    Code("implied-bottom", "error", "A layer names no bottom, and none can be implied."),
    Code("import-cycle", "error", "A library imports itself, directly or through others."),
    Code("import-not-found", "error", "An imported file can't be read."),
    Code("import-outside-root", "error", "An import leaves the root folder."),
    Code(
        "in-place-gradient",
        "warning",
        "A layer works in place where a gradient is computed from what it overwrites, and is wrong then.",
    ),
    Code(
        "in-place-reader", "error", "A blob is changed in place after another layer has read it, which Caffe refuses."
    ),
    Code("in-place-refused", "error", "A layer works in place whose type can't."),
    Code(
        "in-place-values",
        "warning",
        "A layer works in place where its type can't, or where another layer still reads the values.",
    ),
    Code("include-and-exclude", "error", "A layer has both include and exclude rules."),
    Code("input-shape-missing", "error", "A net has more inputs than shapes for them, where Caffe reads past the end."),
    Code("layer-phase", "warning", "A layer has a `phase`, which is no rule: it stays in the nets of both phases."),
    Code("learning-rate", "warning", "The learning rate is 0, is no number or never falls, as the fields stand."),
    Code("loss-input", "warning", "A loss takes scores and gets probabilities, or the other way round."),
    Code(
        "loss-top-read", "warning", "A layer reads the top of a loss in training, which loses or doubles loss weights."
    ),
    Code("loss-weight-count", "error", "A layer has loss weights, but not one for each of its tops."),
    Code(
        "lost-gradient",
        "warning",
        "Two layers that share memory follow each other, and Caffe loses the gradient there.",
    ),
    Code("missing-field", "error", "A field or key that is required is not given."),
    Code("missing-variable", "error", "A required variable, or a required parameter of a block, is given no value."),
    Code("mixed-formats", "error", "A net has layers of two formats, `layer` and `layers`, which Caffe refuses."),
    Code(
        "needs-stage", "warning", "The net builds only with a stage or level, and no checked solver names one for it."
    ),
    Code("negative-dim", "error", "A dimension of a blob comes out below zero."),
    Code("net-state", "warning", "The state given for a training net is TEST, or that for a test net TRAIN."),
    Code("no-gradient", "error", "Training asks for a gradient that a layer does not have, which aborts.", at_run=True),
    Code("no-iterations", "warning", "`max_iter` is missing or not above 0, so nothing is trained."),
    Code("no-loss", "warning", "A net is trained that has no loss."),
    Code("no-outputs", "error", "The deploy net has no outputs: no loss in TEST, and none named."),
    Code("no-snapshot", "warning", "Weights are saved less often than the solver's fields suggest, or never."),
    Code("no-solver", "error", "A solver is asked for, but the spec has no `solver` section."),
    Code(
        "not-a-library",
        "error",
        "An imported document has `layers`; a library has only `vars`, `defaults` and `blocks`.",
    ),
    Code("not-a-spec", "error", "The document is not a mapping with the keys of a spec."),
    Code("not-upgraded", "warning", "A net inside a solver has an old form, which Caffe upgrades in net files only."),
    Code("not-utf8", "warning", "A string with bytes that are no UTF-8, which Python's readers of the net refuse."),
    Code("odd-value", "warning", "A value that Caffe takes, and that is hardly meant."),
    Code("old-format", "warning", "A net has layers in an old format, which Caffe upgrades and other tools refuse."),
    Code("one-class", "warning", "A softmax over a single class, which is 1 whatever the score."),
    Code("out-of-range", "error", "A number is too small or too large for its field."),
    Code(
        "padding-reader",
        "error",
        "A padding layer of a V0 net, or the layer that reads it, is not as Caffe's upgrade needs it.",
    ),
    Code("param-count", "error", "A layer has more `param` entries than learned blobs."),
    Code("propagate-down-count", "error", "A layer has `propagate_down` entries, but not one for each of its bottoms."),
    Code("python-module", "warning", "A Python layer names its module like a file, which Python can't import."),
    Code("random-test", "warning", "Test data is mirrored at random."),
    Code("recursive-alias", "error", "An alias stands inside the very node that it names."),
    Code("recursive-block", "error", "A block uses itself, directly or through others."),
    Code("repeat-length", "error", "The lists of one repetition differ in length."),
    Code(
        "run-abort",
        "error",
        "A net that Caffe builds, and that aborts in the first forward pass or as its outputs are printed.",
        at_run=True,
    ),
    Code("shape-mismatch", "error", "The shapes of two blobs, or of a blob and a parameter, do not fit each other."),
    Code(
        "shared-filler",
        "warning",
        "A shared parameter has a filler that differs from its owner's and that is not used.",
    ),
    Code("shared-multiplier", "error", "Layers that share a parameter give it different `lr_mult` or `decay_mult`."),
    Code("skipped-state", "note", "A net was not checked in a phase in which it has no data."),
    Code("step-order", "warning", "A `stepvalue` is not above the one before it, or a step lies not below `max_iter`."),
    Code(
        "stride-gap", "warning", "A window moves by more than its own size, so that parts of the bottom are never read."
    ),
    Code("swapped-axes", "warning", "Blobs that are compared element by element have the same dims in another order."),
    Code("syntax", "error", "The text can't be read as YAML or prototxt."),
    Code("test-count", "error", "The numbers of `test_iter` or `test_state` entries and of test nets don't fit."),
    Code("too-deep", "error", "Lists and mappings are nested deeper than the limit allows."),
    Code("top-count", "error", "A layer is given more or fewer tops than its type makes."),
    Code("undeclared-variable", "error", "A variable is set from outside that the spec does not declare."),
    Code("unknown-batch", "error", "`test_set` is given where the batch size of the TEST net is not known."),
    Code("unknown-blob", "error", "`deploy`, or the `output` of a block, names a blob that no layer makes."),
    Code("unknown-block", "error", "A block use names a block that is not defined."),
    Code("unknown-bottom", "error", "A layer reads a blob that no earlier layer makes in that state."),
    Code("unknown-code", "warning", "An `ignore` names a code that there is none of."),
    Code("unknown-enum-value", "error", "A word that is none of those that the field takes."),
    Code("unknown-field", "error", "A key or field that nothing here knows."),
    Code("unknown-filler", "error", "A filler type that Caffe does not have."),
    Code("unknown-input-shape", "error", "The deploy net needs an input whose shape is not known."),
    Code("unknown-parameter", "error", "A block use gives a parameter that the block does not have."),
    Code("unknown-stage", "warning", "A rule names a stage that no state has, where a state has one much like it."),
    Code("unknown-top", "error", "`top_shapes` names a blob that is no top of its layer."),
    Code("unknown-type", "error", "A layer type that Caffe does not have."),
    Code("unknown-v0-type", "error", "A type of a V0 layer that Caffe's upgrade does not know."),
    Code("unknown-variable", "error", "A variable is used that is defined nowhere in its scope."),
    Code("unread-net", "warning", "A solver names a net that is not at hand, so that it is not checked."),
    Code("untrained-layer", "warning", "A layer has parameters to learn, and no gradient gets to it."),
    Code("unused-field", "warning", "A field without effect, because nothing reads it as the other fields stand."),
    Code("unused-top", "warning", "A layer of a net in training makes a blob that nothing reads."),
    Code("unweighted-loss", "warning", "A Python layer is a loss by its name, and has no loss weight."),
    Code(
        "upgrade-dropped-field", "warning", "A field of an old format that has no place in the current one and is lost."
    ),
    Code(
        "upsampling", "warning", "A Deconvolution is frozen at weights that don't interpolate, or mixes its channels."
    ),
    Code(
        "weights-mismatch",
        "error",
        "A layer of a test or deploy net has other learned blobs than its namesake in training: an error where a "
        "solver tests the net, else a warning.",
        at_run=True,
    ),
    Code("window-too-large", "error", "A kernel or window is larger than the padded input that it moves over."),
    Code("wrong-kind", "error", "A value of the wrong kind: text for a number, a list for a mapping, and the like."),
    Code("zero-weights", "warning", "Weights that are trained start at 0."),
)

CODES: Final[Mapping[str, Code]] = MappingProxyType({code.name: code for code in _TABLE})
