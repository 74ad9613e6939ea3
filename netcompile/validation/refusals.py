"""What is wrong with a refused node, in our words: jsonschema's errors as problems, each with a way to go on.

One mistake gives one problem, at the very key or value. A problem says what the value is and what the key takes, never
where the schema says so. This module reads the schema for what is allowed, and changes nothing.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from jsonschema import Draft7Validator

from netcompile.language.names import meant_type, meant_word, other_names
from netcompile.language.wording import is_slip, listed, quoted, shown, words_of, written
from netcompile.records import NamedTuple
from netcompile.tree import List, Mapping, Scalar
from netcompile.validation.acceptor import key_text
from netcompile.validation.keys import (
    Place,
    advise,
    multipliers,
    numbers_of,
    of_document,
    stands_alone,
    unbracketed,
    without_colon,
)
from netcompile.validation.repair import Add, Drop, Rename, Replace, find, find_key
from netcompile.validation.values import advice, as_item, expected, flow, is_bare, is_row, message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from netcompile.tree import Node
    from netcompile.validation.repair import Path, Repair


MOST_PROBLEMS: Final = 1000  # of one node; a generated one may have a million


class Problem(NamedTuple):
    """One mistake. `path` leads to the value; `at_key`: the key itself is wrong, not its value."""

    path: Path
    code: str
    message: str
    hint: str | None
    repair: Repair
    at_key: bool = False


_OWNERS: Final = {
    "document": "a spec",
    "block": "a block",
    "repetition": "a repetition",
    "deploy": "`deploy`",
    "solver": "`solver`",
    "block_use": "a block use",
}
_WORDED: Final = ("document", "deploy", "block", "repetition", "lint")
_PLACES: Final = ("train", "test", "deploy")
_MOST_BARE: Final = 100
_NO_TEXT: Final = "\0"  # with which a key ends that is no text
_RANKS: Final = {"wrong-kind": 0, "unknown-type": 1}


class Explainer:
    """Explains refusals by the definitions of one schema."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._definitions = schema["definitions"]
        self._validator = Draft7Validator(schema)

    def explain(self, node: Node, definition: str) -> list[Problem]:
        """Every mistake in a node that does not satisfy a definition, but no more than `MOST_PROBLEMS`."""
        refusal = _Refusal(node, definition, self._definitions, self._fits)
        errors = self._validator.evolve(schema=self._definitions[definition]).iter_errors(_texts(node))
        problems = (problem for error in errors for problem in refusal.problems(error))
        return _independent(islice(problems, MOST_PROBLEMS))

    def _fits(self, schema: dict[str, Any], node: Node) -> bool:
        return bool(self._validator.evolve(schema=schema).is_valid(_texts(node)))


def bad_name(path: Path, *, variable: bool = False) -> Problem:
    """Say what is wrong with the last key of a path, where a name is wanted, or that of a `variable`."""
    key = str(path[-1])
    if key.endswith("\0") and not variable:
        text = key.removesuffix("\0")
        return Problem(path, "wrong-kind", f"key {text} is no text", f"quote it: '{text}'", Rename(text), at_key=True)
    if any(ord(character) < ord(" ") for character in key.removesuffix(_NO_TEXT)):
        return Problem(path, "bad-value", "a name has a control character in it", None, Drop(), at_key=True)
    hint = "a name has letters, digits and _, and starts with no digit"
    return Problem(
        path,
        "bad-value",
        f"{quoted(key.removesuffix(_NO_TEXT))} can't be the name of a variable",
        hint,
        Drop(),
        at_key=True,
    )


def _texts(node: Node) -> Any:
    """The plain value of a node, with text for every key, which jsonschema needs."""
    if type(node) is Scalar:
        return node.value
    if type(node) is List:
        return [_texts(item) for item in node.items]
    assert type(node) is Mapping
    return {key_text(key): _texts(value) for key, value in node.entries.items()}


def _independent(problems: Iterable[Problem]) -> list[Problem]:
    """One problem for each key and each value: the one that says most."""
    kept: dict[tuple[Path, bool], Problem] = {}
    for problem in sorted(problems, key=lambda one: (_RANKS.get(one.code, len(_RANKS)), one.hint is None)):
        kept.setdefault((problem.path, problem.at_key), problem)
    return list(kept.values())


class _Refusal:
    """Turns the errors of one node into problems."""

    def __init__(
        self, node: Node, definition: str, definitions: dict[str, Any], fits: Callable[[dict[str, Any], Node], bool]
    ) -> None:
        self.node = node
        self.definition = definition
        self.definitions = definitions
        self._fits = fits

    def problems(self, error: Any) -> Iterator[Problem]:
        """The problems that one error of jsonschema stands for."""
        path: Path = tuple(error.absolute_path)
        if "propertyNames" in error.absolute_schema_path:
            yield from self._bad_name((*path, str(error.instance)))
        elif error.validator == "not":
            yield self._misplaced(path)
        elif error.validator == "additionalProperties":
            yield from self._unknown_keys(path, error.schema, error.instance)
        elif error.validator == "required" or (error.validator == "anyOf" and not path):
            yield from self._missing(path, error)
        elif error.validator in ("minItems", "minProperties"):
            yield Problem(path, "bad-value", f"{self._label(path)} is empty", None, Drop())
        elif error.validator in ("minimum", "maximum"):
            bound = "at least" if error.validator == "minimum" else "at most"
            message = f"{self._label(path)} is {written(find(self.node, path))}; it must be {bound}"
            yield Problem(path, "out-of-range", f"{message} {error.validator_value}", None, Drop())
        else:
            yield self._wrong_value(path, error.schema)

    def _label(self, path: Path) -> str:
        """The name of a value: its key, or the key of its list."""
        keys = [step for step in path if isinstance(step, str)]
        if not keys:
            of_type = self.definition.removeprefix("default_")
            of_defaults = f"`defaults` of {of_type}" if of_type != self.definition else "a layer"
            return _OWNERS.get(self.definition, of_defaults)
        label = keys[-1].removesuffix("\0")
        return label if isinstance(path[-1], str) else f"an entry of {label}"

    # Keys

    def _unknown_keys(self, path: Path, schema: dict[str, Any], instance: dict[str, Any]) -> Iterator[Problem]:
        patterns = list(schema.get("patternProperties", ()))
        known = [*schema.get("properties", ()), *(word for pattern in patterns for word in _words(pattern))]
        mapping = find(self.node, path)
        assert type(mapping) is Mapping
        properties = schema.get("properties", {})
        offered = [key for key in known if not (key in properties and dict(properties[key]).get("doNotSuggest"))]
        place = Place(mapping, schema, offered, self.definitions, self._fits)
        unknown = [key for key in instance if not (key in known or any(re.search(one, key) for one in patterns))]
        use = self._use(mapping, unknown) if self.definition == "item" and not path else None
        if use is not None:
            yield use  # what else it has are parameters
            return
        flat, hint = multipliers(mapping) if "param" in known else ([], "")
        if flat:
            yield self._unknown_key((*path, flat[0]), schema, hint, Drop(lost=False), flat)
        said = flat[:]
        for several in unbracketed(place, {find_key(mapping, key) for key in unknown}):
            text = f"{several.field} has several values and no brackets around them"
            yield Problem((*path, several.field), "wrong-kind", text, several.hint, Drop())
            said.extend(map(key_text, several.keys))
        for key in unknown:
            if key in said:
                continue
            if not known or any(pattern.startswith("^[A-Z") for pattern in patterns):
                yield self._bad_variable((*path, key), mapping)
                continue
            advised = self._advise(key, mapping, place)
            yield self._unknown_key((*path, key), schema, *advised)
        for key in said if not flat else said[1:]:
            yield Problem((*path, key), "unknown-field", "", None, Drop(lost=False), at_key=True)

    def _bad_variable(self, path: Path, mapping: Mapping) -> Problem:
        problem, key = bad_name(path, variable=True), find_key(mapping, path[-1])
        advised = without_colon(mapping.keys[key], mapping.entries[key], None)
        return problem._replace(hint=advised[0], repair=advised[1]) if advised else problem

    def _use(self, mapping: Mapping, unknown: Sequence[str]) -> Problem | None:
        """The problem with an item whose `block` lacks its colon."""
        for key in unknown:
            own = find_key(mapping, key)
            advised = without_colon(mapping.keys[own], mapping.entries[own], ("block",))
            if advised is not None:
                text = f"an item of `layers` has no key {quoted(key)}"
                return Problem((key,), "unknown-field", text, *advised, at_key=True)
        return None

    def _bad_name(self, path: Path) -> Iterator[Problem]:
        """A key that is no name, or an entry of a list without brackets that YAML takes for one."""
        mapping = find(self.node, path[:-1])
        assert type(mapping) is Mapping
        own = find_key(mapping, path[-1])
        names = (
            list(islice(mapping.entries, _MOST_BARE)) if stands_alone(mapping.keys[own], mapping.entries[own]) else []
        )
        before = names[: names.index(own)] if own in names else []
        field = next((key for key in reversed(before) if type(key) is str), None)
        several = None if field is None else self._several((*path[:-1], field))
        if several is None:
            yield bad_name(path)
            return
        yield several
        yield Problem(path, "wrong-kind", "", None, Drop(lost=False), at_key=True)

    def _several(self, path: Path) -> Problem | None:
        """The problem with a number that has more of them behind it, and no brackets."""
        mapping = find(self.node, path[:-1]) if path else None
        numbers = numbers_of(mapping, path[-1]) if type(mapping) is Mapping else None
        text = f"{self._label(path)} has several values and no brackets around them"
        return Problem(path, "wrong-kind", text, *numbers) if numbers else None

    def _advise(self, key: str, mapping: Mapping, place: Place) -> tuple[str | None, Repair]:
        found = find_key(mapping, key)
        written, value = mapping.keys[found], mapping.entries[found]
        block = self._block_with(key, place.schema)
        if block:
            return f"write it in a block: `{block}: {{{key}: {flow(value)}}}`", Drop()
        own = of_document(key, value) if self.definition == "document" else None
        return (own, Drop()) if own else advise(written, value, place)

    def _unknown_key(
        self, path: Path, schema: dict[str, Any], hint: str | None, repair: Repair, keys: Sequence[str] = ()
    ) -> Problem:
        owner, noun = self._owner(path[:-1], schema)
        words = [quoted(key) for key in keys or (str(path[-1]).removesuffix("\0"),)]
        what = f"{noun} {words[0]}" if len(words) == 1 else f"{noun}s {', '.join(words[:-1])} and {words[-1]}"
        return Problem(path, "unknown-field", f"{owner} has no {what}", hint, repair, at_key=True)

    def _owner(self, path: Path, schema: dict[str, Any]) -> tuple[str, str]:
        """What lacks a key, and whether that would be a field of Caffe or a key of ours."""
        if not path or path[-1] in _PLACES:
            owner = _OWNERS.get(self.definition) or schema.get("title", "a layer")
            return owner, "key" if self.definition in _WORDED else "field"
        return self._label(path).removeprefix("an entry of "), "key" if path[-1] in _WORDED else "field"

    def _block_with(self, key: str, schema: dict[str, Any]) -> str | None:
        """The block that a layer reads and that has the field which its type lacks."""
        blocks = self.definitions["common"]["patternProperties"]
        for name in schema.get("properties", ()):
            target = blocks.get(f"^{name}$")
            message = target["$ref"].rpartition("/")[2] if target else None
            if message and key in self.definitions[message]["properties"]:
                return str(name)
        return None

    def _misplaced(self, path: Path) -> Problem:
        key, owner = path[-1], path[-2] if len(path) > 1 else None
        hint = None
        if owner in _PLACES:
            message, hint = f"`{owner}:` can't change '{key}'", "write it in the layer itself"
        elif owner == "params":
            message = f"a parameter can't be called '{key}': it means something else in a block use"
        elif self.definition == "block_use":
            message = f"a block use can't have '{key}'"
        else:
            message, hint = f"`defaults` can't have '{key}'", "write it in each layer"
        return Problem(path, "unknown-field", message, hint, Drop(), at_key=True)

    def _missing(self, path: Path, error: Any) -> Iterator[Problem]:
        instance, known = error.instance, error.schema.get("properties", ())
        required = ["layers"] if error.validator == "anyOf" else error.validator_value
        wanted = [key for key in required if key not in instance]
        slips = [*wanted, "block", "repeat"] if self.definition == "item" and "type" in wanted else wanted
        patterns = error.schema.get("patternProperties", ())
        unknown = [key for key in instance if not (key in known or any(re.search(one, key) for one in patterns))]
        if unknown and error.validator == "required" and error.schema.get("additionalProperties") is False:
            return  # what is not known, and reported so, is probably what is missing
        node = find(self.node, path)
        assert type(node) is Mapping
        for key in unknown:
            own = find_key(node, key)
            advised = without_colon(node.keys[own], node.entries[own], slips)
            if advised is not None:
                message = f"{self._owner(path, {})[0]} has no key {quoted(key)}"
                yield Problem((*path, key), "unknown-field", message, *advised, at_key=True)
                return
            others = list(other_names(key))
            meant = next((wish for wish in slips if is_slip(key, wish) or wish in others), None)
            if meant is not None:
                message = f"{self._owner(path, {})[0]} has no key {quoted(key)}"
                hint = f"did you mean '{meant}'?"
                yield Problem((*path, key), "unknown-field", message, hint, Rename(meant), at_key=True)
                return
        owner = self._label(path)
        if not path and owner == "a layer" and isinstance(instance.get("name"), str):
            owner = f"layer {quoted(instance['name'])}"
        needed = " and ".join(f"`{key}`" for key in wanted)
        added: dict[str, str | bool] = {key: "" for key in wanted if key in ("name", "type")}
        if "type" in added:
            added["custom"] = True
        lost = None if self.definition == "document" and not path else Drop()
        keyed = len(wanted) > 1 and [*map(type, node.entries.values())] == [Mapping]
        remedy = f"write {as_item(node)}" if keyed else None
        yield Problem(path, "missing-field", f"{owner} needs {needed}", remedy, Add(added) if added else lost)

    # Values

    def _wrong_value(self, path: Path, schema: dict[str, Any]) -> Problem:
        node = find(self.node, path)
        if path[-1:] == ("type",) and "enum" in schema:
            return self._unknown_type(path, node, schema)
        words = words_of(schema)
        if words and type(node) is Scalar and type(node.value) is str:
            return self._unknown_word(path, node.value, words)
        if not path and self.definition == "item":
            message = f"an item of `layers` is {shown(node)}; it takes a mapping"
            return Problem(path, "wrong-kind", message, "write a layer, a block use or a repetition", Drop())
        named = message_of(schema, self.definitions)
        if named is not None and path and isinstance(path[-1], int) and is_bare(find(self.node, path[:-1])):
            path, schema = path[:-1], {"type": ["object", "array"]}
            node = find(self.node, path)
        if path[-2:] in (("repeat", "from"), ("repeat", "to")):
            path = path[:-1]
            remedy = f"name it: `repeat: {{i: {flow(find(self.node, path))}}}`"
            return Problem(path, "wrong-kind", "repeat lacks the name of its variable", remedy, Drop())
        several = self._several(path)
        if several is not None:
            return several
        label = self._label(path)
        hint, repair = advice(node, schema, named, label.removeprefix("an entry of "))
        if label == "stepsize" and type(node) is List:
            hint, repair = self._steps(node)
        if hint is None and path and isinstance(path[-1], int) and type(node) is Scalar and is_row(node.value):
            hint = f"a comma stands between two entries of a list: {', '.join(str(node.value).split())}"
        text = f"{label} is {shown(node)}; it takes {expected(schema, named)}"
        return Problem(path, "wrong-kind", text, hint, repair)

    def _steps(self, steps: List) -> tuple[str, Repair]:
        """The hint on several steps, and their field where the policy reads it."""
        policy = self.node.entries.get("lr_policy") if type(self.node) is Mapping else None
        multistep = type(policy) is Scalar and policy.value == "multistep"
        field = f"several steps are `stepvalue: {flow(steps)}`"
        return (field, Rename("stepvalue")) if multistep else (f"{field}, with `lr_policy: multistep`", Drop())

    def _unknown_type(self, path: Path, node: Node, schema: dict[str, Any]) -> Problem:
        assert type(node) is Scalar
        word = str(node.value)
        meant = meant_type(word, schema["enum"])
        repair: Repair = Replace(meant.word) if meant.sure else Add({"custom": True})
        hint = meant.hint or "write `custom: true` if the type is your own"
        return Problem(path, "unknown-type", f"there is no layer type {quoted(word)}", hint, repair)

    def _unknown_word(self, path: Path, word: str, words: list[str]) -> Problem:
        label = self._label(path)
        code = "unknown-filler" if label.endswith("filler") else "unknown-enum-value"
        meant = meant_word(word, words)
        repair: Repair = Replace(meant.word) if meant.sure else Drop()
        return Problem(path, code, f"{label} is {quoted(word)}; it takes {listed(words)}", meant.hint, repair)


def _words(pattern: str) -> list[str]:
    """The words of a pattern that allows these words alone."""
    match = re.fullmatch(r"\^\(([\w|]+)\)\$", pattern)
    return match[1].split("|") if match else []
