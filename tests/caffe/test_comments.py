"""Every declaration in caffe.proto is commented, in a form that an editor can show."""

import re

from netcompile.caffe import caffe_pb2
from netcompile.caffe.comments import read_comments


def declared_names() -> set[str]:
    file = caffe_pb2.DESCRIPTOR
    enums = [*file.enum_types_by_name.values()]
    names = set()
    for message in file.message_types_by_name.values():
        enums.extend(message.enum_types)
        names |= {message.full_name, *(field.full_name for field in message.fields)}
    for enum in enums:
        names |= {enum.full_name, *(f"{enum.full_name}.{value.name}" for value in enum.values)}
    return {name.removeprefix("caffe.") for name in names}


def test_all_declarations_have_comments() -> None:
    assert set(read_comments()) == declared_names()


def test_comments_are_short_sentences() -> None:
    for name, comment in read_comments().items():
        assert comment.endswith("."), name
        assert len(comment) <= 260, name
        assert "  " not in comment, name


def test_names_between_backquotes_exist() -> None:
    """`stride_w` in a comment is a field of the same message, or of one that is named beside it."""
    known = {name.rsplit(".", 1)[-1] for name in declared_names()}
    for name, comment in read_comments().items():
        assert set(re.findall(r"`([a-z]\w*)`", comment)) <= known, name


def test_paragraph_of_a_wrapped_comment() -> None:
    comments = read_comments()
    assert comments["PoolingParameter.RoundMode.CEIL"] == (
        "Rounds the size of the top up: the last window may hang over the edge. Convolution rounds down."
    )
    assert comments["FillerParameter.type"].endswith("bilinear. Any other name is refused.")
