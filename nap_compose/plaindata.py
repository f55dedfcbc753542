"""Plain data whose classes cost next to nothing to import.

`dataclasses.dataclass` writes and compiles up to ten methods for each class as it is imported,
which for a few hundred classes takes longer than all else that a short command does. Here a class
is left as it is until its first object is made, or until somebody asks for its fields: most
classes are imported and never used. The fields are gathered by `dataclasses` then, and mean what
they mean there; of the methods only the one that makes an object is compiled.
"""

from __future__ import annotations

import dataclasses
import operator
import threading
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - so that others may import it
else:

    def dataclass(
        cls: Any = None, /, *, frozen: bool = False, order: bool = False
    ) -> Callable[[type], type] | type:
        """The decorator, to be used as `dataclasses.dataclass` is.

        A class of these derives from no other data class but one of these, and none of another
        kind from it: `dataclasses` would take it for one that isn't frozen.
        """

        def decorate(cls: Any) -> type:
            return _plain(cls, frozen=frozen, order=order)

        return decorate if cls is None else decorate(cls)


_NOT_GIVEN: Any = object()

_FIELDS = "__dataclass_fields__"
"""Where `dataclasses` looks for a class's fields."""

_COMPLETING = threading.RLock()
"""Two threads may make the first object of a class at once."""


def _plain(cls: Any, *, frozen: bool, order: bool) -> Any:
    if not vars(cls).get("__doc__"):
        # `dataclasses` would write one from the signature, for which it reads Python's own words
        # with regular expressions that take longer to compile than all of our classes to make.
        cls.__doc__ = cls.__name__
    later = _Later(cls, frozen=frozen, order=order)
    setattr(cls, _FIELDS, later)
    if "__init__" not in vars(cls):

        def first_made(self: Any, *args: Any, **kwargs: Any) -> None:
            later.complete()
            cls.__init__(self, *args, **kwargs)

        cls.__init__ = first_made
    else:
        later.complete()
    return cls


class _Later:
    """Stands for a class's fields until somebody wants them."""

    def __init__(self, cls: Any, *, frozen: bool, order: bool) -> None:
        self._cls, self._frozen, self._order = cls, frozen, order
        self._own = dict(vars(cls))

    def __get__(self, instance: object, owner: type) -> Any:
        self.complete()
        return vars(self._cls)[_FIELDS]

    def complete(self) -> None:
        """Give the class its fields and methods, once."""
        with _COMPLETING:
            cls = self._cls
            if vars(cls)[_FIELDS] is not self:
                return
            dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
            for name, method in _methods(cls, frozen=self._frozen, order=self._order).items():
                if self._own.get(name) is None:  # an own `__eq__` makes `__hash__` None
                    setattr(cls, name, method)


def _methods(cls: Any, *, frozen: bool, order: bool) -> dict[str, Callable[..., Any] | None]:
    """The methods of a class whose fields are there; what makes an object comes last, so that
    none is made before all are there."""
    fields = dataclasses.fields(cls)
    shown = [each.name for each in fields if each.repr]
    value_of = _getter([each.name for each in fields if each.compare])

    def told(self: Any) -> str:
        pairs = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({pairs})"

    def compared(how: Callable[[Any, Any], bool]) -> Callable[[Any, object], Any]:
        def compare(self: Any, other: object) -> Any:
            if type(other) is not type(self):
                return NotImplemented
            return how(value_of(self), value_of(other))

        return compare

    methods: dict[str, Callable[..., Any] | None] = {
        "__repr__": told,
        "__eq__": compared(operator.eq),
        "__hash__": None,
    }
    if order:
        for how in (operator.lt, operator.le, operator.gt, operator.ge):
            methods[f"__{how.__name__}__"] = compared(how)
    if frozen:
        methods |= _of_frozen(cls, fields)
    return {**methods, "__init__": _init_of(cls, fields)}


def _of_frozen(cls: Any, fields: tuple[Field[Any], ...]) -> dict[str, Callable[..., Any] | None]:
    names = {each.name for each in fields}
    in_hash = [each for each in fields if (each.compare if each.hash is None else each.hash)]
    value_of = _getter([each.name for each in in_hash])

    def hashed(self: Any) -> int:
        return hash(value_of(self))

    def kept(self: Any, name: str, value: object) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def held(self: Any, name: str) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    return {"__hash__": hashed, "__setattr__": kept, "__delattr__": held}


def _getter(names: list[str]) -> Callable[[Any], Any]:
    """What gives the values of these fields."""
    return operator.attrgetter(*names) if names else lambda _: ()


def _init_of(cls: Any, fields: tuple[Field[Any], ...]) -> Callable[..., None]:
    """Compile what sets the fields, in their order, as `dataclasses` does."""
    scope: dict[str, Any] = {"_set": object.__setattr__, "_not_given": _NOT_GIVEN}
    given, by_name, sets = ["self"], list[str](), list[str]()
    for each in fields:
        name, value = each.name, each.name
        told = name
        if each.default is not MISSING:
            scope[f"_default_{name}"] = each.default
            told = f"{name}=_default_{name}"
        elif each.default_factory is not MISSING:
            scope[f"_make_{name}"] = each.default_factory
            told = f"{name}=_not_given"
            value = f"_make_{name}() if {name} is _not_given else {name}"
        if each.init:
            (by_name if each.kw_only else given).append(told)
        elif told == name:
            continue
        else:
            value = f"_make_{name}()" if "not_given" in told else f"_default_{name}"
        sets.append(f"    _set(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        sets.append("    self.__post_init__()")
    words = ", ".join([*given, *(["*", *by_name] if by_name else [])])
    exec("\n".join([f"def __init__({words}):", *sets, "    return"]), scope)  # noqa: S102
    made: Callable[..., None] = scope["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made
