"""caffe.proto declares what Caffe's own schema declares: the facts are in tests/facts/schema.json."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)

from netcompile.caffe import caffe_pb2

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("NETCOMPILE_SHARED", ROOT.parent / "shared"))
FACTS = json.loads((ROOT / "tests/facts/schema.json").read_text())


@pytest.fixture(scope="module")
def file() -> FileDescriptorProto:
    return FileDescriptorProto.FromString((ROOT / "netcompile/caffe/caffe.desc").read_bytes())


def enum_facts(enum: EnumDescriptorProto) -> dict[str, int]:
    return {value.name: value.number for value in enum.value}


def field_facts(field: FieldDescriptorProto, enums: set[str]) -> dict[str, Any]:
    named = field.type_name.removeprefix(".caffe.")
    scalar = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    kind = ("enum" if named in enums else "message") if named else "scalar"
    return {
        "name": field.name,
        "number": field.number,
        "label": FieldDescriptorProto.Label.Name(field.label).removeprefix("LABEL_").lower(),
        "type": named or scalar,
        "kind": kind,
        "default": field.default_value if field.HasField("default_value") else None,
        "packed": field.options.packed,
        "deprecated": field.options.deprecated,
    }


def by_name(fields: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in fields}


def test_package_and_syntax(file: FileDescriptorProto) -> None:
    assert (file.package, file.syntax or "proto2") == (FACTS["package"], FACTS["syntax"])


def test_enums(file: FileDescriptorProto) -> None:
    ours = {enum.name: enum_facts(enum) for enum in file.enum_type}
    ours |= {
        f"{message.name}.{enum.name}": enum_facts(enum) for message in file.message_type for enum in message.enum_type
    }
    assert ours == FACTS["enums"]


def test_first_enum_values(file: FileDescriptorProto) -> None:
    """An enum field without a default of its own starts with the first value that its enum declares."""
    ours = {
        f"{message.name}.{enum.name}": enum.value[0].name for message in file.message_type for enum in message.enum_type
    }
    assert ours == {name: next(iter(values)) for name, values in FACTS["enums"].items() if "." in name}
    assert file.enum_type[0].value[0].name == next(iter(FACTS["enums"]["Phase"]))


def test_messages(file: FileDescriptorProto) -> None:
    assert {message.name for message in file.message_type} == set(FACTS["messages"])


@pytest.mark.parametrize("name", FACTS["messages"])
def test_fields(file: FileDescriptorProto, name: str) -> None:
    (message,) = (message for message in file.message_type if message.name == name)
    ours = [field_facts(field, set(FACTS["enums"])) for field in message.field]
    assert by_name(ours) == by_name(FACTS["messages"][name])


def test_nothing_but_fields_and_enums(file: FileDescriptorProto) -> None:
    """No oneofs, extensions or reserved ranges: rebuilt of fields and enums alone, the file is the same."""
    bare = FileDescriptorProto(name=file.name, package=file.package, enum_type=file.enum_type)
    bare.message_type.extend(
        DescriptorProto(name=message.name, field=message.field, enum_type=message.enum_type)
        for message in file.message_type
    )
    assert bare == file


def test_classes_have_the_schema() -> None:
    for name, fields in FACTS["messages"].items():
        assert set(getattr(caffe_pb2, name).DESCRIPTOR.fields_by_name) == {field["name"] for field in fields}


def test_facts_are_current() -> None:
    source = SHARED / "caffe/schema.json"
    if not source.exists():
        pytest.skip(f"the facts' source is not here: {source}")
    assert json.loads(source.read_text()) == FACTS
