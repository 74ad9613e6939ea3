"""Blocks, repetitions and imports that have no end or lead outside."""

from making import LAYERS, TO_FILE, Case, blocks, call, link, nested_repeats, repeated, spec, special

EXPANSION_CASES = [
    Case("expansion", "blocks that expand to 10^20 layers", spec(blocks(20, 10)), 1, "error[expansion-limit]"),
    Case(
        "expansion",
        "repetitions nested 10 deep, 100 turns each",
        spec(nested_repeats(10, 100)),
        1,
        "error[expansion-limit]",
    ),
    Case(
        "expansion",
        "a repetition from 1 to 2^31 - 2",
        spec(f"{LAYERS}  - {{repeat: {{i: {{from: 1, to: 2147483646}}}}, layers: [{{name: r$i, type: ReLU}}]}}\n"),
        1,
        "error[expansion-limit]",
    ),
    Case(
        "expansion",
        "an empty repetition from 1 to 2^31 - 2",
        spec(f"{LAYERS}  - {{repeat: {{i: {{from: 1, to: 2147483646}}}}, layers: []}}\n"),
        0,
        "",
    ),
    Case(
        "expansion",
        "10^9 turns of which none makes a layer",
        spec(
            f"{LAYERS}  - repeat: {{i: {{from: 1, to: 1000000000}}}}\n"
            "    layers: [{name: r$i, type: ReLU, when: false}]\n"
        ),
        1,
        "error[expansion-limit]",
    ),
    Case(
        "expansion",
        "a block that uses itself",
        spec(f"blocks: {{b: {{layers: [{{block: b}}]}}}}\n{LAYERS}  - {{block: b}}\n"),
        1,
        "error[recursive-block]",
    ),
    Case(
        "expansion",
        "blocks that use each other",
        spec(f"blocks: {{a: {{layers: [{{block: b}}]}}, b: {{layers: [{{block: a}}]}}}}\n{LAYERS}  - {{block: b}}\n"),
        1,
        "error[recursive-block]",
    ),
    Case(
        "expansion",
        "a chain of 100,000 blocks",
        spec(
            lambda size: (
                "blocks:\n  b0: {layers: [{name: x, type: ReLU}]}\n"
                + "".join(f"  b{i}: {{layers: [{{block: b{i - 1}}}]}}\n" for i in range(1, min(size // 30, 100_000)))
                + LAYERS
                + f"  - {{block: b{min(size // 30, 100_000) - 1}}}\n"
            )
        ),
        1,
        "error[too-deep]",
    ),
    Case(
        "expansion",
        "variables that name each other",
        spec(f"vars: {{a: $b, b: $a}}\n{LAYERS}"),
        1,
        "error[unknown-variable]",
        2,
    ),
]

IMPORT_CASES = [
    Case(
        "imports",
        "`../../etc/passwd`",
        spec(f"imports: [../../../../../../etc/passwd]\n{LAYERS}"),
        1,
        "error[import-outside-root]",
    ),
    Case("imports", "an absolute path", spec(f"imports: [/etc/passwd]\n{LAYERS}"), 1, "error[import-outside-root]"),
    Case(
        "imports",
        "a symbolic link that leads outside",
        call(*TO_FILE, prepare=link("outside")),
        1,
        "error[import-outside-root]",
    ),
    Case(
        "imports",
        "a symbolic link to /dev/zero",
        call(*TO_FILE, prepare=link("/dev/zero")),
        1,
        "error[import-outside-root]",
    ),
    Case(
        "imports", "a symbolic link to itself", call(*TO_FILE, prepare=link("link.yaml")), 1, "error[import-not-found]"
    ),
    Case("imports", "itself", spec(f"imports: [spec.yaml]\n{LAYERS}"), 1, "error[import-cycle]"),
    Case(
        "imports",
        "a circle of 3",
        spec(
            f"imports: [a.yaml]\n{LAYERS}",
            files={"a.yaml": "imports: [b.yaml]\nvars: {}\n", "b.yaml": "imports: [a.yaml]\nvars: {}\n"},
        ),
        1,
        "error[import-cycle]",
    ),
    Case("imports", "a folder", spec(f"imports: [.]\n{LAYERS}"), 1, "error[import-not-found]"),
    Case(
        "imports",
        "a named pipe",
        call("compile", "importing.yaml", "-o", "out.prototxt", prepare=special("pipe")),
        1,
        "error[import-not-found]",
    ),
    Case("imports", "a null character", spec(f'imports: ["a\\0b"]\n{LAYERS}'), 1, "error[import"),
    Case(
        "imports",
        "a name of 100,000 characters",
        spec(f"imports: [{'n' * 100_000}]\n{LAYERS}"),
        1,
        "error[import-not-found]",
    ),
    Case(
        "imports",
        "a library of 32 MB that is none",
        spec(f"imports: [a.yaml]\n{LAYERS}", files={"a.yaml": repeated("[")}),
        1,
        "error[too-deep]",
    ),
    Case(
        "imports",
        "1,200 libraries in a chain",
        spec(
            f"imports: [l0.yaml]\n{LAYERS}",
            files={f"l{i}.yaml": f"imports: [l{i + 1}.yaml]\nvars: {{v{i}: 1}}\n" for i in range(1200)},
        ),
        1,
        "error",
    ),
    Case(
        "imports",
        "1,200 libraries",
        spec(
            f"imports: [{', '.join(f'l{i}.yaml' for i in range(1200))}]\n{LAYERS}",
            files={f"l{i}.yaml": f"vars: {{v{i}: 1}}\n" for i in range(1200)},
        ),
        1,
        "error[expansion-limit]",
    ),
    Case(
        "imports",
        "Latin-1",
        spec(f"imports: [a.yaml]\n{LAYERS}", files={"a.yaml": "vars: {a: \xe9}\n".encode("latin-1")}),
        1,
        "is not UTF-8",
    ),
]
