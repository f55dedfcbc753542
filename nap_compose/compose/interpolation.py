"""Variables in values: `$NAME`, `${NAME}` and its forms with default, alternative and error.

| form | unset | empty | set |
|---|---|---|---|
| `${A:-d}` / `${A-d}` | d / d | d / empty | A |
| `${A:+a}` / `${A+a}` | empty | empty / a | a |
| `${A:?e}` / `${A?e}` | error | error / empty | A |

Defaults, alternatives and messages are interpolated themselves; what is wrong in one counts also
when it isn't used, an unset variable in it only then.
`$$` is a dollar sign.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from nap_compose.compose.faults import Fault, Key, dotted

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":[-+?]|[-+?]")
DEEPEST = 50
"""How far `${A:-${B:-…}}` may be nested."""
MOST_CHARACTERS = 64 * 1024 * 1024
"""What the texts of one document may become: variables that hold variables grow without end."""
LONGEST_SHOWN = 100


class BadTemplate(Exception):
    """The text isn't a valid template, or a required variable is missing."""


class Variable(NamedTuple):
    """A variable as a file names it, for `nap config --variables`."""

    name: str
    required: bool = False
    default: str = ""
    alternative: str = ""


class _Reference(NamedTuple):
    """`${name operator body}`."""

    name: str
    operator: str = ""
    body: str = ""


class Interpolator:
    """Replaces variables by the values of `env`; names those that are unset in `unset`."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.unset: dict[str, None] = {}
        self.written = 0

    def text(self, template: str) -> str:
        """`template` with its variables replaced. Raises BadTemplate."""
        return self._text(template, 0)

    def _text(self, template: str, depth: int) -> str:
        if "$" not in template:
            return template
        if depth > DEEPEST:
            raise BadTemplate(f"variables are nested more than {DEEPEST} deep")
        found = []
        for part in parts(template):
            text = part if isinstance(part, str) else self._value(part, depth)
            self.written += len(text)
            if self.written > MOST_CHARACTERS:
                raise BadTemplate(
                    f"its variables make it longer than {MOST_CHARACTERS // 1024 // 1024} MiB"
                )
            found.append(text)
        return "".join(found)

    def _value(self, reference: _Reference, depth: int) -> str:
        value = self.env.get(reference.name)
        there = value is not None if reference.operator[:1] != ":" else bool(value)
        kind = reference.operator[-1:]
        body = self._body(reference, kind, there, depth)
        if kind == "-":
            return value if there and value is not None else body
        if kind == "+":
            return body if there else ""
        if kind == "?" and not there:
            raise BadTemplate(
                f"required variable {reference.name} is missing a value" + f": {body}" * bool(body)
            )
        if value is None:
            self.unset[reference.name] = None
        return value or ""

    def _body(self, reference: _Reference, kind: str, there: bool, depth: int) -> str:
        """The default, alternative or message; one that isn't used must be valid, as in Compose."""
        used = there if kind == "+" else not there
        if used:
            return self._text(reference.body, depth + 1)
        apart = Interpolator(self.env)
        apart.written = self.written
        apart._text(reference.body, depth + 1)
        return ""

    def tree(self, value: Any, faults: list[Fault] | None = None) -> Any:
        """`value` with every text in it interpolated; keys stay as they are.

        What can't be is left as it stands, and why goes to `faults`; without it Fault is raised.
        """
        return walk(value, self.text, faults)


def walk(value: Any, text: Callable[[str], str], faults: list[Fault] | None = None) -> Any:
    """A copy of `value` with `text` applied to each of its texts that holds a `$`.

    Texts that aren't templates are left as they stand and noted in `faults`; without it the
    first one is raised.
    """
    path: list[Key] = []

    def filled(node: str) -> str:
        try:
            return text(node)
        except BadTemplate as error:
            message = str(error)
            hint = None if message.startswith("required") else "write $$ for a plain dollar sign"
            fault = Fault(path, message, hint)
            if faults is None:
                raise fault from None
            faults.append(fault)
            return node

    def visit(node: Any) -> Any:
        if isinstance(node, str):
            return filled(node) if "$" in node else node
        if isinstance(node, dict):
            result = {}
            for key, entry in node.items():
                path.append(key)
                result[key] = visit(entry)
                path.pop()
            return result
        if isinstance(node, list):
            items = []
            for index, entry in enumerate(node):
                path.append(index)
                items.append(visit(entry))
                path.pop()
            return items
        return node

    return visit(value)


def parts(template: str) -> Iterator[str | _Reference]:
    """The plain texts and the references of a template, in order. Raises BadTemplate."""
    at = 0
    while (dollar := template.find("$", at)) >= 0:
        if dollar > at:
            yield template[at:dollar]
        after = template[dollar + 1 : dollar + 2]
        if after == "$":
            yield "$"
            at = dollar + 2
        elif after == "{":
            end = _closing(template, dollar)
            yield _braced(template[dollar + 2 : end], template)
            at = end + 1
        elif match := _NAME.match(template, dollar + 1):
            yield _Reference(match[0])
            at = match.end()
        else:
            yield "$"
            at = dollar + 1
    if at < len(template):
        yield template[at:]


def _closing(template: str, start: int) -> int:
    """The index of the brace that closes the `${` at `start`, on its line.

    Where the braces between don't pair, it is the last one of the line, as Compose takes it.
    """
    depth, last, at = 0, -1, start + 1
    while at < len(template) and template[at] != "\n":
        if template[at] == "{":
            depth += 1
        elif template[at] == "}":
            depth -= 1
            last = at
            if not depth:
                return at
        at += 1
    if last < 0:
        raise BadTemplate(f"invalid template: {_shown(template)} has a ${{ that nothing closes")
    return last


def _shown(template: str) -> str:
    return repr(template if len(template) <= LONGEST_SHOWN else template[:LONGEST_SHOWN] + "…")


def _braced(inside: str, template: str) -> _Reference:
    name = _NAME.match(inside)
    if not name:
        raise BadTemplate(f"invalid template: {_shown(template)} has no variable name after ${{")
    rest = inside[name.end() :]
    if not rest:
        return _Reference(name[0])
    operator = _OPERATOR.match(rest)
    if not operator:
        raise BadTemplate(
            f"invalid template: {_shown(template)} has {rest[0]!r} after the variable's name, "
            "where :- - :+ + :? ? or } may stand"
        )
    return _Reference(name[0], operator[0], rest[operator.end() :])


def variables(value: Any) -> dict[str, Variable]:
    """The variables that the texts in `value` name, the nested ones included."""
    found: dict[str, Variable] = {}

    def note(template: str) -> str:
        for part in parts(template):
            if isinstance(part, str):
                continue
            kind = part.operator[-1:]
            found[part.name] = Variable(
                part.name,
                required=kind == "?",
                default=part.body if kind == "-" else "",
                alternative=part.body if kind == "+" else "",
            )
            note(part.body)
        return template

    walk(value, note)
    return found


__all__ = ["BadTemplate", "Interpolator", "Variable", "dotted", "variables"]
