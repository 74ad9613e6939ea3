"""Which known name a wrong one was meant to be: a slip, or what other tools and forks call the same thing.

For hints alone. Words that only share a part with a known one (`foo_param`, `MyConvolution`) are no slips for it. This
module knows names, not what they mean or where they stand.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from netcompile.diagnostics import did_you_mean
from netcompile.language.wording import is_slip, quoted
from netcompile.layers.forks import FORK_TYPES, fork_field_hint, fork_hint
from netcompile.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

# Names in Caffe, each with what it is called elsewhere. Of several fields the first that the layer has is meant.
_FIELDS: Final = {
    "kernel_size": "kernel ksize kernel_dim kernel_shape filter_size window window_size pool_size size",
    "kernel_h": "kernel_height",
    "kernel_w": "kernel_width",
    "stride_h": "stride_height",
    "stride_w": "stride_width",
    "pad_h": "pad_height padding_h",
    "pad_w": "pad_width padding_w",
    "local_size": "size window window_size depth_radius n",
    "stride": "stride_size subsample",
    "pad": "padding pad_size",
    "num_output": "filters num_filter num_filters n_filters nb_filter out_channels output_channels channels units "
    "num_units hidden hidden_units hidden_size num_hidden output_dim output_size out_features num_out output out",
    "group": "num_group num_groups",
    "dilation": "dilate dilation_rate",
    "bias_term": "bias use_bias with_bias has_bias",
    "dropout_ratio": "ratio rate p drop_ratio drop_rate dropout dropout_rate prob",
    "eps": "epsilon",
    "moving_average_fraction": "momentum decay",
    "pool": "pool_type pool_method pooling pooling_type mode method operation",
    "negative_slope": "slope alpha leak leakiness",
    "operation": "op operator mode",
    "coeff": "coef coeffs coefficient coefficients weights",
    "axis": "dim concat_axis slice_axis concat_dim",
    "slice_point": "split slice split_point",
    "weight_filler": "init initializer kernel_initializer weight_init weight_initializer weights",
    "bias_filler": "bias_init bias_initializer",
    "source": "path file filename files db database lmdb data_source folder root",
    "backend": "db_type database_type",
    "shape": "dim dims input_dim input_dims input_shape output_shape size",
    "min": "low lower minimum",
    "max": "high upper maximum",
    "std": "stddev stdev sigma standard_deviation",
    "mean": "mu average",
    "value": "val constant",
    "lr_mult": "lr learning_rate",
    "decay_mult": "decay wd",
    "base_lr": "lr learning_rate initial_lr",
    "lr_policy": "policy lr_schedule schedule",
    "max_iter": "iterations num_iter num_iterations iters epochs",
    "stepsize": "step lr_step",
    "stepvalue": "steps milestones",
    "weight_decay": "decay wd l2",
    "display": "log_interval print_every",
    "snapshot": "save_every snapshot_interval",
    "snapshot_prefix": "prefix output_prefix",
    "solver_mode": "device mode",
    "random_seed": "seed",
    "bottom": "input inputs from src input_blob",
    "top": "output outputs output_blob",
    "layer": "class cls class_name",
    "type": "kind class layer_type op_type optimizer name",
    "name": "id layer_name",
    "vars": "variables",
    "blocks": "templates modules functions",
    "imports": "include includes",
    "params": "parameters args arguments",
    "repeat": "for foreach loop",
    "layers": "body",
    "block": "use template call",
    "batch": "batch_size",
    "from": "start begin first low",
    "to": "end stop last until high",
}
_TYPES: Final = {
    "Convolution": "conv conv1d conv2d convolution2d convolution1d",
    "Deconvolution": "deconv deconv2d convtranspose convtranspose2d conv2dtranspose transposedconvolution",
    "BatchNorm": "bn batchnorm2d batchnormalization spatialbatchnormalization",
    "InnerProduct": "fc ip dense linear gemm fullyconnected fullconnect",
    "Pooling with `pool: MAX`": "maxpool maxpool2d maxpooling maxpooling2d",
    "Pooling with `pool: AVE`": "avepool avgpool averagepool avepooling avgpooling averagepooling avgpool2d "
    "averagepooling2d",
    "Pooling with `pool: AVE` and `global_pooling: true`": "globalpooling globalaveragepooling globalavgpool "
    "globalaveragepool globalaveragepooling2d",
    "Eltwise": "elementwise add sum",
    "Eltwise with `operation: PROD`": "mul multiply",
    "Eltwise with `operation: MAX`": "maximum",
    "Concat": "cat concatenate concatenation join",
    "ReLU with `negative_slope`": "leakyrelu lrelu",
    "LRN": "localresponsenorm localresponsenormalization responsenormalization",
    "SoftmaxWithLoss": "softmaxloss crossentropy crossentropyloss softmaxcrossentropy softmaxcrossentropyloss",
    "SigmoidCrossEntropyLoss": "bce bceloss bcewithlogitsloss binarycrossentropy",
    "EuclideanLoss": "mse mseloss l2loss meansquarederror",
    "HDF5Data": "hdf5",
    "Data": "lmdb leveldb database lmdbdata",
    "ImageData": "image images",
    "DummyData": "dummy",
}
_WORDS: Final = {
    "AVE": "avg average mean",
    "MAX": "maximum",
    "SUM": "add plus",
    "PROD": "mul multiply product",
    "TRAIN": "training",
    "TEST": "val valid validation eval evaluation testing inference",
    "xavier": "glorot glorot_uniform xavier_uniform",
    "msra": "he kaiming he_normal kaiming_normal",
    "gaussian": "normal random_normal",
    "constant": "const zero zeros one ones",
    "uniform": "random random_uniform",
}
_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MESSAGE: Final = re.compile(r"_(?:parms?|params|parameters?)$")
_SIMILAR: Final = 0.6
_OF_A_FORK: Final = "a message of a Caffe fork needs --caffe"


class Meant(NamedTuple):
    """What a word was probably meant to be: empty where nobody knows. `sure`: it can only be a slip for that."""

    word: str
    hint: str | None
    sure: bool = False


_NOTHING: Final = Meant("", None)


def other_names(word: str) -> Iterator[str]:
    """The fields that a field of another tool may be, the likeliest first."""
    return (field for field, names in _FIELDS.items() if word in names.split())


def meant_field(key: str, known: Collection[str]) -> Meant:
    """The field that a key was meant to be. What is no slip may be a message of a fork."""
    block = _MESSAGE.sub("_param", key)
    if block != key and block in known:
        return Meant(block, f"did you mean '{block}'?", sure=True)
    if key.endswith("_param"):
        return _meant_block(key, known)
    key = key.replace("-", "_").replace(" ", "_")
    if not key.isidentifier():
        return _NOTHING
    return _said(_slip(key, known) or next((one for one in other_names(key) if one in known), None)
                 or _near(key, known, key.split("_")), key)  # fmt: skip


def _meant_block(key: str, known: Collection[str]) -> Meant:
    stems = [name.removesuffix("_param") for name in known if name.endswith("_param")]
    meant = did_you_mean(key.removesuffix("_param"), stems)
    block = f"{meant}_param" if meant else ""
    if block and is_slip(key, block):
        return _said(block, key)
    of_fork = fork_field_hint(key) or (f"did you mean '{block}'? {_OF_A_FORK}" if block else _OF_A_FORK)
    return Meant(block, of_fork)


def meant_type(word: str, known: Collection[str]) -> Meant:
    """The layer type that a word was meant to be: one of Caffe, or of a fork."""
    folded = word.replace("_", "").lower()
    other = next((kind for kind, names in _TYPES.items() if folded in names.split()), "")
    name, _, fields = other.partition(" ")
    own = f"'{name}' {fields}".rstrip() if name in known else ""
    of_fork = fork_hint(word)
    if of_fork:
        return Meant("", f"Caffe's own is {own}; {of_fork.replace('it', quoted(word), 1)}" if own else of_fork)
    if own:
        return Meant(name, f"did you mean {own}?")
    slip = _slip(word, known) or _slip(word.removesuffix("Layer"), known)
    fork_type = None if slip else _slip(word, FORK_TYPES)
    if fork_type:
        return Meant("", f"did you mean '{fork_type}'? {fork_hint(fork_type)}")
    return _said(slip or _near(word, known, _PART.findall(word)), word)


def meant_word(word: str, known: Collection[str]) -> Meant:
    """The word of a list of words that a word was meant to be."""
    others = [meant.lower() for meant, names in _WORDS.items() if word.lower() in names.split()]
    other = next((meant for meant in known if meant.lower() in others), None)
    longer = [one for one in known if one.lower().startswith(f"{word.lower()}_")]
    return _said(other or did_you_mean(word, known) or (longer[0] if len(longer) == 1 else None), word)


def _said(meant: str | None, word: str) -> Meant:
    return Meant(meant, f"did you mean '{meant}'?", is_slip(word, meant)) if meant else _NOTHING


def _slip(word: str, known: Collection[str]) -> str | None:
    meant = did_you_mean(word, known)
    return meant if meant is not None and is_slip(word, meant) else None


def _near(word: str, known: Collection[str], parts: list[str]) -> str | None:
    """A known name that is like a word in more than whole parts that both have."""
    meant = did_you_mean(word, known)
    if meant is not None and _alike(parts, meant.split("_") if "_" in meant else _PART.findall(meant)):
        return meant
    if not word.islower():
        return None
    # `batch` for `batch_size`, if nothing else starts so.
    longer = [name for name in known if name.startswith(f"{word}_") and not name.endswith("_param")]
    return longer[0] if len(longer) == 1 else None


def _alike(one: list[str], other: list[str]) -> bool:
    """Whether what is left of two names without the parts that both start or end with is alike too."""
    one, other = [part.lower() for part in one], [part.lower() for part in other]
    if one[:1] != other[:1] and one[-1:] != other[-1:]:
        return True
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    rest, other_rest = "".join(one), "".join(other)
    if not rest or not other_rest:
        return len(rest + other_rest) <= 1
    return SequenceMatcher(None, rest, other_rest).ratio() >= _SIMILAR
