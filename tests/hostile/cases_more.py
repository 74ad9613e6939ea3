"""Settings, binary messages and messages of forks; and what other commands make of what is too large."""

from making import LAYERS, NET, TO_FILE, Case, call, numbered, prototxt, spec

HUGE = 100_000_000


def _file(name, content):
    """Write a further file beside the spec; `content` may be a function that makes it."""

    def prepare(folder):
        path = folder / name
        made = content() if callable(content) else content
        path.write_bytes(made if isinstance(made, bytes) else made.encode())

    return prepare


def _settings(content):
    return call(*TO_FILE, prepare=_file("pyproject.toml", content))


def _sparse(folder):
    with (folder / "huge.yaml").open("wb") as file:
        file.truncate(3 << 30)


def _weights(data, *command):
    return call(*command, "net.caffemodel", prepare=_file("net.caffemodel", data))


def _fork(content):
    return call(
        "compile", "spec.yaml", "-o", "out.prototxt", "--caffe", "caffe_pb2.py", prepare=_file("caffe_pb2.py", content)
    )


def _field(number, data):
    """A field of a binary message that holds bytes."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value):
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _nested(depth):
    data = b""
    for _ in range(depth):
        data = _field(100, data)
    return data


_TOPS = " ".join(f'top: "t#_{i}"' for i in range(60))
SPLITS = numbered(f'layer {{ name: "s#" type: "Split" bottom: "a" {_TOPS} }}\n', before=NET)
RESHAPES = numbered("  - {name: r#, type: Reshape, shape: {dim: [0, -1]}}\n", before=LAYERS)
LARGE_NET = numbered('layer { name: "r#" type: "ReLU" bottom: "a" top: "r#" }\n', before=NET)

HUGE_CASES = [
    Case("100 MB", "a spec", spec(lambda _size: "x" * HUGE), 1, "error[expansion-limit]"),
    Case("100 MB", "a net", prototxt(lambda _size: "#" * HUGE), 1, "error[expansion-limit]"),
    Case(
        "100 MB",
        "a library",
        spec("imports: [a.yaml]\nlayers: []\n", files={"a.yaml": lambda _size: "x" * HUGE}),
        1,
        "error[expansion-limit]",
    ),
    Case(
        "100 MB",
        "a value of `--set` in a file of settings",
        _settings(lambda: "[tool.netcompile.set]\na = '" + "x" * HUGE + "'\n"),
        1,
        "error",
    ),
    Case("100 MB", "a spec of 3 GB", call("compile", "huge.yaml", prepare=_sparse), 2, "huge.yaml"),
    Case("100 MB", "a .caffemodel of zero bytes", _weights(lambda: bytes(HUGE), "import"), 2, "holds no NetParameter"),
]
COMMAND_CASES = [
    Case(
        "commands",
        "`import` of 16 MB of layers",
        prototxt(lambda size: LARGE_NET(size // 2), "import", "-o", "out.yaml"),
        0,
        "",
    ),
    Case("commands", "`check` of 4 MB of Split layers on one blob", prototxt(lambda size: SPLITS(size // 8)), 0, ""),
    Case("commands", "`compile` of 4 MB of Reshape layers in a row", spec(lambda size: RESHAPES(size // 8)), 0, ""),
    Case("commands", "`upgrade` of 32 MB of layers", prototxt(LARGE_NET, "upgrade", "-o", "new.prototxt"), 0, ""),
    Case("commands", "`diff` of 32 MB of layers with itself", prototxt(LARGE_NET, "diff", "net.prototxt"), 0, ""),
    Case("commands", "`show` of 32 MB of brackets", prototxt(lambda size: "{" * size, "show"), 1, "error", 30),
    Case(
        "commands", "`import` of what is no net", prototxt(b"\xff\xfe\x00" * 1000, "import"), 2, "holds no NetParameter"
    ),
    Case("commands", "`import` of HDF5", prototxt(b"\x89HDF\r\n\x1a\n" * 10, "import"), 2, "is HDF5"),
    Case(
        "commands",
        "`diff` of messages nested 10,000 deep",
        _weights(_nested(10_000), "diff", "spec.yaml"),
        2,
        "error[unknown-field]",
    ),
    Case(
        "commands", "`import` of a message that ends early", _weights(_field(100, b"abc")[:-2], "import"), 2, "holds no"
    ),
    Case("commands", "`check` of a .caffemodel", _weights(_field(1, b"net"), "check"), 1, "error[syntax]"),
    Case("settings", "no TOML", _settings("[tool.netcompile\n"), 2, "pyproject.toml"),
    Case("settings", "Latin-1", _settings("[tool.netcompile]\noutput = 'caf\xe9'\n".encode("latin-1")), 2, "not UTF-8"),
    Case("settings", "100,000 brackets", _settings("[tool.netcompile]\nspecs = " + "[" * 100_000), 2, "pyproject.toml"),
    Case("settings", "a key that is none", _settings("[tool.netcompile]\noutptu = 'x'\n"), 2, "did you mean 'output'"),
    Case("settings", "a value of another kind", _settings("[tool.netcompile]\nstrict = 'yes'\n"), 2, "true or false"),
    Case("settings", "escape sequences", _settings('[tool.netcompile]\n"a\\u001b[2J" = 1\n'), 2, "no setting"),
    Case("forks", "a module that runs `os.system`", _fork("import os\nos.system('touch pwned')\n"), 2, "caffe_pb2.py"),
    Case(
        "forks",
        "a description that is none",
        _fork("DESCRIPTOR = AddSerializedFile(b'\\xff\\xff')\n"),
        2,
        "caffe_pb2.py",
    ),
    Case("forks", "no UTF-8", _fork(b"\xff\xfe\x00"), 2, "caffe_pb2.py"),
    Case("forks", "a string that is not closed", _fork("AddSerializedFile(b'" + "\\x00" * 10**6), 2, "caffe_pb2.py"),
    Case("forks", "itself a folder", call("compile", "spec.yaml", "--caffe", "."), 2, "caffe_pb2.py"),
    Case("forks", "a spec", call("compile", "spec.yaml", "--caffe", "spec.yaml"), 2, "spec.yaml"),
]
