"""Plain data whose classes cost next to nothing to import.

`dataclasses.dataclass` writes and compiles up to ten methods for each class as it is imported,
which for a hundred classes takes longer than all else that a short command does. Here the fields
are gathered by `dataclasses` too, and mean what they mean there; what a class is made with is
compiled when the first one is made, and the rest needs no compiling.
"""

from __future__ import annotations

import dataclasses
import operator
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


def _plain(cls: Any, *, frozen: bool, order: bool) -> Any:
    own = dict(vars(cls))
    if not own.get("__doc__"):
        # `dataclasses` would write one from the signature, for which it reads Python's own words
        # with regular expressions that take longer to compile than all of our classes to make.
        cls.__doc__ = cls.__name__
    gathered: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    for name, method in _methods(gathered, frozen=frozen, order=order).items():
        if own.get(name) is None:  # whoever has an own `__eq__` has None for its `__hash__`
            setattr(gathered, name, method)
    return gathered


def _methods(cls: Any, *, frozen: bool, order: bool) -> dict[str, Callable[..., Any] | None]:
    fields = dataclasses.fields(cls)
    shown = [each.name for each in fields if each.repr]
    value_of = _getter([each.name for each in fields if each.compare])

    def first_made(self: Any, *args: Any, **kwargs: Any) -> None:
        made: Any = _init_of(cls, fields)
        cls.__init__ = made
        made(self, *args, **kwargs)

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
        "__init__": first_made,
        "__repr__": told,
        "__eq__": compared(operator.eq),
        "__hash__": None,
    }
    if order:
        for how in (operator.lt, operator.le, operator.gt, operator.ge):
            methods[f"__{how.__name__}__"] = compared(how)
    return methods | (_of_frozen(cls, fields) if frozen else {})


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
