"""Makes specs by a grammar of the language: all of its constructs, combined at random, and mostly right.

The same state of `random` gives the same spec.
"""

import yaml

SOURCES = [
    {"type": "Input", "top": ["data", "label"], "shape": [{"dim": [4, 3, 8, 8]}, {"dim": 4}]},
    {"type": "DummyData", "shape": [{"dim": [4, 3, 8, 8]}, {"dim": [4]}], "top": ["data", "label"]},
    {
        "type": "Data",
        "top": ["data", "label"],
        "top_shapes": {"data": ["batch", 3, 8, 8], "label": ["batch"]},
        "train": {"source": "a", "batch_size": 4, "transform_param": {"mirror": True}},
        "test": {"source": "b", "batch_size": 2},
    },
    {
        "type": "HDF5Data",
        "top": ["data", "label"],
        "top_shapes": [["batch", 3, 8, 8], ["batch"]],
        "source": "$text",
        "batch_size": "$n",
    },
]
LAYERS = [
    {"type": "Convolution", "num_output": "$n", "kernel_size": 3, "pad": 1},
    {"type": "Convolution", "convolution_param": {"num_output": 4, "kernel_h": 1, "kernel_w": 3}},
    {"type": "Deconvolution", "num_output": 2, "kernel_size": [2, 2], "stride": 2, "weight_filler": "bilinear"},
    {"type": "Pooling", "pool": "MAX", "kernel_size": 2, "stride": "${1 + 0 * n}"},
    {"type": "InnerProduct", "num_output": "${2 * n}", "weight_filler": {"type": "gaussian", "std": 0.01}},
    {"type": "Convolution", "num_output": 4, "kernel_size": 1, "bias_term": False, "param": {"lr_mult": 0}},
    {"type": "ReLU", "in_place": True},
    {"type": "PReLU", "channel_shared": "${n > 3}"},
    {"type": "Dropout", "in_place": True, "only": "train"},
    {"type": "BatchNorm", "train": {"use_global_stats": False}, "test": {"use_global_stats": True}},
    {"type": "Scale", "bias_term": True, "in_place": True, "param": [{"lr_mult": 0}, {}]},
    {"type": "LRN", "local_size": 3},
    {"type": "Reshape", "shape": {"dim": [0, -1]}},
    {"type": "Flatten"},
    {"type": "Softmax", "deploy": {"top": "soft"}},
    {"type": "Python", "module": "m", "layer": "L", "bottom": "$last", "param_str": {"a": [1, "$n"], "b": "$text"}},
    {"type": "Python", "module": "m", "layer": "L", "bottom": "$last", "param_str": "x", "top_shapes": [4, 3, None]},
    {"type": "Mine", "custom": True, "bottom": "$last"},
    {"type": "Eltwise", "bottom": ["$last", "$last"], "operation": "SUM"},
    {"type": "Concat", "bottom": ["$last", "$last"]},
    {"type": "Split", "top": ["s1", "s2"]},
    {"type": "Slice", "top": ["s3", "s4"], "axis": 0},
    {"type": "Silence", "bottom": "$last"},
    {"type": "Power", "scale": "${1 / n}", "when": "n > 1"},
    {"type": "Tile", "tiles": "${wide - n}", "bottom": "$last"},
    {"type": "LSTM", "num_output": 3, "bottom": ["steps", "label"]},
]  # fmt: skip
FIXED = ("type", "bottom", "top", "name", "when", "custom", "top_shapes")  # what no default may be
LOSSES = [
    {"type": "SoftmaxWithLoss", "bottom": ["scores", "label"]},
    {"type": "SoftmaxWithLoss", "bottom": ["scores", "label"], "loss_weight": 0.5, "ignore_label": 255},
    {"type": "EuclideanLoss", "bottom": ["$last", "$last"]},
    {"type": "SigmoidCrossEntropyLoss", "bottom": ["scores", "noise"], "deploy": False},
    {"type": "Accuracy", "bottom": ["scores", "label"], "include": "TEST"},
    {"type": "Accuracy", "bottom": ["scores", "label"], "include": {"phase": "TEST", "stage": "val"}, "top_k": "$n"},
]
OPTIONS = {
    "only": ["train", ["train", "test"], "deploy", "test"],
    "include": ["TRAIN", {"phase": "TEST", "not_stage": "x"}, [{"min_level": 1}]],
    "exclude": ["TEST"],
    "when": ["n > 2", "text == 'x' or n", "${not n}", False],
    "param": [{"name": "shared", "lr_mult": 1}, [{"lr_mult": 0}, {"decay_mult": 2}]],
    "loss_weight": [0, 1, 2.5],
    "propagate_down": [[True], False],
    "train": [{"in_place": False}, False, {"type": "Sigmoid"}],
    "test": [{"param": None}, {"top": "other"}],
    "deploy": [False, {"top": "final"}],
    "bottom": ["data", ["label"], [], "missing", "$last"],
    "top": ["data", ["x", "y"], [], "$text"],
    "in_place": [True, False],
    "name": ["", "l0", "a/b", "${text}_$n"],
}
SOLVERS = [
    {"base_lr": 0.1, "lr_policy": "fixed", "max_iter": 10},
    {"type": "Adam", "base_lr": "${1 / n}", "lr_policy": "step", "stepsize": 3, "gamma": 0.5},
    {"base_lr": 0.1, "lr_policy": "multistep", "gamma": 0.5, "stepvalue": [1, 5], "test_iter": 3, "test_interval": 2},
    {"base_lr": 1e-3, "lr_policy": "fixed", "test_set": 20, "test_interval": 5, "test_state": {"stage": "val"}},
]


def make_spec(random):
    """The text of a spec."""
    n = random.choice([*[4] * 16, 3, 1, 0, None])
    variables = {"n": n, "text": random.choice(["x", "a b", "${n}x", "~~", "é"]), "wide": "${n * 2}", "last": "data"}
    spec = {"name": random.choice(["net", "${text}", ""]), "vars": variables}
    if random.random() < 0.3:
        spec["defaults"] = {one["type"]: _without(one, FIXED) for one in random.sample(LAYERS, 2)}
    if random.random() < 0.4:
        spec["blocks"] = {"unit": _block(random)}
    spec["layers"] = [
        {"name": "data", **random.choice(SOURCES)},
        *_items(random, 0, "unit" if "blocks" in spec else None),
    ]
    spec["layers"].append({"name": "scores", "type": "InnerProduct", "num_output": 10})
    spec["layers"].append({"name": "noise", "type": "DummyData", "shape": {"dim": [4, 10]}})
    spec["layers"] += [_layer(random, f"loss{i}", LOSSES) for i in range(random.choice([0, 1, 1, 2]))]
    if random.random() < 0.5:
        spec["deploy"] = random.choice([{}, {"batch": 1}, {"outputs": ["prob"]}, {"inputs": {"data": [1, 3, 8, 8]}}])
    if random.random() < 0.5:
        spec["solver"] = random.choice(SOLVERS)
    return yaml.dump(spec, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, default_flow_style=None)


def _without(layer, keys):
    return {key: value for key, value in layer.items() if key not in keys}


def _items(random, depth, block):
    return [_item(random, f"d{depth}l{i}", depth, block) for i in range(random.randint(1, 5))]


def _item(random, name, depth, block):
    action = random.random()
    if block and action < 0.2:
        return {"block": block, "name": name, "n": random.choice([2, 4, "$n"])}
    if depth < 2 and action < 0.35:
        turns = random.choice([{"i": {"from": 1, "to": 2}}, {"i": [1, 2], "o": [4, 8]}, {"i": {"from": 2, "to": "$n"}}])
        return {"repeat": turns, "layers": [_item(random, f"{name}_${{i}}", depth + 1, block)]}
    return _layer(random, name, LAYERS)


def _layer(random, name, kinds):
    layer = {"name": name, **random.choice(kinds)}
    if random.random() < 0.08:
        key = random.choice(list(OPTIONS))
        layer[key] = random.choice(OPTIONS[key])
    return layer


def _block(random):
    layers = [_layer(random, f"$name/{i}", LAYERS) for i in range(random.randint(1, 3))]
    block = {"params": {"name": None, "n": random.choice([4, 4, None])}, "layers": layers}
    return block if random.random() < 0.7 else {**block, "output": random.choice(["$bottom", "$name/0", "nothing"])}
