"""Lints on data layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netcompile.caffe.caffe_pb2 import DataParameter
from netcompile.lints.view import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netcompile.lints.view import View

_TRANSFORMING = ("Data", "ImageData", "MemoryData", "WindowData")


def random_tests(view: View) -> Iterator[Finding]:
    """Test data that is mirrored at random, which Caffe does in every phase."""
    for index in view.of(*_TRANSFORMING) if view.graph.phase == "TEST" else ():
        if view.message(index).transform_param.mirror:
            text = "mirror is true in TEST: each test sees other images, mirrored at random"
            yield Finding(index, "transform_param.mirror", text, "mirror in TRAIN alone")


def backends(view: View) -> Iterator[Finding]:
    """Databases whose name says another backend than the layer's, or is that of the file inside."""
    for index in view.of("Data"):
        p = view.message(index).data_param
        folder, _, file = p.source.rpartition("/")
        if file == "data.mdb":
            text = f"source is '{p.source}', a file inside of a database; Caffe opens the folder"
            yield Finding(index, "data_param.source", text, f"`source: {folder}`" if folder else None)
            continue
        words = p.source.rstrip("/").lower()
        named = next((name for name in ("lmdb", "leveldb") if words.endswith(name)), None)
        backend = DataParameter.DB.Name(p.backend)
        if named is not None and named != backend.lower():
            state = f"backend is {backend}" if p.HasField("backend") else f"backend is not given, so it is {backend}"
            text = f"{state}, but the source is called '{p.source}'"
            yield Finding(index, "data_param.backend", text, f"`backend: {named.upper()}`")
