"""Says quickly whether a node satisfies a definition of the JSON Schema, and nothing of why not.

The schema is compiled to closures, each part when a value first reaches it. A schema becomes a table from the Python
type of a value to a test: a pattern costs a number nothing, and `if: {type: array}` is settled while compiling. The
verdict is that of any draft-07 validator on the same file; a test compares them. This module knows the keywords that
the file uses, and nothing of layers.
"""

from __future__ import annotations

import re
from functools import reduce
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from netcompile.tree import List, Mapping, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Mapping as MappingType

    from netcompile.tree import Node

Test: TypeAlias = "Callable[[Any], bool]"
Table: TypeAlias = "dict[type, Test]"

_KINDS: Final = (str, int, float, bool, NoneType, List, Mapping)
_KINDS_OF: Final = {
    "string": (str,),
    "integer": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "null": (NoneType,),
    "array": (List,),
    "object": (Mapping,),
}
_LOGIC: Final = frozenset({"$ref", "allOf", "anyOf", "if", "then", "else", "type", "enum", "const"})
_LIMITS: Final = frozenset({"minimum", "maximum", "pattern", "items", "contains", "minItems", "minProperties"})
_NAMES: Final = frozenset({"required", "propertyNames"})
_KEYS: Final = frozenset({"properties", "patternProperties", "additionalProperties"})
_COMMENTS: Final = frozenset({"$schema", "title", "description", "enumDescriptions", "errorMessage"})
_EDITING: Final = frozenset({"defaultSnippets", "doNotSuggest"})
_MOST_KEPT: Final = 1000


class Acceptor:
    """Tests nodes against the definitions of one schema, which must not change afterwards."""

    def __init__(self, schema: MappingType[str, Any]) -> None:
        self._schema = schema
        self._tables: dict[int, Table] = {}
        self._tests: dict[str, Test] = {}

    def accepts(self, node: Node, definition: str) -> bool:
        """Whether `node` satisfies a definition."""
        test = self._tests.get(definition)
        if test is None:
            test = self._tests[definition] = self.compile(self._schema["definitions"][definition])
        return test(node.value if type(node) is Scalar else node)

    def compile(self, schema: Any) -> Test:
        """The test of a schema: for the value of a scalar, or for a list or mapping node."""
        table = self.table(schema)
        if all(table.get(kind) is _yes for kind in _KINDS):
            return _yes

        def test(value: Any) -> bool:
            of_kind = table.get(type(value))
            return of_kind is not None and of_kind(value)

        return test

    def table(self, schema: Any) -> Table:
        """The tests of a schema by kind of value; a kind that it never accepts is absent."""
        table = self._tables.get(id(schema))
        if table is None:
            table = self._tables[id(schema)] = self._build(schema)
        return table

    def _build(self, schema: Any) -> Table:
        if schema is True or schema is False:
            return dict.fromkeys(_KINDS, _yes) if schema else {}
        parts = list(self._parts(schema))
        table = reduce(_both, map(self._own_table, parts))
        keyed = [part for part in parts if not _KEYS.isdisjoint(part)]
        if keyed and Mapping in table:  # in one pass over the entries, whichever part says something of their keys
            table[Mapping] = _every([table[Mapping], _entries_test(_Keys(self, keyed))])
        return table

    def _parts(self, schema: Any) -> Iterator[dict[str, Any]]:
        """The schemas that together make up a schema: its own keywords, and those that it refers to."""
        if "$ref" in schema:
            yield from self._parts(self._resolve(schema["$ref"]))
            return
        yield schema
        for part in schema.get("allOf", ()):
            yield from self._parts(part)

    def _own_table(self, schema: dict[str, Any]) -> Table:
        """The table of a schema but for its `allOf` and for what it says of single keys."""
        unknown = schema.keys() - _LOGIC - _LIMITS - _NAMES - _KEYS - _COMMENTS - _EDITING
        assert not unknown, unknown
        tests: dict[type, list[Test]] = {kind: [] for kind in _KINDS}
        _add_values(schema, tests)
        if List in tests:
            tests[List].extend(self._list_tests(schema))
        if Mapping in tests:
            tests[Mapping].extend(self._object_tests(schema))
        table = {kind: _every(several) for kind, several in tests.items()}
        if "anyOf" in schema:
            table = _both(table, _either([self.table(part) for part in schema["anyOf"]]))
        return _both(table, self._conditional(schema)) if "if" in schema else table

    def _resolve(self, pointer: str) -> Any:
        target: Any = self._schema
        for part in pointer.removeprefix("#/").split("/"):
            target = target[part]
        return target

    def _list_tests(self, schema: dict[str, Any]) -> Iterator[Test]:
        if "minItems" in schema:
            least = schema["minItems"]
            yield lambda node: len(node.items) >= least
        if "items" in schema:
            item = _Later(self, schema["items"])
            yield lambda node: all(map(item.test, map(_value, node.items)))
        if "contains" in schema:
            wanted = _Later(self, schema["contains"])
            yield lambda node: any(map(wanted.test, map(_value, node.items)))

    def _object_tests(self, schema: dict[str, Any]) -> Iterator[Test]:
        required = schema.get("required", ())
        if len(required) == 1:
            yield lambda node, key=required[0]: key in node.entries  # type: ignore[misc]
        elif required:
            yield lambda node: node.entries.keys() >= set(required)
        if "minProperties" in schema:
            least = schema["minProperties"]
            yield lambda node: len(node.entries) >= least
        if "propertyNames" in schema:
            name = self.compile(schema["propertyNames"])
            yield lambda node: all(map(name, map(key_text, node.entries)))

    def _conditional(self, schema: dict[str, Any]) -> Table:
        if _asks_type(schema):
            branches: Table = dict.fromkeys(_KINDS, _yes)
            branches[Mapping] = _branches_test(_Branches(self, schema))
            return branches
        condition = self.table(schema["if"])
        then, other = self.table(schema.get("then", True)), self.table(schema.get("else", True))
        table: Table = {}
        for kind in _KINDS:
            test = condition.get(kind)
            if test is None or test is _yes:
                chosen = (then if test else other).get(kind)
                table.update({kind: chosen} if chosen else {})
            else:
                table[kind] = _choose(test, then.get(kind, _no), other.get(kind, _no))
        return table


class _Later:
    """A test that is compiled when it is first used, which is what lets definitions refer to each other."""

    __slots__ = ("_acceptor", "_schema", "test")

    def __init__(self, acceptor: Acceptor, schema: Any) -> None:
        self._acceptor = acceptor
        self._schema = schema
        self.test: Test = self._first

    def _first(self, value: Any) -> bool:
        self.test = self._acceptor.compile(self._schema)
        return self.test(value)


class _Keys(dict[str, "Table"]):
    """The tests for the value under each key of an object, made when the key is first met."""

    def __init__(self, acceptor: Acceptor, schemas: Sequence[dict[str, Any]]) -> None:
        super().__init__()
        self._acceptor = acceptor
        self._named = [schema.get("properties", {}) for schema in schemas]
        self._patterns = [
            [(_matcher(pattern), part) for pattern, part in schema.get("patternProperties", {}).items()]
            for schema in schemas
        ]
        self._additional = [schema.get("additionalProperties", True) for schema in schemas]

    def __missing__(self, key: Any) -> Table:
        text = key_text(key)
        table: Table = dict.fromkeys(_KINDS, _yes)
        for named, patterns, additional in zip(self._named, self._patterns, self._additional, strict=True):
            parts = [named[text]] if text in named else []
            parts.extend(part for matches, part in patterns if matches(text))
            for part in parts or [additional]:
                table = _both(table, self._acceptor.table(part))
        if len(self) < _MOST_KEPT:
            self[key] = table
        return table


class _Branches(dict["str | None", "Test"]):
    """Where a tree of if/then/else over `type` leads for a word, worked out when the word is first met."""

    def __init__(self, acceptor: Acceptor, tree: Any) -> None:
        super().__init__()
        self._acceptor = acceptor
        self._tree = tree

    def __missing__(self, word: str | None) -> Test:
        schema = self._tree
        while _asks_type(schema):
            matches = word is not None and _matcher(schema["if"]["properties"]["type"]["pattern"])(word)
            schema = schema["then" if matches else "else"]
        test = self._acceptor.compile(schema)
        if len(self) < _MOST_KEPT:
            self[word] = test
        return test


def key_text(key: Any) -> str:
    """The text by which a schema knows a key. What is no text gets one that no schema allows."""
    return key if type(key) is str else f"{key}\0"


def _value(node: Node) -> Any:
    return node.value if type(node) is Scalar else node


def _entries_test(tables: _Keys) -> Test:
    def test(node: Mapping) -> bool:
        for key, child in node.entries.items():  # no generator, and no call for `_yes`: it runs for every value
            value = child.value if type(child) is Scalar else child
            of_kind = tables[key].get(type(value))
            if of_kind is not _yes and (of_kind is None or not of_kind(value)):
                return False
        return True

    return test


def _branches_test(tests: _Branches) -> Test:
    def test(node: Mapping) -> bool:
        named = node.entries.get("type")
        word = named.value if type(named) is Scalar else None
        return tests[word if type(word) is str else None](node)

    return test


def _add_values(schema: dict[str, Any], tests: dict[type, list[Test]]) -> None:
    """Keywords on single values: keep the kinds that they allow, with a test each."""
    if "type" in schema:
        _keep_types(schema["type"], tests)
    if "enum" in schema or "const" in schema:
        _keep_words(schema["enum"] if "enum" in schema else [schema["const"]], tests)
    if "pattern" in schema and str in tests:
        tests[str].append(_matcher(schema["pattern"]))
    least, most = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
    if "minimum" in schema or "maximum" in schema:
        for kind in {int, float} & tests.keys():
            tests[kind].append(lambda number: least <= number <= most)


def _matcher(pattern: str) -> Test:
    """Whether a pattern is found in a text. Words and the `$` of a variable need no regular expression."""
    if pattern == r"\$":
        return lambda text: "$" in text
    words = _words(pattern)
    if words:
        return frozenset(words).__contains__
    search = re.compile(pattern).search
    return lambda text: search(text) is not None


def _words(pattern: str) -> list[str]:
    """The words of a pattern such as `^one$` or `^(one|two)$`; none of any other."""
    if pattern.startswith("^(") and pattern.endswith(")$"):
        words = pattern[2:-2].split("|")
    else:
        words = [pattern[1:-1]] if pattern.startswith("^") and pattern.endswith("$") else []
    return words if all(map(str.isidentifier, words)) else []


def _keep_types(names: str | list[str], tests: dict[type, list[Test]]) -> None:
    names = [names] if isinstance(names, str) else names
    kept = {kind for name in names for kind in _KINDS_OF[name]}
    for kind in tests.keys() - kept:
        del tests[kind]
    if "integer" in names and "number" not in names:
        tests[float].append(float.is_integer)


def _keep_words(words: list[Any], tests: dict[type, list[Test]]) -> None:
    for kind in list(tests):
        own = frozenset(word for word in words if type(word) is kind)
        if own:
            tests[kind].append(own.__contains__)
        else:
            del tests[kind]
    assert {str, bool} >= tests.keys(), "numbers in an enum compare across int and float"


def _yes(_: Any) -> bool:
    return True


def _no(_: Any) -> bool:
    return False


def _every(tests: Sequence[Test]) -> Test:
    """All of the tests, as one."""
    tests = [test for test in tests if test is not _yes]
    if len(tests) <= 1:
        return tests[0] if tests else _yes
    if len(tests) == 2:  # noqa: PLR2004 - the usual number deserves the quick form
        first, second = tests
        return lambda value: first(value) and second(value)
    return lambda value: all(test(value) for test in tests)


def _both(one: Table, other: Table) -> Table:
    return {kind: _every((test, other[kind])) for kind, test in one.items() if kind in other}


def _either(tables: list[Table]) -> Table:
    table: Table = {}
    for kind in _KINDS:
        tests = [one[kind] for one in tables if kind in one]
        if tests:
            table[kind] = _yes if _yes in tests else _any(tests)
    return table


def _any(tests: list[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda value: any(test(value) for test in tests)


def _choose(condition: Test, then: Test, other: Test) -> Test:
    return lambda value: then(value) if condition(value) else other(value)


def _asks_type(schema: Any) -> bool:
    """True for an if/then/else that hangs on the text under `type` alone."""
    if not isinstance(schema, dict) or schema.keys() != {"if", "then", "else"}:
        return False
    condition = schema["if"]
    asked = condition.get("properties", {})
    return bool(condition.get("required") == ["type"] == list(asked) and asked["type"].keys() == {"type", "pattern"})
