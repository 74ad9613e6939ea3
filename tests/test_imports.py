"""Imports: where a path leads, what may be imported, and what a library that can't be read does to the rest."""

import os

import pytest

import netcompile
from netcompile.diagnostics import Report
from netcompile.imports import MAX_DEPTH, find_root

IMAGE = "{name: data, type: Input, shape: {dim: [1, 1, 4, 4]}}"
LAYER = "{name: data, type: Input, shape: {dim: 1}}"


@pytest.fixture
def folder(tmp_path):
    """Writes files by their paths, and gives the folder."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


def findings(spec, **options):
    """What is found in a spec: the file's name, line, column, code and message of each."""
    try:
        netcompile.compile(spec, **options)
    except netcompile.CompileError as error:
        return [(os.path.basename(d.span.source.name), *d.span[1:3], d.code, d.message) for d in error.diagnostics]
    return []


def names(spec, **options):
    return [layer.name for layer in netcompile.compile(spec, **options).net.layer]


BLOCK = "blocks:\n  b:\n    layers: [{name: from_%s, type: Input, shape: {dim: 1}}]\n"


def test_a_path_is_relative_to_the_importing_file(folder, monkeypatch):
    root = folder(
        {
            "specs/net.yaml": "imports: lib/a.yaml\nlayers: [{block: b}]\n",
            "specs/lib/a.yaml": "imports: [../other/b.yaml]\nvars: {}\n",
            "specs/other/b.yaml": BLOCK % "other",
            "pyproject.toml": "",
        }
    )
    assert names(root / "specs" / "net.yaml") == ["from_other"]
    monkeypatch.chdir(root / "specs" / "lib")
    assert names("../net.yaml") == ["from_other"]


@pytest.mark.parametrize("mark", ["pyproject.toml", ".git/HEAD"])
def test_the_root_is_the_nearest_folder_with_a_mark(folder, mark):
    root = folder({mark: "", "a/b/net.yaml": "", "a/lib.yaml": ""})
    assert find_root(str(root / "a" / "b" / "net.yaml")) == str(root)
    (root / "a" / "pyproject.toml").write_text("")
    assert find_root(str(root / "a" / "b" / "net.yaml")) == str(root / "a")


def test_without_a_mark_the_root_is_the_folder_of_the_spec(folder):
    root = folder({"a/net.yaml": "imports: [../lib.yaml]\nlayers: []\n", "lib.yaml": "vars: {x: 1}\n"})
    if find_root(str(root / "a" / "net.yaml")) != str(root / "a"):
        pytest.skip("a folder above the temporary one has a mark")
    ((file, line, column, code, message),) = findings(root / "a" / "net.yaml")
    assert (file, line, column, code) == ("net.yaml", 1, 11, "import-outside-root")
    assert message == f"'../lib.yaml' is outside the root folder {root / 'a'}"
    assert findings(root / "a" / "net.yaml", root=root) == []


@pytest.mark.parametrize(
    "path", ["../outside.yaml", "lib/../../outside.yaml", "link.yaml", "folder/outside.yaml", "folder/../outside.yaml"]
)
def test_nothing_outside_the_root_is_read(folder, path):
    root = folder({"outside.yaml": BLOCK % "outside", "root/net.yaml": f"imports: [{path}]\nlayers: [{LAYER}]\n"})
    (root / "root" / "link.yaml").symlink_to("../outside.yaml")
    (root / "root" / "folder").symlink_to(root)
    (root / "inner").mkdir()
    ((_, line, column, code, _),) = findings(root / "root" / "net.yaml", root=root / "root")
    assert (line, column) == (1, 11)
    assert code == "import-outside-root"


def test_the_file_that_is_read_is_the_one_that_was_checked(folder):
    # By its letters `deep/../../secret.yaml` is outside; by the link it is inside the root.
    root = folder(
        {
            "secret.yaml": BLOCK % "secret",
            "root/a/secret.yaml": BLOCK % "inside",
            "root/a/b/c/x": "",
            "root/net.yaml": "imports: [deep/../../secret.yaml]\nlayers: [{block: b}]\n",
        }
    )
    (root / "root" / "deep").symlink_to("a/b/c")
    assert names(root / "root" / "net.yaml", root=root / "root") == ["from_inside"]


def test_absolute_paths_are_refused_even_inside_the_root(folder):
    root = folder({"lib.yaml": "vars: {x: 1}\n"})
    (root / "net.yaml").write_text(f"imports: [{root / 'lib.yaml'}]\nlayers: []\n")
    ((_, _, _, code, _),) = findings(root / "net.yaml")
    assert code == "import-outside-root"


def test_what_is_no_file_is_not_read(folder):
    root = folder({"net.yaml": 'imports: [pipe, folder, gone.yaml, "nu\\0ll"]\nlayers: []\n', "folder/x": ""})
    os.mkfifo(root / "pipe")
    found = findings(root / "net.yaml")
    assert [(column, code) for _, _, column, code, _ in found] == [
        (11, "import-not-found"),
        (17, "import-not-found"),
        (25, "import-not-found"),
        (36, "import-not-found"),
    ]
    assert [message.partition(": ")[2] for *_, message in found] == [
        "not a file",
        "not a file",
        "No such file or directory",
        "a path has no null character",
    ]


def test_cycles(folder):
    root = folder(
        {
            "net.yaml": "imports: [a.yaml, net.yaml]\nlayers: [{block: b}]\n",
            "a.yaml": "imports: [c.yaml]\n" + BLOCK % "a",
            "c.yaml": "vars: {}\nimports:\n  - a.yaml\n",
        }
    )
    assert findings(root / "net.yaml") == [
        ("c.yaml", 3, 5, "import-cycle", "'a.yaml' imports itself: a.yaml > c.yaml > a.yaml"),
        ("net.yaml", 1, 19, "import-cycle", "'net.yaml' imports itself: net.yaml > net.yaml"),
    ]


def test_a_library_is_read_once(folder, monkeypatch):
    root = folder(
        {
            "net.yaml": "imports: [a.yaml, b.yaml]\nlayers: [{name: $x, type: Input, shape: {dim: 1}}]\n",
            "a.yaml": "imports: [c.yaml]\nvars: {x: a}\n",
            "b.yaml": "imports: [c.yaml]\nvars: {}\n",
            "c.yaml": "vars: {x: c}\n",
        }
    )
    monkeypatch.chdir(root)
    assert names("net.yaml") == ["a"]


def test_a_long_chain_of_imports_is_refused(folder):
    count = MAX_DEPTH + 50
    chain = {f"l{i}.yaml": f"imports: [l{i + 1}.yaml]\nvars: {{}}\n" for i in range(count)}
    root = folder({**chain, f"l{count}.yaml": "vars: {x: 1}\n", "net.yaml": "imports: [l0.yaml]\nlayers: []\n"})
    ((_, _, _, code, _),) = findings(root / "net.yaml")
    assert code == "expansion-limit"


def test_findings_in_a_library_are_shown_there(folder):
    root = folder(
        {
            "net.yaml": "imports: [lib.yaml]\nlayers: [{block: conv, n: 1}, {block: conv, n: 2}]\n",
            "lib.yaml": "blocks:\n  conv:\n    params: {n: ~}\n    layers:\n"
            "      - {name: c$n, type: Convolution, num_output: 2, kernel_sise: 3, bottom: none$n}\n",
        }
    )
    assert [found[:4] for found in findings(root / "net.yaml")] == [
        ("lib.yaml", 5, 55, "unknown-field"),
        ("lib.yaml", 5, 79, "unknown-bottom"),
    ]


@pytest.mark.parametrize("text", ["a: [\n", "blocks: [\n", "- a\n", "x: !!int y\n---\n", ""])
def test_what_a_lost_library_may_have_had_is_not_missed(folder, text):
    root = folder(
        {
            "net.yaml": "imports: [lib.yaml]\nlayers:\n  - {block: b, x: $y}\n  - {name: c, type: ReLU, bottom: $z}\n"
            f"  - {IMAGE}\n  - {{name: d, type: Pooling, kernel_sise: 2, bottom: data}}\n",
            "lib.yaml": text,
        }
    )
    found = [(file, code) for file, _, _, code, _ in findings(root / "net.yaml")]
    assert ("net.yaml", "unknown-field") in found
    assert {file for file, code in found if code != "unknown-field"} == {"lib.yaml"}


def test_a_library_of_layers_is_refused(folder):
    root = folder({"net.yaml": "imports: [lib.yaml]\nlayers: []\n", "lib.yaml": f"layers: [{LAYER}]\n"})
    assert findings(root / "net.yaml")[0][3:] == (
        "not-a-library",
        "'lib.yaml' has `layers`; only a library can be imported",
    )


def test_custom_types_of_a_library_are_known(folder):
    root = folder(
        {
            "net.yaml": f"imports: [lib.yaml]\nlayers:\n  - {LAYER}\n  - {{block: b, n: 1}}\n"
            "  - {name: two, type: Mine, bottom: one1}\n",
            "lib.yaml": "defaults:\n  Mine: {custom: true}\n"
            "blocks:\n  b:\n    params: {n: ~}\n    layers: [{name: one$n, type: Mine, bottom: $bottom}]\n",
        }
    )
    assert names(root / "net.yaml") == ["data", "one1", "two"]


def test_imports_have_no_variables(folder):
    root = folder({"net.yaml": "imports: [$x]\nvars: {x: lib.yaml}\nlayers: []\n", "lib.yaml": "vars: {y: 1}\n"})
    assert findings(root / "net.yaml")[0][3:] == ("import-not-found", "'$x' can't be read: No such file or directory")


def test_a_document_without_imports_reads_nothing():
    report = Report()
    assert not list(report)
    assert [layer.name for layer in netcompile.compile({"layers": [{"name": "a", "type": "Input"}]}).net.layer] == ["a"]
