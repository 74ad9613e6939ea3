"""What a call hands in: specs as streams and mappings of any class, variables by --set and by pyproject.toml."""

from __future__ import annotations

import io
from collections import OrderedDict, UserDict
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import netcompile

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[..., Any]

SPEC = "layers:\n- {name: data, type: Input, shape: {dim: [1, 3, 8, 8]}}\n"
SIZED = "vars: {n: 2}\nlayers:\n- {name: data, type: Input, shape: {dim: [$n]}}\n"
DATA = {"name": "data", "type": "Input", "shape": {"dim": [1, 3]}}


def made(layer: Any, **variables: Any) -> Any:
    return netcompile.compile({"vars": variables, "layers": [layer]}).net.layer[0]


@pytest.mark.parametrize(
    "value",
    [
        OrderedDict(DATA),
        MappingProxyType(DATA),
        UserDict(DATA),
        {**DATA, "shape": {"dim": (np.int64(1), np.uint8(3))}},
        {**DATA, "shape": {"dim": np.array([1, 3])}},
        {**DATA, "shape": {"dim": range(1, 4, 2)}},
        {**DATA, "name": np.str_("data")},
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_of_other_classes_are_what_they_stand_for(value: Any) -> None:
    assert made(value) == made(DATA)


def test_numbers_truth_and_paths_keep_their_meaning() -> None:
    layer = {"name": "d", "type": "Dropout", "bottom": [], "dropout_ratio": np.float32(0.25)}
    assert netcompile.compile({"layers": [layer]}, check=False).net.layer[0].dropout_param.dropout_ratio == 0.25
    data = {"name": "d", "type": "HDF5Data", "top": ["d"], "top_shapes": [[None]], "batch_size": 1}
    read = made({**data, "source": PurePosixPath("a/b"), "shuffle": np.True_}).hdf5_data_param
    assert (read.source, read.shuffle) == ("a/b", True)
    variables = {"n": np.int32(4)}
    net = netcompile.compile(io.StringIO(SIZED), variables=variables).net
    assert list(net.layer[0].input_param.shape[0].dim) == [4]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"layers": [{"name": "a", "type": {1}}]}, "layers[0].type is of type set, which a spec can't hold"),
        ({"layers": [{"name": b"a"}]}, "layers[0].name is of type bytes, which a spec can't hold"),
        ({"layers": {("a", "b"): 1}}, "layers.('a', 'b') is a key of type tuple, which a spec can't hold"),
    ],
)
def test_a_value_that_no_spec_holds_is_named(value: Any, message: str) -> None:
    with pytest.raises(netcompile.CompileError) as caught:
        netcompile.compile(value)
    assert [(one.code, one.message) for one in caught.value.diagnostics] == [("wrong-kind", message)]


def test_a_variable_that_no_spec_holds_is_named() -> None:
    with pytest.raises(netcompile.CompileError) as caught:
        netcompile.compile(io.StringIO(SIZED), variables={"n": 1j})
    assert caught.value.diagnostics[0].message == "vars.n is of type complex, which a spec can't hold"


def test_a_mapping_without_end_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["layers"] = [endless]
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]
    for value, code in ((endless, "recursive-alias"), ({"layers": deep}, "too-deep")):
        with pytest.raises(netcompile.CompileError) as caught:
            netcompile.compile(value)
        assert caught.value.diagnostics[0].code == code


def test_streams_of_text_and_of_bytes_are_alike(tmp_path: Path) -> None:
    text = netcompile.compile(io.StringIO(SPEC)).net
    assert netcompile.compile(io.BytesIO(b"\xef\xbb\xbf" + SPEC.encode())).net == text
    (tmp_path / "a.yaml").write_text(SPEC, encoding="utf-8")
    with (tmp_path / "a.yaml").open("rb") as stream:
        assert netcompile.compile(stream).net == text
    with pytest.raises(netcompile.CompileError, match="UTF-8"):
        netcompile.compile(io.BytesIO(b"name: \xff\n"))


# --set


@pytest.mark.parametrize("command", ["compile", "check", "show"])
def test_set_takes_a_name_and_a_value(call: Call, command: str) -> None:
    done = call(command, "a.yaml", "--set", "foo", a_yaml=SPEC)
    assert (done.code, done.err) == (2, "netcompile: --set takes NAME=VALUE, not 'foo'\n")


@pytest.mark.parametrize("command", ["compile", "check", "show"])
def test_a_spec_must_declare_what_is_set(call: Call, command: str) -> None:
    done = call(command, "a.yaml", "--set", "m=3", a_yaml=SIZED)
    told = "--set m:1:4: error[undeclared-variable]: variable 'm' is set but not declared in `vars`\n"
    assert done.code == 1
    assert (done.out + done.err).startswith(told)
    assert "hint: declared: n" in done.out + done.err
    assert call(command, "a.yaml", "--set", "n=3").code == 0


def test_of_several_specs_one_must_declare_what_is_set(call: Call, tmp_path: Path) -> None:
    files = {"specs__a_yaml": SPEC, "specs__b_yaml": SIZED}
    assert call("check", "specs", "--set", "n=3", **files).summary == "checked 2 specs: no findings"
    assert call("compile", "specs", "--set", "n=3", "-o", "nets/") == (0, "", "")
    assert "dim: 3" in (tmp_path / "nets/b.prototxt").read_text(encoding="utf-8")
    checked = call("check", "specs", "--set", "m=3")
    assert (checked.code, checked.summary) == (1, "checked 2 specs: 1 error")
    compiled = call("compile", "specs", "--set", "m=3", "-o", "other/")
    told = "variable 'm' is set but not declared in `vars` of any spec"
    assert compiled.code == 1
    assert told in compiled.err
    assert told in checked.out
    assert not (tmp_path / "other").exists()


def test_what_the_project_sets_is_for_the_specs_that_declare_it(call: Call, tmp_path: Path) -> None:
    toml = '[tool.netcompile]\nspecs = ["specs"]\noutput = "nets/"\nset = {n = 7}\n'
    files = {"pyproject_toml": toml, "specs__a_yaml": SPEC, "specs__b_yaml": SIZED}
    assert call(**files) == (0, "", "")
    assert "dim: 7" in (tmp_path / "nets/b.prototxt").read_text(encoding="utf-8")
    assert call("--check").code == call("check").code == call("check", "specs/a.yaml").code == 0
    assert call("specs/a.yaml", "-o", "-").code == 0
    (tmp_path / "specs/b.yaml").unlink()
    for done in (call(), call("check")):
        assert done.code == 1
        assert "error[undeclared-variable]: variable 'n' is set" in done.out + done.err


# Words that are no spec


def test_a_misspelt_command_is_no_spec(call: Call) -> None:
    done = call("chekc", "a.yaml", a_yaml=SPEC)
    assert (done.code, done.err) == (2, "netcompile: there is no command or file 'chekc'; did you mean 'check'?\n")
    assert call("elsewhere").err == "netcompile: elsewhere: No such file or directory\n"


def test_all_targets_go_to_a_folder_whether_it_exists_or_not(call: Call, tmp_path: Path) -> None:
    for _ in range(2):
        assert call("a.yaml", "--target", "all", "-o", "out", a_yaml=SPEC).code == 0
        assert call("a.yaml", "--target", "all", "-o", "out", "--check").code == 0
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.prototxt")] == ["out/a.prototxt"]
