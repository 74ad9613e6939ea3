"""A project's other files: passed over by `check` and `compile` alike, while nothing that is meant as a spec is."""

import re

import pytest

SPEC = "layers:\n- {name: data, type: Input, shape: {dim: [1, 3, 8, 8]}}\n"
WRONG = f"{SPEC}- {{name: conv, type: Convolution, kernel_sise: 3, num_output: 4}}\n"
OURS = {
    "a_yaml": SPEC,
    "lib_yaml": "vars: {width: 8}\n",
    "n_prototxt": 'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }\n',
    "s_prototxt": 'net: "gone.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 9 snapshot: 9 snapshot_prefix: "x"\n',
}
YAML = {
    "ci_yml": "name: CI\non: [push]\ndefaults: {run: {shell: bash}}\njobs: {}\n",
    "compose_yaml": "services: {web: {image: nginx}}\n",
    "helm_yaml": "a: {{ .Values.a }}\n",
    "k8s_yaml": "kind: A\n---\nkind: B\n",
    "list_yaml": "- hosts: all\n  vars: {a: 1}\n",
    "latin_yaml": b"caf\xe9: 1\n",
    "tag_yaml": "a: !!python/object:os.system 1\n",
    "empty_yaml": "",
}
OTHERS = {
    **YAML,
    "labels_prototxt": 'item { name: "cat" }\n',
    "model_pbtxt": "model { ssd { num_classes: 3 } }\n",
    "notes_txt": "layers of dust\n",
}
SCHEMA_LINE = "# yaml-language-server: $schema=../schemas/netcompile.schema.json\n"
MEANT = ["name: a\nlayers:\n- {name: [}\n", f"{SCHEMA_LINE}layres: []\n", f"{SCHEMA_LINE}a: [\n"]


def names(files):
    return [".".join(name.rsplit("_", 1)) for name in files]


def test_other_files_that_are_named_can_be_skipped(check):
    done = check("--skip-others", *names(OTHERS), **OTHERS)
    assert done == (0, f"checked nothing: no findings; skipped {len(OTHERS)} other files\n", "")
    done = check("--skip-others", *names(OTHERS | OURS), **OURS)
    assert done.code == 0
    assert done.summary.startswith("checked 1 spec, 1 library, 1 net and 1 solver: ")
    assert check("--skip-others", "a.yaml", "ci.yml", a_yaml=WRONG).code == 1


@pytest.mark.parametrize("name", names(OTHERS))
def test_else_what_is_named_is_checked(check, name):
    assert check(name, **OTHERS).code == 1


def test_nothing_at_all_is_a_wrong_call(check):
    assert check("--skip-others", "gone.yaml").code == 2
    assert check("--skip-others", ".").code == 2


def test_libraries_may_be_named(check):
    assert check("lib.yaml", **OURS).summary == "checked 1 library: no findings"


@pytest.mark.parametrize("text", MEANT)
def test_what_is_meant_as_a_spec_is_never_skipped(call, check, text):
    for arguments in (["--skip-others", "a.yaml"], ["."]):
        assert check(*arguments, a_yaml=text).summary == "checked 1 spec: 1 error"
    assert call(".", "-o", "out/", b_yaml=SPEC).code == 1


def test_a_schema_of_another_program_means_no_spec(check):
    text = "# yaml-language-server: $schema=https://json.schemastore.org/github-workflow.json\njobs: {}\n"
    assert check("--skip-others", "a.yaml", a_yaml=text).summary == "checked nothing: no findings; skipped 1 other file"


def test_compile_passes_over_what_it_finds_in_folders_and_by_patterns(call, tmp_path):
    assert call(".", "n*.prototxt", "s*.prototxt", "-o", "out/", **OTHERS, **OURS) == (0, "", "")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.prototxt"]
    assert call(".", "-o", "out/", "--check") == (0, "", "")
    assert call("n.prototxt", "a.yaml", "-o", "out/").code == 2  # this was named


def test_nothing_to_compile_is_a_wrong_call(call):
    """Or CI would be content with a folder in which no spec is."""
    message = "netcompile: nothing to compile in {}: only a spec has `layers`\n"
    assert call("d", "-o", "out/", "--check", d__a_yaml="vars: {a: 1}\n", d__ci_yml="jobs: {}\n") == (
        2,
        "",
        message.format("d"),
    )
    assert call("d/a.yaml") == (2, "", message.format("d/a.yaml"))


@pytest.mark.parametrize("form", ["github", "sarif"])
def test_paths_count_from_the_top_of_the_checkout(check, form, monkeypatch, tmp_path):
    check(repo__sub__a_yaml=WRONG)
    monkeypatch.chdir(tmp_path / "repo/sub")
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)

    def shown():
        return re.search(r'(?:file=|"uri": ")([\w/]+\.yaml)', check("a.yaml", "--format", form).out)[1]

    assert shown() == "a.yaml"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert shown() == "repo/sub/a.yaml"
    (tmp_path / "repo/.git").write_text("gitdir: elsewhere\n", encoding="utf-8")  # as a worktree has it
    assert shown() == "sub/a.yaml"
