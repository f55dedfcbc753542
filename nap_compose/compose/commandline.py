"""A command written as one text, cut into words as Compose does it: by quotes, without a shell."""

from __future__ import annotations

from nap_compose.compose.shortforms import BadForm

OPERATORS = ";&|<>"
"""Where an unquoted command line ends: no shell runs it, and Compose drops what follows."""


def words(text: str) -> tuple[list[str], str]:
    """The words of a command line, and what was dropped after an operator. Raises BadForm."""
    cutter = _Cutter(text)
    while cutter.at < len(text):
        if not cutter.quote and text[cutter.at] in OPERATORS:
            cutter.end_word()
            return cutter.found, text[cutter.at :]
        cutter.step()
    if cutter.quote:
        raise BadForm(f"the quotes of the command {text!r} are not closed")
    cutter.end_word()
    return cutter.found, ""


class _Cutter:
    """Walks over the text; `word` is None between two words."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.quote = ""
        self.word: str | None = None
        self.found: list[str] = []

    def step(self) -> None:
        char = self.text[self.at]
        if char == "\\" and self.quote != "'":
            self._escaped()
        elif self.quote:
            self._quoted(char)
        elif char in "\"'":
            self.quote = char
            self._add("")
        elif self.text.startswith("$(", self.at):
            self._bracketed()
        elif char in " \t\r\n":
            self.end_word()
        else:
            self._add(char)
        self.at += 1

    def end_word(self) -> None:
        if self.word is not None:
            self.found.append(self.word)
        self.word = None

    def _add(self, text: str) -> None:
        self.word = (self.word or "") + text

    def _quoted(self, char: str) -> None:
        if char == self.quote:
            self.quote = ""
        else:
            self._add(char)

    def _escaped(self) -> None:
        self.at += 1
        if self.at == len(self.text):
            raise BadForm(f"the command {self.text!r} ends with a backslash")
        self._add(self.text[self.at])

    def _bracketed(self) -> None:
        """`$(…)` stays one word: it is for whoever runs the command."""
        close = self.text.find(")", self.at)
        if close < 0:
            raise BadForm(f"the bracket of the command {self.text!r} is not closed")
        self._add(self.text[self.at : close + 1])
        self.at = close
