"""The check command: what is checked, what is said of it, and the exit code."""

from __future__ import annotations

import json
import os
import time
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from netcompile import batch, checking
from netcompile.checking import Options
from netcompile.compiler import Settings
from netcompile.kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Check = Callable[..., Any]

SPEC = "layers:\n- {name: data, type: Input, shape: {dim: [1, 3, 8, 8]}}\n"
WRONG_SPEC = f"{SPEC}- {{name: conv, type: Convolution, kernel_sise: 3, num_output: 4}}\n"
LIBRARY = "vars: {width: 8}\n"
NET = 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }\n'
WRONG_NET = f'{NET}layer {{ name: "ip" type: "InnerProduct" bottom: "dta" top: "ip" }}\n'
SOLVER = 'base_lr: 0.1 lr_policy: "fixed" max_iter: 9 snapshot: 9 snapshot_prefix: "x"\n'
WARNING = f'net: "gone.prototxt" {SOLVER}'


# What a file is


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (SPEC, "spec"),
        (LIBRARY, "spec"),
        ("name: net\n# layer { }\nlayers: []\n", "spec"),
        ("---\nlayers: []", "spec"),
        ("{layers: []}", "spec"),
        ("name: n\nsolver:\n  base_lr: 1\nlayers: []", "spec"),
        (NET, "net"),
        ('name: "layers: - {"\nlayer {\n}', "net"),
        ("layers { layer { name: 'a' } }", "net"),
        ("layers: { type: DATA }", "net"),
        ('name: "n" input: "data" input_dim: 1', "net"),
        ("state { level: 1 } layer: [{}]", "net"),
        (SOLVER, "solver"),
        ('# train\nnet: "net.prototxt"', "solver"),
        ("debug_info: true net_param { layer { } } base_lr: 1", "solver"),
        ('item { name: "cat" layer: 3 }', None),
        ("name: CI\non: [push]\njobs: {test: {steps: []}}\n", None),
        ("", None),
        ("layered: [1]\n", None),
        ("name: MyNet\nlayer:\n- name: data\n", "spec"),
        ("layer:\n  name: data\n  type: Input\n", "spec"),
        ("input: data\ninput_dim: [1, 3]\nlayers:\n  - {name: a}\n", "spec"),
        ("base_lr: 0.1\nlayers:\n- {name: a}\n", "spec"),
        ("base_lr:\n  0.1\nmax_iter: 3", "solver"),
        ("layer: {\n name: 'a'\n}\nlayer: {\n name: 'b'\n}", "net"),
    ],
)
def test_kind_is_told_by_content(text: str, kind: str | None) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("layer: [{name: data, type: Input}]", "spec"),
        ("input: data\ninput_shape: {dim: [1, 3]}", "spec"),
        ('layer: [{name: "data", type: "Input"}]', "net"),
        ('name: "n"\nlayer {\n}', "net"),
        ("base_lr: 0.1\nsnapshot_prefix: 'x'\nnet_param {\n}", "solver"),
    ],
)
def test_the_name_of_a_file_counts_where_its_text_leaves_open_what_it_is(text: str, kind: str) -> None:
    assert kind_of(text, yaml=True) == kind
    assert kind_of(text) in ("net", "solver")


@pytest.mark.parametrize("piece", ['\\"', "'", "{", "net ", "x: [", "# \n", " ", "net:'", "item { }\n"])
def test_kind_of_a_large_text_is_told_at_once(piece: str) -> None:
    start = time.process_time()
    assert kind_of('"' + piece * 500_000) is None
    assert time.process_time() - start < 5


def test_names_do_not_matter(check: Check) -> None:
    done = check("spec.prototxt", "net.yaml", "solver.yaml", spec_prototxt=SPEC, net_yaml=NET, solver_yaml=WARNING)
    assert done.code == 0
    assert done.summary == "checked 1 spec, 1 net and 1 solver: 1 warning"


def test_other_files_in_a_folder_are_skipped_and_counted(check: Check) -> None:
    files = {
        "a_yaml": SPEC,
        "b_yaml": LIBRARY,
        "c_prototxt": NET,
        "ci_yaml": "name: CI\ndefaults: {run: {shell: bash}}\njobs: {}\n",
        "helm_yaml": "a: {{ .Values.a }}\n",
        "labels_prototxt": 'item { name: "cat" label: 1 }\n',
        "deep__down__d_yaml": SPEC,
        "notes_txt": "layers: nothing",
        ".hidden__e_yaml": WRONG_SPEC,
    }
    done = check(".", **files)
    assert (done.code, done.summary) == (
        0,
        "checked 2 specs, 1 library and 1 net: no findings; skipped 3 other files",
    )


def test_a_library_is_checked_without_a_use(check: Check) -> None:
    library = 'blocks: {b: {layers: [{name: r, type: ReLU, top: "${a +}", when: "a +* 2"}]}}\nvars: {v: [$]}\n'
    for path in ("lib.yaml", "."):
        done = check(path, "--format", "json", lib_yaml=library)
        assert (done.code, done.codes) == (1, ["bad-expression"] * 3)
    sound = "imports: [lib.yaml]\n"
    done = check(".", lib_yaml=LIBRARY, all_yaml=sound, symfony_yaml="imports: [{resource: a.yaml}]\n")
    assert (done.code, done.summary) == (0, "checked 2 libraries: no findings; skipped 1 other file")
    assert check("all.yaml").summary == "checked 1 library: no findings"


def test_a_spec_that_cannot_be_read_is_not_skipped(check: Check) -> None:
    done = check(".", a_yaml="name: a\nlayers:\n- {name: [}\n")
    assert (done.code, done.summary) == (1, "checked 1 spec: 1 error")


def test_a_file_that_is_named_is_never_skipped(check: Check) -> None:
    done = check("ci.yaml", "labels.prototxt", "--format", "json", ci_yaml="name: CI\njobs: {}\n",
                 labels_prototxt='item { name: "cat" }\n')  # fmt: skip
    assert done.code == 1
    assert "unknown-field" in done.codes


def test_nothing_to_check_is_a_wrong_call(check: Check) -> None:
    assert check(".", a_txt="").code == 2
    assert check(".", ci_yaml="jobs: {}\n")[:2] == (2, "checked nothing: no findings; skipped 1 other file\n")
    assert check() == (2, "", "netcompile: check needs a PATH, or `specs` under [tool.netcompile] in pyproject.toml\n")


def test_patterns_and_standard_input(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    done = check("n*/**/*.yaml", nets__a__x_yaml=SPEC, nets__y_yaml=SPEC, other__z_yaml=WRONG_SPEC)
    assert (done.code, done.summary) == (0, "checked 2 specs: no findings")
    assert check("m*.yaml").err == "netcompile: m*.yaml: No such file or directory\n"
    assert check("a[1].yaml", **{"a[1]_yaml": SPEC}).code == 0
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b"layers: 1")))
    done = check("-", "--format", "json")
    assert (done.code, json.loads(done.out)[0]["path"]) == (1, "<stdin>")


def test_a_file_counts_once(check: Check) -> None:
    assert check("a.yaml", "./a.yaml", ".", a_yaml=SPEC).summary == "checked 1 spec: no findings"


# Exit codes, and what is no finding


def test_exit_codes(check: Check) -> None:
    assert check("a.yaml", a_yaml=SPEC).code == 0
    assert check("a.yaml", a_yaml=WRONG_SPEC).code == 1
    assert check("s.prototxt", s_prototxt=WARNING).code == 0
    assert check("s.prototxt", "--strict").code == 1
    assert check("--frobnicate").code == 2
    assert check("a.yaml", "-j", "0").code == 2


def test_a_file_that_cannot_be_read_does_not_hold_up_the_others(check: Check) -> None:
    done = check("gone.yaml", "latin.yaml", "b.yaml", latin_yaml=b"# caf\xe9\nlayers: []\n", b_yaml=WRONG_SPEC)
    assert done.code == 2
    assert done.summary == "checked 2 specs: 2 errors; could not read 1 file"
    assert done.err.splitlines() == ["netcompile: gone.yaml: No such file or directory"]
    assert "latin.yaml:1:6: error[syntax]: byte 0xe9 is not UTF-8" in done.out


def test_bytes_that_are_no_text_do_not_matter_in_a_comment_of_a_net(check: Check) -> None:
    assert check("n.prototxt", n_prototxt=b"# caf\xe9\n" + NET.encode()).summary == "checked 1 net: no findings"
    named = check("n.prototxt", "--format", "json", n_prototxt=b'name: "caf\xe9"\n' + NET.encode())
    assert (named.code, named.codes) == (0, ["not-utf8"])
    assert check("n.prototxt").out.startswith("n.prototxt:1:7: warning[not-utf8]")


def test_a_fault_of_ours_names_the_file_and_holds_up_no_other(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_document = checking.compile_document

    def fail(document: Any, *rest: Any, **more: Any) -> Any:
        if document.source.name == "b.yaml":
            raise RuntimeError("oh")
        return compile_document(document, *rest, **more)

    monkeypatch.setattr(checking, "compile_document", fail)
    done = check(".", a_yaml=SPEC, b_yaml=SPEC, c_yaml=WRONG_SPEC)
    assert (done.code, done.summary) == (3, "checked 2 specs: 1 error; failed on 1 file")
    assert done.err == "netcompile: b.yaml: a fault of netcompile, please report it: RuntimeError: oh\n"
    monkeypatch.setenv("NETCOMPILE_DEBUG", "1")
    assert "Traceback" in check("b.yaml").err


# Solvers and nets


STAGED = 'layer { name: "d" type: "Input" top: "d" include { stage: "a" } input_param { shape { dim: 1 } } }\n'
TRAINS = SOLVER + 'net: "%s" train_state { stage: "%s" }\n'


@pytest.mark.parametrize("named", ["net.prototxt", "sub/net.prototxt", "models/x/net.prototxt"])
def test_a_solver_names_the_states_of_its_net(check: Check, named: str) -> None:
    files = {"sub__solver_prototxt": TRAINS % (named, "a"), "sub__net_prototxt": STAGED}
    assert "needs-stage" not in check("sub", "--format", "json", **files).codes
    # one that is only found beside the net
    assert "needs-stage" not in check("sub/net.prototxt", "--format", "json").codes
    # and nobody else's
    (Path("sub/net.prototxt")).rename("sub/other.prototxt")
    assert "needs-stage" in check("sub", "--format", "json").codes


def test_findings_on_the_net_come_with_the_solver_once(check: Check) -> None:
    files = {
        "a_prototxt": WRONG_NET,
        "s1_prototxt": f'net: "a.prototxt" {SOLVER}',
        "s2_prototxt": f'net: "a.prototxt" {SOLVER}',
    }
    done = check(".", "--format", "json", **files)
    assert done.codes.count("unknown-bottom") == 1
    assert json.loads(done.out)[0]["path"] == "a.prototxt"
    assert check(".").summary.startswith("checked 1 net and 2 solvers: ")
    beside = check("a.prototxt", "--format", "json")
    assert {one["path"] for one in json.loads(beside.out)} == {"a.prototxt"}


def test_a_net_that_no_sound_solver_builds_is_checked_by_itself(check: Check) -> None:
    solver = f'net: "a.prototxt" train_net: "a.prototxt" {SOLVER}'
    done = check(".", "--format", "json", a_prototxt=WRONG_NET, s_prototxt=solver)
    assert set(done.codes) >= {"conflicting-fields", "unknown-bottom"}


@pytest.mark.parametrize("written", ['"a.prototxt', "a.prototxt'", "a.prototxt", '"a.prototxt  # the net'])
def test_a_net_named_without_its_quotes_is_at_hand(check: Check, written: str) -> None:
    done = check("s.prototxt", "--format", "json", a_prototxt=NET, s_prototxt=f"{SOLVER}\nnet: {written}\n")
    assert [code for code in done.codes if code in ("syntax", "unread-net")] == ["syntax"]


def test_a_solver_shows_no_file_outside_the_root(check: Check, tmp_path: Path) -> None:
    (tmp_path / "work/.git").mkdir(parents=True)
    (tmp_path / "secret").write_text("password: 1\n", encoding="utf-8")
    files = {"work__s_prototxt": f'net: "../secret" {SOLVER}', "work__t_prototxt": f'net: "{tmp_path}/secret" {SOLVER}'}
    check(**files)
    os.chdir(tmp_path / "work")
    done = check(".", "--format", "json")
    assert done.codes == ["unread-net", "unread-net"]
    assert "password" not in done.out


def test_state_of_the_call(check: Check) -> None:
    files = {"net_prototxt": STAGED, "solver_prototxt": TRAINS % ("net.prototxt", "b")}
    assert "skipped-state" not in check(".", "--stage", "a", "--format", "json", **files).codes
    assert check("net.prototxt", "--level", "1", "--format", "json").codes.count("skipped-state") == 0


def test_variables(check: Check) -> None:
    files = {"a_yaml": "vars: {n: ~}\nlayers:\n- {name: data, type: Input, shape: {dim: [$n]}}\n", "b_yaml": SPEC}
    assert check(".", "--format", "json", **files).codes == ["missing-variable"]
    assert check(".", "--format", "json", "--set", "n=3").codes == []


# Formats and order


FILES = {
    "b_yaml": WRONG_SPEC,
    "a_prototxt": WRONG_NET,
    "s_prototxt": WARNING,
    "t_yaml": SPEC.replace("Input,", "Input, only: train,"),
}


def test_text(check: Check) -> None:
    done = check("b.yaml", b_yaml=WRONG_SPEC)
    assert done.out == (
        "b.yaml:3:35: error[unknown-field]: Convolution has no field 'kernel_sise'\n"
        "    3 | - {name: conv, type: Convolution, kernel_sise: 3, num_output: 4}\n"
        "      |                                   ^^^^^^^^^^^\n"
        "  hint: did you mean 'kernel_size'?\n"
        "\n"
        "checked 1 spec: 1 error\n"
    )
    assert done.err == ""
    assert check("b.yaml", "--color", "always").out.startswith("\x1b[1mb.yaml:3:35:")


def test_json_github_and_sarif(check: Check) -> None:
    found = json.loads(check(".", "--format", "json", **FILES).out)
    assert [one["path"] for one in found] == sorted(one["path"] for one in found)
    github = check(".", "--format", "github")
    assert len(github.out.splitlines()) == len(found)
    assert "::notice file=t.yaml,line=2," in github.out
    assert github.code == 1
    sarif = json.loads(check(".", "--format", "sarif").out)
    (run,) = sarif["runs"]
    assert [one["level"] for one in run["results"]] == [one["severity"] for one in found]


def test_the_number_of_processes_changes_nothing(check: Check, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    texts = [SPEC, WRONG_SPEC, NET, WRONG_NET, WARNING, "jobs: {}\n", LIBRARY]
    for i in range(60):
        text = texts[i % len(texts)]
        ending = "prototxt" if text in (NET, WRONG_NET, WARNING) else "yaml"
        (tmp_path / f"{i:02}.{ending}").write_text(text, encoding="utf-8")
    alone = check(".", "-j", "1")
    assert alone.code == 1
    monkeypatch.setattr("netcompile.workers._PROBE", 0)
    monkeypatch.setattr("netcompile.workers._COST", {"fork": 1e-9, "spawn": 1e-9})
    assert check(".", "-j", "3") == alone


def test_plan_reads_a_folder_of_nets_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(20):
        (tmp_path / f"{i}.prototxt").write_text(NET, encoding="utf-8")
    listed: list[str] = []
    names = os.listdir(tmp_path)
    paths = [str(tmp_path / name) for name in names]
    monkeypatch.setattr("os.listdir", lambda folder: (listed.append(folder), names)[1])
    done = batch.check_paths(paths, Options(Settings()), 1)
    assert (len(done.results), len(listed)) == (20, 1)
