"""What a template is made of. `at` is where in the text a thing stands, counted from 0."""

from __future__ import annotations

from typing import Any, TypeAlias

from nap_compose.errors import Place, WrongUse
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Text:
    """What stands between the actions."""

    text: str


@dataclass(frozen=True)
class Literal:
    """A string, number, true, false or nil."""

    at: int
    value: Any


@dataclass(frozen=True)
class Fields:
    """`.A.B` of what the dot is, or of a variable (`$`, `$x.A`), or of something in brackets."""

    at: int
    path: tuple[str, ...] = ()
    variable: str = ""
    inner: Pipe | None = None


@dataclass(frozen=True)
class Function:
    """The name of a function, called with the words after it."""

    at: int
    name: str


Operand: TypeAlias = "Literal | Fields | Function"


@dataclass(frozen=True)
class Command:
    """One part of a pipeline: what is called, and with what."""

    words: tuple[Operand, ...]


@dataclass(frozen=True)
class Pipe:
    """Commands, each given what the one before came to; `names` are variables that take the end."""

    at: int
    commands: tuple[Command, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Branch:
    """`if`, `with` or `range`: the body, and what stands after `else`."""

    kind: str
    pipe: Pipe
    body: tuple[Node, ...]
    other: tuple[Node, ...]


Node: TypeAlias = "Text | Pipe | Branch"


def fault(source: str, at: int, message: str, hint: str | None = None) -> WrongUse:
    """The error for something wrong at a place of a template."""
    before = source[:at]
    line = before.count("\n")
    column = at - (before.rfind("\n") + 1)
    place = Place("--format", line + 1, column + 1, source.split("\n")[line])
    return WrongUse(message, place=place, hint=hint)
