"""Named tuples that cost no start-up time: `typing.NamedTuple`, made without generating and compiling code.

The standard library compiles a constructor for every class, which for all of ours takes as long as importing PyYAML's
C parser. Type checkers see the original.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from operator import itemgetter
    from types import FunctionType

    try:
        from _collections import _tuplegetter as _getter
    except ImportError:  # a Python without the C accelerator

        def _getter(index, _doc):
            return property(itemgetter(index))

    # The constructors, by number of fields. Only the names of their parameters differ from one class to the next.
    _make = tuple.__new__
    _TEMPLATES = (
        lambda cls: _make(cls, ()),
        lambda cls, a: _make(cls, (a,)),
        lambda cls, a, b: _make(cls, (a, b)),
        lambda cls, a, b, c: _make(cls, (a, b, c)),
        lambda cls, a, b, c, d: _make(cls, (a, b, c, d)),
        lambda cls, a, b, c, d, e: _make(cls, (a, b, c, d, e)),
        lambda cls, a, b, c, d, e, f: _make(cls, (a, b, c, d, e, f)),
        lambda cls, a, b, c, d, e, f, g: _make(cls, (a, b, c, d, e, f, g)),
        lambda cls, a, b, c, d, e, f, g, h: _make(cls, (a, b, c, d, e, f, g, h)),
        lambda cls, a, b, c, d, e, f, g, h, i: _make(cls, (a, b, c, d, e, f, g, h, i)),
        lambda cls, a, b, c, d, e, f, g, h, i, j: _make(cls, (a, b, c, d, e, f, g, h, i, j)),
        lambda cls, a, b, c, d, e, f, g, h, i, j, k: _make(cls, (a, b, c, d, e, f, g, h, i, j, k)),
        lambda cls, a, b, c, d, e, f, g, h, i, j, k, m: _make(cls, (a, b, c, d, e, f, g, h, i, j, k, m)),
        lambda cls, a, b, c, d, e, f, g, h, i, j, k, m, n: _make(cls, (a, b, c, d, e, f, g, h, i, j, k, m, n)),
        lambda cls, a, b, c, d, e, f, g, h, i, j, k, m, n, o: _make(cls, (a, b, c, d, e, f, g, h, i, j, k, m, n, o)),
        lambda cls, a, b, c, d, e, f, g, h, i, j, k, m, n, o, p: _make(
            cls, (a, b, c, d, e, f, g, h, i, j, k, m, n, o, p)
        ),
        lambda cls, a, b, c, d, e, f, g, h, i, j, k, m, n, o, p, q: _make(
            cls, (a, b, c, d, e, f, g, h, i, j, k, m, n, o, p, q)
        ),
    )

    def _constructor(qualname, fields, defaults):
        code = _TEMPLATES[len(fields)].__code__
        code = code.replace(co_name="__new__", co_varnames=("cls", *fields))
        made = FunctionType(code, globals(), "__new__", defaults)
        made.__qualname__ = f"{qualname}.__new__"
        return made

    class _Meta(type):
        """Makes a tuple class of the annotations of a class body."""

        def __new__(cls, name, bases, body):
            if not bases:
                return super().__new__(cls, name, (tuple,), body)
            fields = tuple(body.get("__annotations__", ()))
            defaults = {field: body.pop(field) for field in fields if field in body}
            assert tuple(defaults) == fields[len(fields) - len(defaults) :], "fields with a default come last"
            for index, field in enumerate(fields):
                body[field] = _getter(index, None)
            body.update(__slots__=(), __match_args__=fields, _fields=fields, _field_defaults=defaults)
            body["__new__"] = _constructor(body["__qualname__"], fields, tuple(defaults.values()))
            return super().__new__(cls, name, bases, body)

    class NamedTuple(metaclass=_Meta):
        """A tuple whose entries have names. The fields are the annotations of the class, their values its defaults."""

        __slots__ = ()
        _fields = ()
        _field_defaults = {}  # noqa: RUF012 - never changed, as in the original

        @classmethod
        def _make(cls, values):
            return cls(*values)

        def _replace(self, **named):
            unknown = named.keys() - set(self._fields)
            if unknown:
                message = f"{type(self).__name__} has no field {', '.join(unknown)}"
                raise TypeError(message)
            return tuple.__new__(type(self), map(named.pop, self._fields, self))

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            shown = ", ".join(f"{field}={value!r}" for field, value in zip(self._fields, self, strict=True))
            return f"{type(self).__name__}({shown})"


__all__ = ["NamedTuple"]
