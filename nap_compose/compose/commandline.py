"""A command written as one text, cut into words as Compose does it: by quotes, without a shell."""

from __future__ import annotations

from nap_compose.compose.shortforms import BadForm

OPERATORS = ";&|<>"
"""Where an unquoted command line ends: no shell runs it, and Compose drops what follows."""

_WITHIN = {"'": '")', '"': "')", "`": "'\")", ")": "'\"`"}
"""For each quote: those inside which it is a plain character. `)` stands for `$(…)`."""


def words(text: str) -> tuple[list[str], str]:
    """The words of a command line, and what was dropped after an operator. Raises BadForm."""
    cutter = _Cutter(text)
    while cutter.at < len(text):
        if not cutter.open and text[cutter.at] in OPERATORS:
            cutter.end_line()
            return cutter.found, text[cutter.at :]
        cutter.step()
    if cutter.open:
        raise BadForm(f"the quotes or brackets of the command {text!r} are not closed")
    cutter.end_word()
    return cutter.found, ""


class _Cutter:
    """Walks over the text; `open` are the quotes it is in, `word` is None between two words."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.open: set[str] = set()
        self.word: str | None = None
        self.found: list[str] = []

    def step(self) -> None:
        char = self.text[self.at]
        if char == "\\" and "'" not in self.open:
            self._escaped()
        elif char in " \t\r\n" and not self.open:
            self.end_word()
        elif char == "(" and not self._plain(")"):
            self._bracket()
        elif char in _WITHIN and not self._plain(char):
            self.open ^= {char}
            # `…` and $(…) stay as they are: they are for whoever runs the command.
            self._add("" if char in "\"'" else char)
        else:
            self._add(char)
        self.at += 1

    def end_word(self) -> None:
        if self.word is not None:
            self.found.append(self.word)
        self.word = None

    def end_line(self) -> None:
        """End at an operator; the number in `2>` belongs to it."""
        if self.text[self.at] == ">" and (self.word or "")[:1].isdigit():
            self.word = None
        self.end_word()

    def _plain(self, quote: str) -> bool:
        """Whether `quote` is a plain character here."""
        return any(other in self.open for other in _WITHIN[quote])

    def _add(self, text: str) -> None:
        self.word = (self.word or "") + text

    def _escaped(self) -> None:
        self.at += 1
        if self.at == len(self.text):
            raise BadForm(f"the command {self.text!r} ends with a backslash")
        self._add(self.text[self.at])

    def _bracket(self) -> None:
        if ")" in self.open or not (self.word or "").endswith("$"):
            raise BadForm(f"the command {self.text!r} has a bracket outside quotes")
        self.open.add(")")
        self._add("(")
