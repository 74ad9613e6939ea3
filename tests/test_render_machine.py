"""Findings as JSON, as GitHub's workflow commands and as SARIF."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from jsonschema.validators import validator_for

from netcompile.codes import CODES
from netcompile.diagnostics import Diagnostic, Note
from netcompile.render_machine import render_github, render_json, render_sarif
from netcompile.tree import Source, Span

SPEC = Source("specs/a b%.yaml", "name: n\n")
ERROR = Diagnostic(
    "unknown-bottom",
    "error",
    Span(SPEC, 4, 26, 4, 31),
    "bottom 'x', 100%: unknown",
    (Note("made here", Span(SPEC, 2, 1, 3, 5)), Note("in TRAIN")),
    "did you mean 'y'?",
)
WARNING = Diagnostic("not-utf8", "warning", Span(SPEC, 5, 3, 7, 1), "bytes\nthat are\x1bodd")
PLACELESS = Diagnostic("unknown-bottom", "error", None, "no text")
FOUND = [ERROR, WARNING, PLACELESS]


def test_json_has_every_key_of_every_finding() -> None:
    first, second, third = json.loads(render_json(FOUND))
    place = {"path": "specs/a b%.yaml", "line": 4, "column": 26, "end_line": 4, "end_column": 31}
    nowhere = {"path": None, "line": None, "column": None, "end_line": None, "end_column": None}
    assert first == {
        "code": "unknown-bottom",
        "severity": "error",
        "message": "bottom 'x', 100%: unknown",
        **place,
        "hint": "did you mean 'y'?",
        "notes": [
            {"message": "made here", **place, "line": 2, "column": 1, "end_line": 3, "end_column": 5},
            {"message": "in TRAIN", **nowhere},
        ],
    }
    assert second["message"] == "bytes\nthat are\x1bodd"
    assert third == {
        "code": "unknown-bottom",
        "severity": "error",
        "message": "no text",
        **nowhere,
        "hint": None,
        "notes": [],
    }


def test_json_of_nothing_is_an_empty_list() -> None:
    assert json.loads(render_json([])) == []


def test_github_commands_are_escaped_and_on_one_line_each() -> None:
    first, second, third, end = render_github(FOUND).split("\n")
    properties, message = first.removeprefix("::error ").split("::")
    assert properties == "file=specs/a b%25.yaml,line=4,endLine=4,col=26,endColumn=31,title=unknown-bottom"
    assert message.split("%0A") == [
        "bottom 'x', 100%25: unknown",
        "note: made here (specs/a b%25.yaml:2:1)",
        "note: in TRAIN",
        "hint: did you mean 'y'?",
    ]
    assert second == "::warning file=specs/a b%25.yaml,line=5,endLine=7,title=not-utf8::bytes\\nthat are\\x1bodd"
    assert third == "::error title=unknown-bottom::no text"
    assert end == ""


def test_github_properties_escape_colons_and_commas() -> None:
    found = ERROR._replace(span=Span(Source("a:b,c\n.yaml", ""), 1, 1, 1, 2), notes=(), hint=None)
    assert render_github([found]).startswith("::error file=a%3Ab%2Cc%0A.yaml,line=1")


def test_paths_are_relative_to_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets").mkdir()
    monkeypatch.chdir(tmp_path / "nets")
    inside = ERROR._replace(span=Span(Source("a.yaml", ""), 1, 1, 1, 2))
    absolute = ERROR._replace(span=Span(Source(str(tmp_path / "nets" / "a.yaml"), ""), 1, 1, 1, 2))
    for found in (inside, absolute):
        assert "file=a.yaml," in render_github([found])
        assert "file=nets/a.yaml," in render_github([found], root=os.fspath(tmp_path))


def sarif(found: list[Diagnostic], root: str = ".") -> dict[str, Any]:
    log: dict[str, Any] = json.loads(render_sarif(found, "1.2.3", root))
    return log


def test_sarif_has_a_rule_for_each_code_found() -> None:
    (run,) = sarif(FOUND)["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("netcompile", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == ["not-utf8", "unknown-bottom"]
    assert [driver["rules"][result["ruleIndex"]]["id"] for result in run["results"]] == [d.code for d in FOUND]
    assert [rule["defaultConfiguration"]["level"] for rule in driver["rules"]] == ["warning", "error"]
    assert [rule["shortDescription"]["text"] for rule in driver["rules"]] == [
        CODES["not-utf8"].meaning,
        CODES["unknown-bottom"].meaning,
    ]
    assert all(CODES[rule["id"]].meaning in rule["help"]["text"] for rule in driver["rules"])


def test_sarif_places() -> None:
    first, second, third = sarif(FOUND)["runs"][0]["results"]
    artifact = {"uri": "specs/a%20b%25.yaml", "uriBaseId": "%SRCROOT%"}
    assert first["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": artifact,
                "region": {"startLine": 4, "startColumn": 26, "endLine": 4, "endColumn": 31},
            }
        }
    ]
    (related,) = first["relatedLocations"]
    assert related["message"] == {"text": "made here"}
    assert related["physicalLocation"]["region"]["startLine"] == 2
    assert first["message"]["text"] == "bottom 'x', 100%: unknown\nnote: in TRAIN\nhint: did you mean 'y'?"
    assert second["level"] == "warning"
    assert "locations" not in third


def test_sarif_has_each_related_place_once() -> None:
    note = Note("made here", Span(SPEC, 2, 1, 3, 5))
    (result,) = sarif([ERROR._replace(notes=(note, note))])["runs"][0]["results"]
    assert len(result["relatedLocations"]) == 1


def test_sarif_names_files_outside_the_root_in_full(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    path = tmp_path / "other file.yaml"
    found = WARNING._replace(span=Span(Source(os.fspath(path), ""), 1, 1, 1, 2))
    (result,) = sarif([found], os.fspath(tmp_path / "root"))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": path.as_uri()}


def closed(required: str, **properties: object) -> dict[str, object]:
    return {"type": "object", "additionalProperties": False, "required": required.split(), "properties": properties}


TEXT = {"type": "string", "minLength": 1}
MESSAGE = closed("text", text=TEXT, markdown=TEXT)
COUNT = {"type": "integer", "minimum": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
PLACE = closed(
    "artifactLocation region",
    artifactLocation=closed("uri", uri={"type": "string", "pattern": r"^[\w%./:~-]+$"}, uriBaseId=TEXT),
    region=closed("startLine", startLine=COUNT, startColumn=COUNT, endLine=COUNT, endColumn=COUNT),
)
LOCATION = closed("physicalLocation", physicalLocation=PLACE, message=MESSAGE)
RULE = closed(
    "id shortDescription help",
    id=TEXT,
    shortDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=closed("level", level=LEVEL),
)
RESULT = closed(
    "ruleId ruleIndex level message",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations={"type": "array", "items": LOCATION},
    relatedLocations={"type": "array", "items": LOCATION, "uniqueItems": True},
)
RUN = closed(
    "tool results",
    tool=closed("driver", driver=closed("name", name=TEXT, version=TEXT, rules={"type": "array", "items": RULE})),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": RESULT},
)
# What SARIF 2.1.0 demands of the objects that we write: fewer than it allows, and no looser.
USED_PART = closed(
    "version runs", **{"$schema": TEXT}, version={"const": "2.1.0"}, runs={"type": "array", "items": RUN}
)

EVERY_CODE = [Diagnostic(code.name, code.severity, Span(SPEC, 1, 1, 1, 5), "m") for code in CODES.values()]


# Names that are no URIs as they stand, and findings that are silenced: those are left out before.
ODD_NAMES = [
    Diagnostic(
        "syntax", "error", Span(Source(name, ""), 1, 1, 1, 2), "m", (Note("n", Span(Source(name, ""), 2, 1, 2, 1)),)
    )
    for name in (
        "größe/é 😀.yaml",
        r"C:\nets\a.prototxt",
        "/abs/ü.yaml",
        "../up.yaml",
        "<stdin>",
        "--set lr",
        "a#b?c.yaml",
    )
]
KINDS = {"nothing": [], "some": FOUND, "every code": EVERY_CODE, "odd names": ODD_NAMES}


@pytest.mark.parametrize("found", KINDS.values(), ids=KINDS)
def test_sarif_keeps_to_the_part_of_the_format_that_it_uses(found: list[Diagnostic]) -> None:
    Draft7Validator(USED_PART).validate(sarif(found))


def official() -> Any:
    path = os.environ.get("SARIF_SCHEMA")
    if not path:
        pytest.skip("SARIF_SCHEMA names no copy of the official schema of SARIF 2.1.0; .ci/run installs one")
    schema = json.loads(Path(path).read_text(encoding="utf-8"))
    return validator_for(schema)(schema)


@pytest.mark.parametrize("found", KINDS.values(), ids=KINDS)
def test_sarif_validates_against_the_official_schema(found: list[Diagnostic]) -> None:
    official().validate(sarif(found))


def test_the_official_schema_refuses_what_is_none() -> None:
    validator = official()
    log = sarif(FOUND)
    run, result = log["runs"][0], log["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]
    broken = [
        (log, "version", "2.0.0"), (run, "tool", {}), (run, "columnKind", "bytes"), (result, "level", "fatal"),
        (result, "message", {}), (result, "ruleIndex", -2), (result, "relatedLocations", [{}, {}]),
        (place["region"], "startLine", 0), (place["artifactLocation"], "uri", 5), (result, "hint", "unknown"),
    ]  # fmt: skip
    for owner, key, value in broken:
        before = dict(owner)
        owner[key] = value
        assert not validator.is_valid(log), (key, value)
        owner.clear()
        owner.update(before)
    validator.validate(log)
