"""Prototxt that is too large, too deep, or no prototxt."""

from making import NET, Case, numbered, prototxt, repeated

PROTOTXT_CASES = [
    Case("prototxt", "32 MB of `layer {`", prototxt(repeated("layer { ")), 1, "error[too-deep]", 30),
    Case(
        "prototxt",
        "32 MB of `layer { a { a {`",
        prototxt(repeated("a { ", before="layer { ")),
        1,
        "error[too-deep]",
        30,
    ),
    Case("prototxt", "32 MB of `[`", prototxt(repeated("[", before="input_dim: ")), 1, "error[syntax]", 30),
    Case("prototxt", "32 MB of `<`", prototxt(repeated("<", before="layer ")), 1, "error", 30),
    Case("prototxt", "32 MB of `}`", prototxt(repeated("}", before=NET)), 1, "error[syntax]", 30),
    Case(
        "prototxt",
        "32 MB of unknown fields",
        prototxt(numbered("f#: 1\n", before=NET)),
        1,
        "error[unknown-field]",
        2100,
    ),
    Case(
        "prototxt",
        "32 MB of unknown fields on one line",
        prototxt(numbered("f#: 1 ", before=NET)),
        1,
        "error[unknown-field]",
        2100,
    ),
    Case(
        "prototxt",
        '32 MB of `name: "a"`',
        prototxt(repeated('name: "a"\n', before=NET)),
        1,
        "error[duplicate-field]",
        1000,
    ),
    Case(
        "prototxt",
        "32 MB of dims",
        prototxt(
            repeated("dim: 1 ", before='layer { name: "a" type: "Input" top: "a" input_param { shape { ', after="} } }")
        ),
        1,
        "error[axis-count]",
    ),
    Case(
        "prototxt",
        "32 MB of dims as a list",
        prototxt(
            repeated(
                "1,", before='layer { name: "a" type: "Input" top: "a" input_param { shape { dim: [', after="1] } } }"
            )
        ),
        1,
        "error[axis-count]",
    ),
    Case(
        "prototxt",
        "32 MB of layers",
        prototxt(numbered('layer { name: "r#" type: "ReLU" bottom: "a" top: "r#" }\n', before=NET)),
        0,
        "",
    ),
    Case(
        "prototxt",
        "32 MB of layers that read nothing there is",
        prototxt(numbered('layer { name: "r#" type: "ReLU" bottom: "b#" top: "r#" }\n', before=NET)),
        1,
        "error[unknown-bottom]",
        1000,
    ),
    Case(
        "prototxt",
        "32 MB of V0 layers of no type",
        prototxt(
            numbered('layers { layer { name: "r#" type: "x" } }\n', before="input: 'a' input_dim: [1, 1, 1, 1]\n")
        ),
        1,
        "error[unknown-v0-type]",
        1000,
    ),
    Case("prototxt", "32 MB in one string", prototxt(repeated("x", before='name: "', after=f'" {NET}')), 0, ""),
    Case(
        "prototxt",
        "32 MB of adjacent strings",
        prototxt(repeated('"x" ', before="name: ", after=NET)),
        1,
        "error[syntax]",
        30,
    ),
    Case(
        "prototxt", "32 MB of an unclosed string", prototxt(repeated("x", before=f'{NET}name: "')), 1, "error[syntax]"
    ),
    Case(
        "prototxt",
        "100,000 escapes in a string",
        prototxt('name: "' + "\\\\" * 100_000 + f'" {NET}'),
        1,
        "more than 99,999 escapes",
    ),
    Case("prototxt", "32 MB of `#`", prototxt(repeated("#", before=NET)), 0, ""),
    Case("prototxt", "32 MB of zero bytes", prototxt(lambda size: NET.encode() + bytes(size)), 1, "error[syntax]", 30),
    Case("prototxt", "32 MB of a word", prototxt(repeated("x", before=NET)), 1, "error[syntax]", 2),
    Case("prototxt", "32 MB of digits", prototxt(repeated("9", before=f"{NET}force_backward: ")), 1, "error", 2),
    Case(
        "prototxt",
        "a number of 1 MB for a dim",
        prototxt(f'layer {{ name: "a" type: "Input" top: "a" input_param {{ shape {{ dim: {"9" * 10**6} }} }} }}'),
        1,
        "error[out-of-range]",
    ),
    Case("prototxt", "a byte order mark", prototxt(b"\xef\xbb\xbf" + NET.encode()), 0, ""),
    Case("prototxt", "CRLF", prototxt(NET.replace("\n", "\r\n")), 0, ""),
    Case("prototxt", "Latin-1 in a comment", prototxt(b"# caf\xe9\n" + NET.encode()), 0, ""),
    Case("prototxt", "NaN for a dim", prototxt(NET.replace("dim: 1", "dim: nan")), 1, "error[wrong-kind]"),
    Case(
        "prototxt", "a string that is no UTF-8", prototxt(b'name: "\xff\xfe"\n' + NET.encode()), 0, "warning[not-utf8]"
    ),
    Case(
        "prototxt",
        "an escape sequence in a name",
        prototxt('layer { name: "\x1b[2J\x07\\n" type: "\x1b[31mNo" top: "a" }\n'),
        1,
        "error[unknown-type]",
    ),
    Case(
        "prototxt",
        "1,000 unclosed blocks",
        prototxt("".join(f'layer {{\n  name: "a{i}"\n' for i in range(1000))),
        1,
        "error",
        1001,
    ),
    Case("prototxt", "a binary net", prototxt(bytes(range(256)) * 100), 1, "error", 30),
    Case(
        "prototxt",
        "10,000 inputs and one input_dim",
        prototxt("".join(f'input: "i{i}"\n' for i in range(10_000)) + "input_dim: 1\n"),
        1,
        "error[input-shape-missing]",
        1000,
    ),
    Case(
        "prototxt",
        "a chain of 10,000 padding layers",
        prototxt(
            "input: 'p0' input_dim: [1, 1, 1, 1]\n"
            + "".join(
                f'layers {{ layer {{ name: "{i}" type: "padding" pad: 1 }} bottom: "p{i}" top: "p{i + 1}" }}\n'
                for i in range(10_000)
            )
        ),
        1,
        "error",
        1000,
    ),
]
