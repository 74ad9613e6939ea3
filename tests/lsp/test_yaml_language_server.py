"""The JSON Schema in the YAML language server that editors run: what is offered, shown and found."""

import itertools
import os
import shutil
from pathlib import Path

import pytest

from netcompile.layers import LAYER_TYPES

ROOT = Path(__file__).parents[2]
SPECS = sorted([*ROOT.glob("specs/*.yaml"), *ROOT.glob("specs/blocks/*.yaml")])
HEAD = "# yaml-language-server: $schema=../schemas/netcompile.schema.json\n"
SHORT = 80  # characters of a message that fits beside its line

POOLING = {"pool", "kernel_size", "stride", "pad", "global_pooling", "round_mode"}
DATA = {"source", "batch_size", "backend", "transform_param"}
DATA_LAYER = "layers:\n  - name: data\n    type: Data\n    top: [data, label]\n"
LOSS = "layers:\n  - name: loss\n    type: SoftmaxWithLoss\n    bottom: [score, label]\n"


@pytest.fixture(scope="module")
def editor(start_editor):
    path = os.environ.get("NETCOMPILE_YAML_LS")
    if not path:
        pytest.skip("NETCOMPILE_YAML_LS does not name a yaml-language-server (npm install yaml-language-server@1.25)")
    if shutil.which(path) is None:
        pytest.fail(f"NETCOMPILE_YAML_LS is {path}, which can't be run")
    running = start_editor([path, "--stdio"])
    yield running
    running.stop()


@pytest.fixture
def opened(editor, place, numbers=itertools.count()):  # noqa: B008 - one count for all tests
    """Open a text as a spec of the zoo; gives its URI and where its mark `@` was."""

    def opening(text):
        text, line, column = place(HEAD + text)
        return editor.open(ROOT / "specs" / f"of_a_test_{next(numbers)}.yaml", text), line, column

    return opening


@pytest.fixture
def offered(editor, opened):
    """What is offered at the mark, in order."""

    def completing(text):
        uri, line, column = opened(text)
        params = editor.types.CompletionParams(**editor.at(uri, line, column))
        return [item.label for item in editor.run(editor.client.text_document_completion_async(params)).items]

    return completing


@pytest.fixture
def shown(editor, opened):
    """What is shown at the mark."""

    def hovering(text):
        uri, line, column = opened(text)
        params = editor.types.HoverParams(**editor.at(uri, line, column))
        hover = editor.run(editor.client.text_document_hover_async(params))
        return None if hover is None else hover.contents.value

    return hovering


@pytest.mark.parametrize("written", ["- {name: a, type: @}", "- name: a\n    type: @", "- name: a\n    type: Con@"])
def test_layer_types_are_offered(offered, written):
    found = offered(f"layers:\n  {written}\n")
    assert set(found) >= LAYER_TYPES.keys()
    assert len(found) <= len(LAYER_TYPES) + 1  # and null, for a custom layer without a type


@pytest.mark.parametrize(
    ("text", "own", "others"),
    [
        ("layers:\n  - name: a\n    type: Pooling\n    @\n", POOLING, {"num_output", "source", "top_k"}),
        ("layers:\n  - {name: a, type: Pooling, p@}\n", POOLING, {"num_output", "source", "top_k"}),
        (DATA_LAYER + "    @\n", DATA, POOLING),
        (DATA_LAYER + "    train:\n      @\n", DATA, POOLING),
        (DATA_LAYER + "    test: {s@}\n", DATA, POOLING),
        (LOSS + "    deploy:\n      @\n", {"axis", "normalize", "ignore_label"}, POOLING),
        (LOSS + "    deploy:\n      type: Pooling\n      @\n", POOLING, {"normalize", "ignore_label"}),
        (LOSS + "    train:\n      type: HingeLoss\n      @\n", {"norm"}, {"axis"}),
        ("defaults:\n  Pooling:\n    @\n", POOLING, DATA),
        ("blocks:\n  b:\n    layers:\n      - name: a\n        type: Pooling\n        @\n", POOLING, DATA),
        ("solver:\n  @\n", {"base_lr", "test_set", "lr_policy"}, POOLING),
    ],
)
def test_fields_of_the_type_are_offered(offered, text, own, others):
    found = offered(text)
    assert set(found) >= own
    assert not set(found) & others


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layers:\n  - {name: a, type: Pooling, pool: @}\n", ["MAX", "AVE", "STOCHASTIC"]),
        (DATA_LAYER + "    test:\n      backend: @\n", ["LEVELDB", "LMDB"]),
        (LOSS + "    deploy: {type: Pooling, pool: @}\n", ["MAX", "AVE", "STOCHASTIC"]),
        (LOSS + "    only: @\n", ["train", "test", "deploy"]),
        ("solver:\n  solver_mode: @\n", ["CPU", "GPU"]),
        ("layers:\n  - {name: a, type: Convolution, weight_filler: @}\n", ["constant", "gaussian", "xavier", "msra"]),
    ],
)
def test_words_of_the_field_are_offered(offered, text, words):
    found = offered(text)
    assert [word for word in found if word in words] == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layers:\n  - {name: a, type: Pool@ing}\n", "Takes the maximum or mean of each window"),
        ("layers:\n  - {name: a, type: Pooling, po@ol: MAX}\n", "`AVE`: The mean, with padding counted as zeros."),
        (DATA_LAYER + "    train: {sou@rce: x}\n", "Path of the database folder"),
        (LOSS + "    deploy: {type: Pooling, po@ol: MAX}\n", "Default: MAX."),
        ("solver: {base@_lr: 1}\nlayers: []\n", "Learning rate at the start."),
        ("va@rs: {}\nlayers: []\n", "Variables for $name"),
    ],
)
def test_words_are_shown(shown, text, words):
    assert words in shown(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layers:\n  - {name: a, type: Pooling, «kernel_sise»: 3}\n", "kernel_sise"),
        ("layers:\n  - {name: a, type: Pooling, pool: «MAXX»}\n", '"MAX", "AVE", "STOCHASTIC"'),
        ("layers:\n  - {name: a, type: Convolution, num_output: «many»}\n", "an integer"),
        ("layers:\n  - {name: a, type: Convolution, kernel_size: [3, «x»]}\n", "an integer"),
        ("layers:\n  - {name: a, type: «Convolutional», num_output: 3}\n", "No layer type of Caffe"),
        (DATA_LAYER + "    train: {«sourc»: x}\n", "sourc"),
        (DATA_LAYER + "    test: {backend: «LMBD»}\n", '"LEVELDB", "LMDB"'),
        (DATA_LAYER + "    test: {batch_size: «x»}\n", "an integer"),
        (LOSS + "    deploy: {type: Pooling, «polo»: MAX}\n", "polo"),
        (LOSS + "    deploy: {type: Pooling, pool: «MAXX»}\n", '"MAX", "AVE", "STOCHASTIC"'),
        ("layers: []\nsolver: {base_lr: «fast»}\n", "a number"),
        ("layers: []\nsolver: {«lr_polcy»: step}\n", "lr_polcy"),
    ],
)
def test_a_mistake_is_one_short_message_at_its_place(editor, opened, text, words):
    before, _, rest = (HEAD + text).partition("«")
    guilty, _, _ = rest.partition("»")
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    uri, _, _ = opened(text.replace("«", "").replace("»", ""))
    (found,) = editor.findings(uri)
    assert words in found.message
    assert len(found.message) <= SHORT
    place = found.range
    assert (place.start.line, place.start.character, place.end.character) == (line, column, column + len(guilty))


def test_an_override_that_changes_the_type_takes_its_fields(editor, opened):
    uri, _, _ = opened(LOSS + "    deploy: {type: Pooling, kernel_size: 3}\n")
    assert editor.findings(uri) == []


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_nothing_is_found_in_the_zoo(editor, path):
    uri = editor.open(path, path.read_text(encoding="utf-8"))
    assert editor.findings(uri) == []
