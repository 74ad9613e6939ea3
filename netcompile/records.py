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

    try:
        from _collections import _tuplegetter as _getter
    except ImportError:  # a Python without the C accelerator

        def _getter(index, _doc):
            return property(itemgetter(index))

    def _constructor(count, make=tuple.__new__):
        def __new__(cls, *values, **named):  # noqa: N807 - it becomes one
            if named or len(values) != count:
                values = cls._bind(values, named)
            return make(cls, values)

        return __new__

    class _Meta(type):
        """Makes a tuple class of the annotations of a class body."""

        def __new__(cls, name, bases, body):
            if not bases:
                return super().__new__(cls, name, (tuple,), body)
            fields = tuple(body.get("__annotations__", ()))
            defaults = {field: body.pop(field) for field in fields if field in body}
            for index, field in enumerate(fields):
                body[field] = _getter(index, None)
            body.update(__slots__=(), __match_args__=fields, _fields=fields, _field_defaults=defaults)
            body["__new__"] = _constructor(len(fields))
            return super().__new__(cls, name, bases, body)

    class NamedTuple(metaclass=_Meta):
        """A tuple whose entries have names. The fields are the annotations of the class, their values its defaults."""

        __slots__ = ()
        _fields = ()
        _field_defaults = {}  # noqa: RUF012 - never changed, as in the original

        @classmethod
        def _bind(cls, values, named):
            """All values in order, as a function with these parameters would bind them."""
            fields, count = cls._fields, len(values)
            if count > len(fields) or not named.keys() <= set(fields[count:]):
                wrong = ", ".join(named.keys() - set(fields[count:])) or f"{count} values"
                message = f"{cls.__name__} has the fields {', '.join(fields)}; it can't take {wrong}"
                raise TypeError(message)
            bound = cls._field_defaults | named
            missing = [field for field in fields[count:] if field not in bound]
            if missing:
                message = f"{cls.__name__} needs {', '.join(missing)}"
                raise TypeError(message)
            return (*values, *[bound[field] for field in fields[count:]])

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
