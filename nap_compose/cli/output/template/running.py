"""A template carried out on one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nap_compose.cli.output.template.functions import FUNCTIONS
from nap_compose.cli.output.template.nodes import (
    Branch,
    Command,
    Fields,
    Function,
    Literal,
    Node,
    Operand,
    Pipe,
    Text,
    fault,
)
from nap_compose.cli.output.template.values import is_true, show
from nap_compose.text import nearest, plain

_NOTHING = object()


class Run:
    """One run over one row: `source` is the template's text, for errors alone.

    A value that can be called is a method of the row, as `.Label "key"` is.
    """

    def __init__(self, source: str, row: Mapping[str, Any]) -> None:
        self._source = source
        self._row = row

    def text(self, nodes: Sequence[Node]) -> str:
        """What the template comes to. Raises WrongUse, with the place, where it can't."""
        return "".join(self._nodes(nodes, self._row, {"$": self._row}))

    def _nodes(self, nodes: Sequence[Node], dot: Any, names: dict[str, Any]) -> list[str]:
        out: list[str] = []
        for node in nodes:
            if isinstance(node, Text):
                out.append(node.text)
            elif isinstance(node, Branch):
                out += self._branch(node, dot, dict(names))
            else:
                value = self._pipe(node, dot, names)
                if not node.names:
                    out.append(show(value))
        return out

    def _branch(self, branch: Branch, dot: Any, names: dict[str, Any]) -> list[str]:
        value = self._pipe(branch.pipe, dot, names)
        if branch.kind == "range":
            return self._range(branch, value, dot, names)
        if is_true(value):
            return self._nodes(branch.body, value if branch.kind == "with" else dot, names)
        return self._nodes(branch.other, dot, names)

    def _range(self, branch: Branch, value: Any, dot: Any, names: dict[str, Any]) -> list[str]:
        if isinstance(value, Mapping):
            pairs = [(key, value[key]) for key in sorted(value)]
        elif isinstance(value, (list, tuple)):
            pairs = list(enumerate(value))
        else:
            raise self._fault(branch.pipe.at, f"there is no range over {show(value)}")
        if not pairs:
            return self._nodes(branch.other, dot, names)
        out: list[str] = []
        for index, each in pairs:
            both = (each,) if len(branch.pipe.names) == 1 else (index, each)
            inner = {**names, **dict(zip(branch.pipe.names, both, strict=False))}
            out += self._nodes(branch.body, each, inner)
        return out

    def _pipe(self, pipe: Pipe, dot: Any, names: dict[str, Any]) -> Any:
        value: Any = _NOTHING
        for command in pipe.commands:
            value = self._command(command, dot, names, value)
        for name in pipe.names:
            names[name] = value
        return value

    def _command(self, command: Command, dot: Any, names: dict[str, Any], piped: Any) -> Any:
        first, *rest = command.words
        values = [self._operand(word, dot, names) for word in rest]
        values += [] if piped is _NOTHING else [piped]
        called = self._operand(first, dot, names, call=False)
        if callable(called) and not isinstance(first, Literal):
            return self._called(first, called, values)
        if values:
            raise self._fault(first.at, "that can't be called")
        return called

    def _operand(
        self, word: Operand, dot: Any, names: Mapping[str, Any], *, call: bool = True
    ) -> Any:
        """What a word stands for; a function or a method is called, unless its words follow."""
        if isinstance(word, Literal):
            return word.value
        if isinstance(word, Function):
            value: Any = FUNCTIONS[word.name]
        else:
            value = self._fields(word, dot, names)
        return self._called(word, value, []) if call and callable(value) else value

    def _fields(self, word: Fields, dot: Any, names: Mapping[str, Any]) -> Any:
        value = dot
        if word.inner:
            value = self._pipe(word.inner, dot, dict(names))
        elif word.variable:
            if word.variable not in names:
                raise self._fault(word.at, f"there is no variable {word.variable}")
            value = names[word.variable]
        for name in word.path:
            if not isinstance(value, Mapping):
                raise self._fault(word.at, f"there is no .{name} in {show(value)}")
            if name not in value:
                raise self._unknown(word.at, name, value)
            value = value[name]
        return _safe(value)

    def _unknown(self, at: int, name: str, value: Mapping[str, Any]) -> Exception:
        near = nearest(name, value)
        hint = f"did you mean '.{near}'?" if near else f"there are {', '.join(sorted(value))}"
        return self._fault(at, f"there is no field '.{name}'", hint)

    def _called(self, word: Fields | Function, function: Any, values: Sequence[Any]) -> Any:
        name = word.name if isinstance(word, Function) else "." + ".".join(word.path)
        try:
            value = function(*values)
            return value if isinstance(word, Function) else _safe(value)
        except TypeError:
            given = ", ".join(show(value) for value in values) or "nothing"
            raise self._fault(word.at, f"{name} can't be called with {given}") from None
        except (ValueError, IndexError) as error:
            raise self._fault(word.at, f"{name}: {error}") from None

    def _fault(self, at: int, message: str, hint: str | None = None) -> Exception:
        return fault(self._source, at, message, hint)


def _safe(value: Any) -> Any:
    """Text of a row comes from outside; the template's own may hold tabs and line ends."""
    return plain(value) if isinstance(value, str) else value
