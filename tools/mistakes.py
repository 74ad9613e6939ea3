"""The page of docs/ on the mistakes that people make in net definitions: for each a text, and what netcompile prints.

The texts are those of tests/errors and tests/errors_prototxt, which the tests hold to what is printed.
"""

import re
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from netcompile.caffe import caffe_pb2
from netcompile.checking import Job, Options, check_file
from netcompile.compiler import Settings
from netcompile.render import render_text

TESTS = Path(__file__).parents[1] / "tests"
EXPECTED = re.compile(r"  # [EW]:\d+: .*$", re.MULTILINE)
FORK = re.compile(r"^# --caffe: (\w+)\.(\w+) = (\S+)$", re.MULTILINE)
INTRO = """\
# Thirty mistakes, and what netcompile says

People ask for help with these again and again. Each has a text here, and what `netcompile check` prints for it: as an
error what Caffe would refuse or what would abort, as a warning what Caffe takes and trains wrong. Many come as prototxt
just as well; the findings are the same there.
"""

MISTAKES = (
    "a blob that exists only in another phase",
    "loss and accuracy left in the deploy net",
    "a bottom that is misspelt, or made only later",
    "two layers that write one top",
    "a data layer for each phase",
    "`layer` mixed with `layers`",
    "an old format, given to a tool that does not know it",
    "a layer type of another Caffe",
    "a Python layer that can't be made",
    "a field of another Caffe",
    "an old field in a new layer",
    "a field with another default in a fork",
    "labels and predictions of different number",
    "an output smaller than its label",
    "num_output that is not the number of classes",
    "batches of different size",
    "too many or too few bottoms or tops",
    "a pooling that rounds up beside a convolution that rounds down",
    "an Eltwise of different shapes",
    "a kernel larger than its input",
    "a group that does not divide the channels",
    "a crop larger than the image",
    "mean values that don't fit",
    "transform_param where it is refused or not read",
    "a source that is not there, or of another kind",
    "BatchNorm with a learning rate, or with the statistics of the wrong phase",
    "BatchNorm without Scale",
    "in place where the data is still needed",
    "layers of one name",
    "weights that start at 0, and fillers that are not read",
)
REMARKS = {  # of some, what a spec does about them, or what can't be known
    2: "With `deploy: {}` in the spec there is nothing to leave out by hand.",
    5: "In a spec, one layer with `train:` and `test:` becomes the two of them.",
    7: "What netcompile writes is always in the current format.",
    8: "With `--caffe PATH`, a fork's own messages are followed.",
    9: """Whether a Caffe was built with Python layers, no net tells; `check --with-caffe` asks the installed one. A
module that is named like a file is seen.""",
    12: """Seen where the fork's messages are at hand, with `--caffe PATH`: here those of a fork whose convolutions have
four groups by default.""",
    15: """How many classes the data has stands in no net. Two layers that disagree over the same labels are seen, and a
softmax over one class.""",
    22: "Where the size of the images is known: ImageData resizes them, or `top_shapes` says it.",
    23: "A mean file is not read.",
    25: """Files are not opened, as Caffe may run elsewhere. A database that is called otherwise than its backend is
seen, and the file in it that is given in place of its folder.""",
    29: "What a renamed or resized layer means for trained weights, `netcompile diff` says.",
}


def mistakes_page() -> str:
    """Give the page: a table, and a section for each mistake."""
    rows, sections = [], []
    for number, title in enumerate(MISTAKES, 1):
        remark = REMARKS.get(number, "")
        shown = [_shown(path) for path in _files(number)]
        said = "<br>".join(f"`{code}`: {message}" for _, findings in shown for code, message in findings)
        rows.append(f"| {number} | {title} | {said or remark} |")
        sections.append(f"\n## {number}. {title[0].upper()}{title[1:]}\n")
        sections += [f"{remark}\n"] if remark else []
        sections += [text for text, _ in shown]
    return "\n".join((INTRO, "| | mistake | netcompile |", "| --- | --- | --- |", *rows, *sections))


def settings_of(text: str) -> Settings:
    """Give the settings for a text: a line `# --caffe: Message.field = default` in it stands for a fork like that."""
    told = FORK.search(text)
    if told is None:
        return Settings()
    file = descriptor_pb2.FileDescriptorProto()
    caffe_pb2.DESCRIPTOR.CopyToProto(file)
    (message,) = (one for one in file.message_type if one.name == told[1])
    (field,) = (one for one in message.field if one.name == told[2])
    field.default_value = told[3]
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindMessageTypeByName(f"{file.package}.NetParameter")
    return Settings(caffe=message_factory.GetMessageClass(found))


def _files(number: int) -> list[Path]:
    return sorted(
        path for folder in ("errors", "errors_prototxt") for path in (TESTS / folder).glob(f"mistake_{number:02}_*")
    )


def _shown(path: Path) -> tuple[str, list[tuple[str, str]]]:
    """A text with what is printed for it, and the findings by code and message."""
    name = f"net{path.suffix}"
    text = EXPECTED.sub("", path.read_text(encoding="utf-8"))
    checked = check_file(Options(settings_of(text)), Job(name, given=True, data=text.encode()))
    language = path.suffix.removeprefix(".").replace("prototxt", "protobuf")
    block = f"```{language}\n{text}```\n\n```\n{render_text(checked.findings, color=False)}```\n"
    return block, [(one.code, one.message.replace("|", "\\|")) for one in checked.findings]
