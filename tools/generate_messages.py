"""Makes `caffe.desc` and `caffe_pb2.pyi` of `netcompile/caffe/caffe.proto`.

    python tools/generate_messages.py           write both files
    python tools/generate_messages.py --check   write nothing, fail where one of them is stale

For development alone: needs grpcio-tools, which brings protoc.
"""

import argparse
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[1]
PROTO = "netcompile/caffe/caffe.proto"
STUB_HEADER = """\
# Made of caffe.proto by tools/generate_messages.py.
# ruff: noqa: A002, E501, I001, RUF023, UP007, UP045
# fmt: off
"""


def main() -> None:
    """Write or check the files; SystemExit with a message where protoc refuses or a file is stale."""
    parser = argparse.ArgumentParser(description="Make caffe.desc and caffe_pb2.pyi of caffe.proto.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail where a file is stale")
    check = parser.parse_args().check

    wanted = generate()
    stale = [path for path, content in wanted.items() if not path.exists() or path.read_bytes() != content]
    if check and stale:
        names = ", ".join(path.relative_to(ROOT).as_posix() for path in stale)
        raise SystemExit(f"stale: {names} (made here by grpcio-tools {version('grpcio-tools')})")
    for path in stale:
        path.write_bytes(wanted[path])


def generate() -> dict[Path, bytes]:
    """Work out the content that each generated file should have."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        descriptors = folder / "set.desc"
        if protoc.main(["protoc", f"-I{ROOT}", f"--descriptor_set_out={descriptors}", f"--pyi_out={folder}", PROTO]):
            raise SystemExit(f"protoc refuses {PROTO}")
        (file,) = FileDescriptorSet.FromString(descriptors.read_bytes()).file
        stub = (folder / PROTO).with_name("caffe_pb2.pyi").read_text(encoding="utf-8")
    home = ROOT / PROTO
    return {
        home.with_name("caffe.desc"): _without_json_names(file).SerializeToString(deterministic=True),
        home.with_name("caffe_pb2.pyi"): (STUB_HEADER + _with_mapping_types(stub)).encode(),
    }


def _without_json_names(file: FileDescriptorProto) -> FileDescriptorProto:
    """Drop the names that protobuf derives by itself, a fifth of the size."""
    for message in file.message_type:
        for field in message.field:
            field.ClearField("json_name")
    return file


def _with_mapping_types(stub: str) -> str:
    """Give arguments to the generic types that protoc leaves bare, which mypy's strict mode refuses."""
    return stub.replace("_Mapping]", "_Mapping[str, _Any]]").replace(
        "from typing import ", "from typing import Any as _Any, "
    )


if __name__ == "__main__":
    main()
