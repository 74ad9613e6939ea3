"""The words and numbers that mutations put in."""

from netcompile import caffe_pb2
from netcompile.layers import LAYER_TYPES

INTEGERS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 16, -1, -2, -3]
HUGE = [10**3, 10**6, 2**31 - 1, 2**31, 2**32 - 1, 2**32, -(2**31), -(2**31) - 1, 2**63 - 1, 2**63, 10**30, 10**400]
FLOATS = [0.0, 0.5, 1.0, -1.0, 1e-3, 3.5, -0.0, 1e38, 1e39, 1e-50, 1e308, float("inf"), float("-inf"), float("nan")]
SMALL_FLOATS = FLOATS[:6]
NUMBERS = [*INTEGERS, *HUGE, *FLOATS]
TEXTS = [
    "", " ", "data", "label", "a", "$", "$$", "$a", "${a}", "${", "${a + 1}", "${1 / 0}", "${9 ** 9 ** 9}",
    "${[a] * 99}", "$bottom", "TRAIN", "TEST", "train", "deploy", "MAX", "xavier", "gaussian", "batch", "~", "null",
    "yes", "1e3", ".nan", "-.inf", "0x1F", "\ud800", "\x00", "\x1b[2J", "\u2028", "\x85", "\u202e", "\ufeff",
    "\U0001f600", "a\nb", "a\tb", "\x7f", "é" * 3, "../x", "/etc/passwd", "/dev/zero", ".", "!!python/object:os.system",
    "x" * 300, "*a", "&a", "<<", "{", "[", "'", '"',
]  # fmt: skip
NAMES = [
    "", "a", "b", "data", "in0", "in1", "w", "TRAIN", "constant", "gaussian", "xavier", "uniform", "bilinear", "msra",
    "sparse",
]  # fmt: skip
KEYS = [
    "name", "type", "bottom", "top", "vars", "defaults", "blocks", "imports", "layers", "deploy", "solver", "lint",
    "train", "test", "only", "when", "repeat", "block", "params", "output", "in_place", "include", "exclude",
    "top_shapes", "custom", "param", "from", "to", "inputs", "outputs", "batch", "stages", "loss_weight", "<<", "state",
    "phase", "stage", "param_str", "param_format", "test_set", "net", "~", "1", "$a", "${a}",
]  # fmt: skip
TOKENS = [
    *"{}[]<>,:;#&*!|>'\"%@`?-+.$~\\/= \t\n\r\x00", ": ", "- ", "\n  ", "---\n", "...\n", "!!", "!!str ", "!!float ",
    "&a ", "*a", "<<: ", "? ", "|\n", ">-\n", "\r\n", "\x85", "\u2028", "\ufeff", "\ud800", "\\u", "\\x", "1e999", "0x",
    "layer {", "layers {", "${", "$a", "true", "null", "%YAML 1.1\n", "%TAG ! x\n",
]  # fmt: skip
TYPES = sorted(LAYER_TYPES)
_MESSAGES = [caffe_pb2.NetParameter, caffe_pb2.SolverParameter, caffe_pb2.LayerParameter]
_BLOCKS = [field.message_type for field in caffe_pb2.LayerParameter.DESCRIPTOR.fields if field.message_type]
FIELDS = sorted({
    name for message in (*(one.DESCRIPTOR for one in _MESSAGES), *_BLOCKS) for name in message.fields_by_name
})  # fmt: skip
