"""From a template's text to what it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
from nap_compose.plaindata import dataclass
from nap_compose.text import nearest

_ACTION = re.compile(r"\{\{(-(?=\s))?")
_ENDS = re.compile(r"(?:(?<=\s)-)?\}\}")
_COMMENT = re.compile(r"\{\{(?:-\s)?/\*.*?\*/(\s-)?\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
      | (?P<number>[+-]?\d+(?:\.\d+)?)
      | (?P<variable>\$\w*)
      | (?P<field>\.\w+)
      | (?P<dot>\.)
      | (?P<word>\w+)
      | (?P<mark>:=|[|(),])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3})|(.))")
_SIGNS = dict(zip('abfnrtv\\"', '\a\b\f\n\r\t\v\\"', strict=True))
_WORDS = {"true": True, "false": False, "nil": None}
_BRANCHES = ("if", "with", "range")
_NOT_HERE = ("define", "block", "template", "break", "continue")
DEEPEST = 50
"""Branches within branches: more is no format that anybody wrote."""


@dataclass(frozen=True)
class Token:
    """A word of an action. `glued`: nothing stands between it and the one before."""

    kind: str
    text: str
    at: int
    glued: bool


@dataclass(frozen=True)
class Piece:
    """A piece of the text: an action's tokens, or plain text."""

    text: str
    tokens: tuple[Token, ...] | None
    at: int


def read(source: str) -> tuple[Node, ...]:
    """What the template is made of. Raises WrongUse, with the place, where it isn't one."""
    return _Reader(source).whole()


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._pieces = list(_pieces(source))
        self._next = 0
        self._depth = 0

    def whole(self) -> tuple[Node, ...]:
        nodes, end = self._until_end()
        if end:
            raise fault(self._source, end.at, f"'{end.text}' has nothing to end")
        return nodes

    def _until_end(self) -> tuple[tuple[Node, ...], Token | None]:
        """Nodes up to an `end` or `else`, which is given too."""
        nodes: list[Node] = []
        while self._next < len(self._pieces):
            piece = self._pieces[self._next]
            self._next += 1
            if piece.tokens is None:
                nodes.append(Text(piece.text))
                continue
            if not piece.tokens:
                raise fault(self._source, piece.at, "there is nothing between {{ and }}")
            first = piece.tokens[0]
            if first.text in ("end", "else"):
                return tuple(nodes), first
            if first.text in _NOT_HERE:
                raise fault(self._source, first.at, f"'{first.text}' isn't supported here")
            if first.text in _BRANCHES:
                nodes.append(self._branch(first, piece.tokens[1:]))
            else:
                nodes.append(_Words(self._source, piece.tokens, piece.at).pipe_to_the_end())
        return tuple(nodes), None

    def _branch(self, word: Token, rest: tuple[Token, ...]) -> Branch:
        self._depth += 1
        if self._depth > DEEPEST:
            raise fault(self._source, word.at, f"more than {DEEPEST} branches within each other")
        pipe = _Words(self._source, rest, word.at, in_range=word.text == "range").pipe_to_the_end()
        body, end = self._until_end()
        other: tuple[Node, ...] = ()
        if end is not None and end.text == "else":
            more = self._pieces[self._next - 1].tokens or ()
            if len(more) > 1:  # `else if …` stands for an `if` within the `else`
                if more[1].text not in _BRANCHES:
                    raise fault(self._source, more[1].at, f"'{more[1].text}' after else")
                other = (self._branch(more[1], more[2:]),)
                self._depth -= 1
                return Branch(word.text, pipe, body, other)
            other, end = self._until_end()
        if end is None or end.text != "end":
            raise fault(self._source, word.at, f"'{word.text}' is never ended")
        self._depth -= 1
        return Branch(word.text, pipe, body, other)


class _Words:
    """The words of one action."""

    def __init__(
        self, source: str, tokens: tuple[Token, ...], at: int, *, in_range: bool = False
    ) -> None:
        self._source = source
        self._tokens = tokens
        self._at = at
        self._in_range = in_range
        self._next = 0

    def pipe_to_the_end(self) -> Pipe:
        """All of them as one pipeline."""
        pipe = self._pipe()
        if self._next < len(self._tokens):
            token = self._tokens[self._next]
            raise fault(self._source, token.at, f"'{token.text}' doesn't belong there")
        return pipe

    def _peek(self, ahead: int = 0) -> Token | None:
        index = self._next + ahead
        return self._tokens[index] if index < len(self._tokens) else None

    def _taken(self, text: str) -> bool:
        token = self._peek()
        if token is None or token.text != text or token.kind != "mark":
            return False
        self._next += 1
        return True

    def _pipe(self) -> Pipe:
        names = self._names()
        commands = [self._command()]
        while self._taken("|"):
            commands.append(self._command())
        return Pipe(self._at, tuple(commands), names)

    def _names(self) -> tuple[str, ...]:
        """`$x :=` or, in a range, `$index, $each :=`."""
        for count in (1, 2) if self._in_range else (1,):
            tokens = [self._peek(index) for index in range(2 * count)]
            kinds = [token.kind if token else "" for token in tokens]
            marks = [token.text if token else "" for token in tokens[1::2]]
            if kinds[::2] == ["variable"] * count and marks == [*[","] * (count - 1), ":="]:
                self._next += 2 * count
                return tuple(token.text for token in tokens[::2] if token)
        return ()

    def _command(self) -> Command:
        words: list[Operand] = []
        while (token := self._peek()) and not (token.kind == "mark" and token.text in "|)"):
            words.append(self._operand(token))
        if not words:
            at = token.at if token else self._end()
            raise fault(self._source, at, "something is missing there")
        if len(words) > 1 and isinstance(words[0], Literal):
            raise fault(self._source, words[0].at, "a value can't be called")
        return Command(tuple(words))

    def _end(self) -> int:
        last = self._tokens[-1] if self._tokens else None
        return last.at + len(last.text) if last else self._at

    def _operand(self, token: Token) -> Operand:
        self._next += 1
        if token.kind == "string":
            return Literal(token.at, self._string(token))
        if token.kind == "number":
            number = float(token.text) if "." in token.text else int(token.text)
            return Literal(token.at, number)
        if token.kind == "variable":
            return Fields(token.at, self._path(), variable=token.text)
        if token.kind == "field":
            return Fields(token.at, (token.text[1:], *self._path()))
        if token.kind == "dot":
            return Fields(token.at)
        if token.kind == "word":
            return self._word(token)
        if token.text == "(":
            inner = self._pipe()
            if not self._taken(")"):
                raise fault(self._source, token.at, "this bracket is never closed")
            return Fields(token.at, self._path(), inner=inner)
        raise fault(self._source, token.at, f"'{token.text}' doesn't belong there")

    def _path(self) -> tuple[str, ...]:
        names = []
        while (token := self._peek()) and token.kind == "field" and token.glued:
            names.append(token.text[1:])
            self._next += 1
        return tuple(names)

    def _word(self, token: Token) -> Operand:
        if token.text in _WORDS:
            return Literal(token.at, _WORDS[token.text])
        if token.text not in FUNCTIONS:
            near = nearest(token.text, FUNCTIONS)
            raise fault(
                self._source,
                token.at,
                f"there is no function '{token.text}'",
                f"did you mean '{near}'?" if near else f"there are {', '.join(sorted(FUNCTIONS))}",
            )
        return Function(token.at, token.text)

    def _string(self, token: Token) -> str:
        if token.text.startswith("`"):
            return token.text[1:-1]
        try:
            return _ESCAPE.sub(_unescaped, token.text[1:-1])
        except (KeyError, ValueError, OverflowError):
            raise fault(self._source, token.at, f"{token.text} is no string") from None


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if not code:
        return _SIGNS[found[2]]
    digits = code.lstrip("xuU")
    return chr(int(digits, 8 if digits == code else 16))


def _pieces(source: str) -> Iterator[Piece]:
    """Text and actions in turn. A hyphen inside the braces takes the blanks beside them away."""
    at, trim = 0, False
    while True:
        action = _ACTION.search(source, at)
        text = source[at : action.start() if action else len(source)]
        text = text.lstrip() if trim else text
        text = text.rstrip() if action and action[1] else text
        if text:
            yield Piece(text, None, at)
        if action is None:
            return
        comment = _COMMENT.match(source, action.start())
        if comment:
            at, trim = comment.end(), bool(comment[1])
            continue
        tokens, at, trim = _tokens(source, action.end())
        yield Piece("", tokens, action.start())


def _tokens(source: str, start: int) -> tuple[tuple[Token, ...], int, bool]:
    """An action's words, where the text goes on, and whether the blanks there go."""
    tokens: list[Token] = []
    at, glued = start, False
    while True:
        end = _ENDS.match(source, at)
        if end:
            return tuple(tokens), end.end(), end[0].startswith("-")
        found = _TOKEN.match(source, at)
        if found is None:
            if at >= len(source):
                raise fault(source, start - 2, "this {{ is never closed")
            if source[at] in '"`':
                raise fault(source, at, "this string is never closed")
            raise fault(source, at, f"'{source[at]}' doesn't belong in a template")
        if found.lastgroup != "space":
            tokens.append(Token(str(found.lastgroup), found[0], at, glued))
        glued = found.lastgroup != "space"
        at = found.end()
