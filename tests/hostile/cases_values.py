"""Values and expressions beyond all bounds, and thousands of mistakes."""

from making import LAYERS, Case, expression, layers, number, repeated, spec

VALUE_CASES = [
    Case("values", "`9**9**9**9`", expression("9 ** 9 ** 9 ** 9"), 1, "error[expansion-limit]"),
    Case("values", "`2 ** -10000000`", expression("2 ** -10000000"), 0, ""),
    Case("values", "`1e999999999`", expression("1e999999999"), 1, "error"),
    Case(
        "values",
        "an integer of 1,000,000 digits",
        spec(f"{LAYERS}  - {{name: b, type: InnerProduct, num_output: {'9' * 10**6}}}\n"),
        1,
        "error",
    ),
    Case("values", "`[0] * 10**9`", expression("[0] * 10**9"), 1, "error[bad-expression]"),
    Case("values", "an expression of 1,000,000 brackets", expression("(" * 10**6), 1, "error"),
    Case("values", "1,000,000 times `-`", number("-" * 10**6 + "1"), 1, "error[expansion-limit]"),
    Case("values", "1,000,000 times `not`", number("not " * 10**6 + "1"), 1, "error[expansion-limit]"),
    Case("values", "100,000 times `1 if 1 else`", number("1 if 1 else " * 10**5 + "1"), 1, "error[expansion-limit]"),
    Case("values", "a sum of 1,000,000 terms", number("1 + " * 10**6 + "1"), 1, "error[expansion-limit]"),
    Case("values", "lists in lists, 1,000,000 deep", number("[" * 10**6 + "]" * 10**6), 1, "error[expansion-limit]"),
    Case("values", "`1e308 * 10`", number("1e308 * 10"), 1, "error"),
    Case("values", "`2.5 ** 100000`", number("2.5 ** 100000"), 1, "error"),
    Case("values", "`1 / 0`", number("1 / 0"), 1, "error[bad-expression]"),
    Case("values", "`5 % 0`", number("5 % 0"), 1, "error[bad-expression]"),
    Case("values", "`(-8) ** 0.5`", number("(-8) ** 0.5"), 1, "error[bad-expression]"),
    Case("values", "`[1, 2][10**18]`", number("[1, 2][10**18]"), 1, "error"),
    Case("values", "`().__class__.__bases__`", expression("().__class__.__bases__"), 1, "error[bad-expression]"),
    Case("values", "`__import__(...)`", expression('__import__("os").system("touch pwned")'), 1, "error"),
    Case(
        "values",
        "a variable that doubles itself 100 times",
        spec(
            "vars:\n  a0: xx\n"
            + "".join(f"  a{i}: $a{i - 1}$a{i - 1}\n" for i in range(1, 100))
            + f"name: $a99\n{LAYERS}"
        ),
        1,
        "error[expansion-limit]",
    ),
    Case(
        "values",
        "lists that double themselves 60 times",
        spec("vars:\n  a0: [1]\n" + "".join(f"  a{i}: [$a{i - 1}, $a{i - 1}]\n" for i in range(1, 60)) + f"{LAYERS}"),
        1,
        "error[expansion-limit]",
    ),
    Case(
        "values",
        "NaN for an integer",
        spec(f"{LAYERS}  - {{name: b, type: InnerProduct, num_output: .nan}}\n"),
        1,
        "error[wrong-kind]",
    ),
    Case(
        "values",
        "infinity for an integer",
        spec(f"{LAYERS}  - {{name: b, type: InnerProduct, num_output: .inf}}\n"),
        1,
        "error[wrong-kind]",
    ),
    Case(
        "values",
        "NaN for a dim",
        spec("layers:\n  - {name: a, type: Input, shape: {dim: [.nan]}}\n"),
        1,
        "error[wrong-kind]",
    ),
    Case(
        "values", "1e308 for a float of 32 bits", spec(f"{LAYERS}  - {{name: b, type: Power, scale: 1e308}}\n"), 0, ""
    ),
    Case(
        "values",
        "2^63 for a dim",
        spec("layers:\n  - {name: a, type: Input, shape: {dim: [9223372036854775808]}}\n"),
        1,
        "error[out-of-range]",
    ),
    Case(
        "values",
        "a blob of 2^62 elements",
        spec("layers:\n  - {name: a, type: Input, shape: {dim: [2147483647, 2147483647]}}\n"),
        1,
        "error[blob-too-large]",
    ),
    Case(
        "values",
        "a net of 2^31 - 1 elements a blob",
        spec(
            "layers:\n  - {name: a, type: DummyData, shape: {dim: [2147483647]}}\n"
            + "".join(f"  - {{name: r{i}, type: ReLU, top: r{i}}}\n" for i in range(1000))
        ),
        0,
        "",
    ),
    Case(
        "values",
        "33 axes",
        spec(f"layers:\n  - {{name: a, type: Input, shape: {{dim: [{'1, ' * 33}]}}}}\n"),
        1,
        "error[axis-count]",
    ),
    Case(
        "values",
        "a dim list of 32 MB",
        spec(repeated("1, ", before="layers:\n  - {name: a, type: Input, shape: {dim: [", after="]}}\n")),
        1,
        "error[axis-count]",
    ),
    Case(
        "values",
        "a negative dim",
        spec("layers:\n  - {name: a, type: Input, shape: {dim: [-1]}}\n"),
        1,
        "error[negative-dim]",
    ),
    Case(
        "values",
        "a name of 1 MB",
        spec(f"layers:\n  - {{name: {'n' * 10**6}, type: Nothing}}\n"),
        1,
        "error[unknown-type]",
    ),
    Case(
        "values",
        "10,000 unknown fields",
        spec(LAYERS + "  - {name: b, type: ReLU, " + ", ".join(f"slope{i}: 1" for i in range(10_000)) + "}\n"),
        1,
        "error[unknown-field]",
        2100,
    ),
    Case(
        "values",
        "10,000 unknown bottoms, among 10,000 blobs",
        spec(
            layers("  - {name: layer#, type: DummyData, shape: {dim: 1}}\n", 10_000)
            + "".join(f"  - {{name: r{i}, type: ReLU, bottom: layr{i}}}\n" for i in range(10_000))
        ),
        1,
        "error[unknown-bottom]",
        1000,
    ),
    Case(
        "values",
        "10,000 layers in place on one blob that all read",
        spec(
            LAYERS
            + "".join(
                f"  - {{name: r{i}, type: ReLU, bottom: a, top: a}}\n"
                f"  - {{name: s{i}, type: Silence, bottom: a, top: []}}\n"
                for i in range(5_000)
            )
        ),
        1,
        "error[in-place-reader]",
        1000,
    ),
    Case(
        "values",
        "10,000 unknown variables",
        spec(LAYERS + "".join(f"  - {{name: r{i}, type: Power, scale: $nothing{i}}}\n" for i in range(10_000))),
        1,
        "error[unknown-variable]",
        1000,
    ),
]
