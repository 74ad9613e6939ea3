"""The language server over standard input and output, driven by pygls' own client."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVER = [sys.executable, "-m", "netcompile", "lsp"]

DATA = "  - {name: data, type: Input, top: [data, label], shape: [{dim: [2, 3, 9, 9]}, {dim: [2]}]}\n"
CONV = "  - {name: conv, type: Convolution, num_output: 4, kernel_size: 3, bottom: data}\n"
SPEC = f"layers:\n{DATA}{CONV}"


@pytest.fixture
def opened(editor, tmp_path):
    """Open a text as a file of its own; closed afterwards."""
    uris = []

    def opening(text, name="net.yaml"):
        uris.append(editor.open(tmp_path / name, text))
        return uris[-1]

    yield opening
    for uri in uris:
        editor.close(uri)


def codes(found):
    return [(one.code, one.range.start.line, one.range.start.character) for one in found]


def lines_of(hints):
    return {hint.position.line: hint.label for hint in hints}


def ask_hints(editor, uri, first=0, last=1000):
    types = editor.types
    params = types.InlayHintParams(
        types.TextDocumentIdentifier(uri), types.Range(types.Position(first, 0), types.Position(last, 0))
    )
    return editor.run(editor.client.text_document_inlay_hint_async(params))


def test_says_who_it_is_and_what_it_can(editor):
    assert editor.started.server_info.name == "netcompile"
    can = editor.started.capabilities
    assert can.hover_provider
    assert can.definition_provider
    assert can.inlay_hint_provider
    assert can.rename_provider.prepare_provider
    assert "$" in can.completion_provider.trigger_characters


def test_findings_follow_the_text(editor, opened):
    uri = opened(SPEC)
    assert editor.findings(uri, 1) == []
    editor.change(uri, SPEC + "  - {name: ip, type: InnerProduct, num_output: 3, axis: 7}\n")
    (found,) = editor.findings(uri, 2)
    assert (found.code, found.source, found.severity) == (
        "axis-range",
        "netcompile",
        editor.types.DiagnosticSeverity.Error,
    )
    assert "axis 7 is out of range for" in found.message
    assert (found.range.start.line, found.range.start.character, found.range.end.character) == (3, 56, 57)
    editor.change(uri, SPEC + "  - {name: ip, type: InnerProduct, num_output: 3}\n")
    assert editor.findings(uri, 3) == []


def test_findings_have_their_hint_and_what_belongs_to_them(editor, opened):
    uri = opened(SPEC + CONV.replace("bottom: data", "bottom: dat").replace("name: conv", "name: two"))
    (found,) = editor.findings(uri, 1)
    assert found.message.endswith("hint: did you mean 'data'?")
    uri = opened(f"layers:\n{DATA}{CONV}{CONV}", "twice.yaml")
    found = next(one for one in editor.findings(uri, 1) if one.code == "duplicate-top")
    assert [(one.location.uri, one.location.range.start.line) for one in found.related_information] == [(uri, 2)]


def test_findings_on_prototxt(editor, opened):
    uri = opened('layer {\n  name: "a"\n  type: "Imput"\n  top: "a"\n}\n', "net.prototxt")
    assert codes(editor.findings(uri, 1)) == [("unknown-type", 2, 8)]
    editor.change(uri, 'layer {\n  name: "a"\n  type: "Input"\n  top: "a"\n  input_param { shape { dim: 1 } }\n}\n')
    assert editor.findings(uri, 2) == []
    assert not ask_hints(editor, uri)


def test_other_yaml_is_left_alone(editor, opened):
    uri = opened("services: {web: {image: nginx}}\n", "compose.yaml")
    assert editor.findings(uri, 1) == []


def test_findings_go_with_the_text(editor, opened):
    uri = opened("layers: [\n")
    assert codes(editor.findings(uri, 1)) == [("syntax", 1, 0)]
    editor.close(uri)
    assert editor.findings(uri, count=2) == []
    opened(SPEC)


def test_a_saved_library_reaches_those_that_import_it(editor, opened, tmp_path):
    library = tmp_path / "lib.yaml"
    library.write_text("blocks:\n  b:\n    layers:\n      - {name: p, type: Flatten, axis: 9}\n", encoding="utf-8")
    uri = opened(f"imports: [lib.yaml]\n{SPEC}  - {{block: b}}\n")
    (found,) = editor.findings(uri, 1)
    assert codes([found]) == [("axis-range", 4, 12)]
    assert found.related_information[0].location.uri == library.as_uri()
    assert lines_of(ask_hints(editor, uri))[4] == "p ?"
    library.write_text(library.read_text(encoding="utf-8").replace("9", "1"), encoding="utf-8")
    other = opened(library.read_text(encoding="utf-8"), "lib.yaml")
    editor.save(other)
    assert editor.findings(uri, count=2) == []
    assert lines_of(ask_hints(editor, uri))[4] == "p 2x196"


def test_hints(editor, opened):
    uri = opened(SPEC)
    assert lines_of(ask_hints(editor, uri)) == {1: "2x3x9x9, 2", 2: "2x4x7x7"}
    assert lines_of(ask_hints(editor, uri, 2, 2)) == {2: "2x4x7x7"}
    editor.change(uri, "# a line more\n" + SPEC.replace("kernel_size: 3", "kernel_size: 5"))
    assert lines_of(ask_hints(editor, uri)) == {2: "2x3x9x9, 2", 3: "2x4x5x5"}


def test_a_broken_text_keeps_what_was_known(editor, opened):
    types = editor.types
    uri = opened(SPEC)
    assert lines_of(ask_hints(editor, uri)) == {1: "2x3x9x9, 2", 2: "2x4x7x7"}
    editor.change(uri, f"name: x\n{SPEC}  - {{name: new, bottom: [\n")
    assert lines_of(ask_hints(editor, uri)) == {2: "2x3x9x9, 2", 3: "2x4x7x7"}
    hover = editor.run(editor.client.text_document_hover_async(types.HoverParams(**editor.at(uri, 3, 12))))
    assert "2x4x7x7" in hover.contents.value
    assert hover.range.start.line == 3
    params = types.DefinitionParams(**editor.at(uri, 3, 77))
    (found,) = editor.run(editor.client.text_document_definition_async(params))
    assert (found.uri, found.range.start.line) == (uri, 2)
    assert codes(editor.findings(uri, 2)) == [("syntax", 5, 0)]


def chain(count):
    """Layers that take some time to understand."""
    layers = [f"  - {{name: r{i}, type: ReLU, bottom: {'data' if i == 0 else f'r{i - 1}'}}}\n" for i in range(count)]
    return f"layers:\n{DATA}{''.join(layers)}"


def test_answers_know_of_an_edit_right_before_them(editor, opened):
    types = editor.types
    uri = opened(chain(300))
    for size in (7, 5, 6):
        editor.change(uri, chain(300).replace("[2, 3, 9, 9]", f"[2, 3, {size}, {size}]"))
        assert lines_of(ask_hints(editor, uri, 9, 9)) == {9: f"2x3x{size}x{size}"}
    editor.change(uri, chain(300).replace("bottom: r6}", "bottom: r5}"))
    hover = editor.run(editor.client.text_document_hover_async(types.HoverParams(**editor.at(uri, 9, 37))))
    assert "blob `r5`" in hover.contents.value  # in the very line that has changed
    editor.change(uri, chain(300).replace("name: r7,", "name: q7,"))
    params = types.RenameParams(**editor.at(uri, 9, 12), new_name="new")
    (edit,) = editor.run(editor.client.text_document_rename_async(params)).changes[uri]
    assert edit.range.start.line == 9


def test_a_huge_net_is_answered_for_from_before(editor, opened):
    types = editor.types
    text = chain(6000)
    uri = opened(text)
    assert lines_of(ask_hints(editor, uri, 9, 9)) == {9: "2x3x9x9"}
    editor.refreshed.clear()
    changed = "# a line more\n" + text.replace("[2, 3, 9, 9]", "[2, 3, 5, 5]").replace("bottom: r18}", "bottom: r7}")
    editor.change(uri, changed)
    assert lines_of(ask_hints(editor, uri, 9, 9)) == {9: "2x3x9x9"}
    hover = editor.run(editor.client.text_document_hover_async(types.HoverParams(**editor.at(uri, 9, 12))))
    assert "layer `r6`" in hover.contents.value
    assert "2x3x9x9" in hover.contents.value
    # What has changed is waited for.
    hover = editor.run(editor.client.text_document_hover_async(types.HoverParams(**editor.at(uri, 22, 38))))
    assert "blob `r7`" in hover.contents.value
    assert "2x3x5x5" in hover.contents.value
    assert editor.refreshed.wait(60)
    assert lines_of(ask_hints(editor, uri, 9, 9)) == {9: "2x3x5x5"}


def test_a_text_that_is_closed_has_no_answers(editor, opened):
    types = editor.types
    uri = opened(SPEC)
    editor.close(uri)
    at = editor.at(uri, 2, 12)
    client = editor.client
    assert editor.run(client.text_document_hover_async(types.HoverParams(**at))) is None
    assert not editor.run(client.text_document_definition_async(types.DefinitionParams(**at)))
    assert not editor.run(client.text_document_completion_async(types.CompletionParams(**at)))
    assert editor.run(client.text_document_rename_async(types.RenameParams(**at, new_name="x"))) is None
    assert not ask_hints(editor, uri)
    opened(SPEC)


def test_hover(editor, opened):
    uri = opened(SPEC)
    hover = editor.run(editor.client.text_document_hover_async(editor.types.HoverParams(**editor.at(uri, 2, 77))))
    assert hover.contents.kind == editor.types.MarkupKind.Markdown
    assert "blob `data`" in hover.contents.value
    assert "**2x3x9x9** in TRAIN, TEST" in hover.contents.value
    nothing = editor.run(editor.client.text_document_hover_async(editor.types.HoverParams(**editor.at(uri, 90, 9))))
    assert nothing is None


def test_definition_in_another_file(editor, opened, tmp_path):
    (tmp_path / "lib.yaml").write_text("blocks:\n  b:\n    layers: []\n", encoding="utf-8")
    uri = opened(f"imports: [lib.yaml]\n{SPEC}  - {{block: b}}\n")
    params = editor.types.DefinitionParams(**editor.at(uri, 4, 12))
    (found,) = editor.run(editor.client.text_document_definition_async(params))
    assert found.uri == (tmp_path / "lib.yaml").as_uri()
    assert (found.range.start.line, found.range.start.character, found.range.end.character) == (1, 2, 3)


def test_completion_of_a_half_typed_line(editor, opened):
    uri = opened(SPEC)
    line = "  - {name: ip, type: InnerProduct, bottom: co"
    editor.change(uri, SPEC + line)
    params = editor.types.CompletionParams(**editor.at(uri, 3, len(line)))
    found = editor.run(editor.client.text_document_completion_async(params)).items
    assert [(item.label, item.detail) for item in found] == [
        ("conv", "2x4x7x7"),
        ("data", "2x3x9x9"),
        ("label", "2"),
    ]
    assert sorted(item.sort_text for item in found) == [item.sort_text for item in found]
    edit = found[0].text_edit
    assert (edit.new_text, edit.range.start.character, edit.range.end.character) == ("conv", len(line) - 2, len(line))


def test_rename(editor, opened):
    types = editor.types
    uri = opened(SPEC + "  - {name: relu, type: ReLU, bottom: conv}\n")
    found = editor.run(
        editor.client.text_document_prepare_rename_async(types.PrepareRenameParams(**editor.at(uri, 3, 40)))
    )
    assert (found.placeholder, found.range.start.character, found.range.end.character) == ("conv", 37, 41)
    params = types.RenameParams(**editor.at(uri, 3, 40), new_name="conv1")
    edits = editor.run(editor.client.text_document_rename_async(params)).changes[uri]
    places = [(edit.range.start.line, edit.range.start.character, edit.range.end.character) for edit in edits]
    assert places == [(2, 11, 15), (3, 37, 41)]
    assert {edit.new_text for edit in edits} == {"conv1"}


@pytest.mark.parametrize(
    ("line", "column", "new", "why"),
    [
        (2, 12, "data", "already the name of a layer"),
        (2, 12, "label", "already a blob"),
        (1, 25, "x", "only layers and blobs"),
        (0, 0, "x", "only layers and blobs"),
    ],
)
def test_a_refused_renaming_says_why(editor, opened, line, column, new, why):
    uri = opened(SPEC)
    params = editor.types.RenameParams(**editor.at(uri, line, column), new_name=new)
    with pytest.raises(Exception, match=why) as refused:
        editor.run(editor.client.text_document_rename_async(params))
    assert refused.value.code == editor.types.LSPErrorCodes.RequestFailed


def test_characters_beyond_the_basic_plane_count_as_the_client_counts(editor, opened):
    uri = opened(SPEC.replace("name: conv", "name: 😀conv") + "  - {name: relu, type: ReLU, bottom: 😀conv}\n")
    types = editor.types
    params = types.RenameParams(**editor.at(uri, 3, 43), new_name="conv")
    edits = editor.run(editor.client.text_document_rename_async(params)).changes[uri]
    places = [(edit.range.start.line, edit.range.start.character, edit.range.end.character) for edit in edits]
    assert places == [(2, 11, 17), (3, 37, 43)]  # in UTF-16 code units
    assert ask_hints(editor, uri, 3, 3)[0].position.character == len("  - {name: relu, type: ReLU, bottom: xxconv}")


def test_carriage_returns_do_not_matter(editor, opened):
    uri = opened(SPEC.replace("\n", "\r\n"))
    assert editor.findings(uri, 1) == []
    assert [(hint.position.line, hint.position.character) for hint in ask_hints(editor, uri)] == [
        (1, len(DATA) - 1),
        (2, len(CONV) - 1),
    ]


# Start and end


def test_a_refusal_is_no_fault_of_ours(start_editor, tmp_path):
    editor = start_editor(SERVER)
    types = editor.types
    for name, text, why in (("net.yaml", SPEC, "already a blob"), ("net.prototxt", "name: 'a'", "only in specs")):
        uri = editor.open(tmp_path / name, text)
        params = types.RenameParams(**editor.at(uri, 2 if name == "net.yaml" else 0, 12), new_name="label")
        with pytest.raises(Exception, match=why) as refused:
            editor.run(editor.client.text_document_rename_async(params))
        assert refused.value.code == types.LSPErrorCodes.RequestFailed
    assert editor.stop() == (0, "")


def test_a_goodbye_ends_it_well(start_editor, tmp_path):
    editor = start_editor(SERVER)
    editor.findings(editor.open(tmp_path / "net.yaml", SPEC), 1)
    assert editor.stop() == (0, "")


def test_the_end_of_the_input_ends_it(pygls):
    del pygls
    done = subprocess.run(SERVER, input=b"", capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


def test_nothing_is_left_when_the_client_dies(start_editor, tmp_path):
    editor = start_editor(SERVER)
    editor.findings(editor.open(tmp_path / "net.yaml", SPEC), 1)
    editor.server._transport.get_pipe_transport(0).close()  # noqa: SLF001 - as when the client is gone
    code, errors = editor.end()  # standard error ends when the last process that holds it does
    assert (code, errors) == (1, "")


def test_without_pygls_the_call_says_what_is_missing():
    hidden = "import sys; sys.modules['pygls'] = None; from netcompile.cli import main; sys.exit(main(['lsp']))"
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr == "netcompile: the language server needs pygls: pip install 'netcompile[lsp]'\n"


def test_the_compiler_does_not_load_it():
    call = "import sys; from netcompile.cli import main; main(['specs/srcnn.yaml']); sys.exit(str(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "netcompile.lsp" not in done.stderr
    assert "'pygls'" not in done.stderr
    assert "netcompile.compiler" in done.stderr
