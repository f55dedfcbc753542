"""`.env` files and `env_file:` files, in Compose's syntax.

`KEY=value`, `KEY: value`, `export KEY=value`, a bare `KEY` that passes the environment's value
on; `'…'` as it stands, `"…"` with escapes and variables, either over several lines; ` #` begins
a comment after a bare value. Variables see the lines above and the environment, which wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nap_compose.compose.interpolation import BadTemplate, Interpolator
from nap_compose.errors import BadFile, Place

_SPACES = " \t\v\f\r\u0085\u00a0"
_KEY = re.compile(r"[\w.\-\[\]]*")
_ESCAPE = re.compile(r"\\(0[0-7]{1,3}|[^0])")
_PLAIN_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_COMMENT = re.compile(r" #.*$", re.DOTALL)


def parse(text: str, file: str, env: Mapping[str, str]) -> dict[str, str | None]:
    """The variables of a file's `text`; a bare KEY that `env` doesn't have is None.

    Raises BadFile with the line of the fault.
    """
    return _Parser(text.removeprefix("\ufeff"), file, env).run()


def parse_raw(text: str, file: str) -> dict[str, str | None]:
    """The variables of an `env_file` of `format: raw`: values stand as they are, quotes too."""
    found: dict[str, str | None] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        stripped = line.lstrip(_SPACES)
        if not stripped or stripped.startswith("#"):
            continue
        key, equals, value = stripped.partition("=")
        if not key or any(char in _SPACES for char in key):
            raise BadFile(f"\"{key}\" can't be a variable's name", place=Place(file, number))
        found[key] = value if equals else None
    return found


class _Parser:
    def __init__(self, text: str, file: str, env: Mapping[str, str]) -> None:
        self.text = text
        self.file = file
        self.env = env
        self.at = 0
        self.found: dict[str, str | None] = {}
        self.known: dict[str, str] = dict(env)
        self.interpolator = Interpolator(self.known)

    def run(self) -> dict[str, str | None]:
        while self._to_statement():
            key = self._key()
            if key is None:
                continue
            value = self._value()
            self.found[key] = value
            if value is not None:
                self.known.setdefault(key, value)
                if key not in self.env:
                    self.known[key] = value
        return self.found

    def _to_statement(self) -> bool:
        text = self.text
        while self.at < len(text):
            if text[self.at].isspace():
                self.at += 1
            elif text[self.at] == "#":
                end = text.find("\n", self.at)
                self.at = len(text) if end < 0 else end
            else:
                return True
        return False

    def _key(self) -> str | None:
        """The next key; a bare one is put away and gives None. Leaves `at` before the value."""
        if re.match(r"export[ \t]", self.text[self.at : self.at + 7]):
            self.at += len("export")
            self._skip_spaces()
        start = self.at
        match = _KEY.match(self.text, start)
        key = match[0] if match else ""
        self.at = start + len(key)
        self._skip_spaces()
        sign = self.text[self.at : self.at + 1]
        if not key and sign:
            self._bad(start, f"unexpected character {sign!r} in a variable's name")
        if sign in ("=", ":"):
            self.at += 1
            return key
        if sign in ("", "\n"):
            if self.found.get(key) is None or key in self.env:
                self.found[key] = self.env.get(key)
            return None
        if self.text[start + len(key) : start + len(key) + 1] in tuple(_SPACES):
            self._bad(start, "a variable's name can't contain a space")
        self._bad(self.at, f"unexpected character {sign!r} in a variable's name")
        return None

    def _skip_spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _SPACES:
            self.at += 1

    def _value(self) -> str:
        self._skip_spaces()
        quote = self.text[self.at : self.at + 1]
        return self._quoted(quote) if quote in ("'", '"') and quote else self._bare()

    def _bare(self) -> str:
        start = self.at
        end = self.text.find("\n", start)
        self.at = end = len(self.text) if end < 0 else end
        line = self.text[start:end]
        return self._expand(_COMMENT.sub("", line).rstrip(), start)

    def _quoted(self, quote: str) -> str:
        start = self.at
        escaped = False
        for index in range(start + 1, len(self.text)):
            char = self.text[index]
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == quote:
                self.at = index + 1
                inside = self.text[start + 1 : index]
                if quote == "'":
                    return inside.replace("\\'", "'")
                return self._expand(_unescape(inside), start)
        line = self.text[start:].split("\n", 1)[0]
        self._bad(start, f"unterminated quoted value {line}")
        return ""

    def _expand(self, value: str, at: int) -> str:
        try:
            return self.interpolator.text(value)
        except BadTemplate as error:
            self._bad(at, str(error))
            return ""

    def _bad(self, at: int, message: str) -> None:
        before = self.text[:at]
        line = before.count("\n") + 1
        column = at - (before.rfind("\n") + 1) + 1
        raise BadFile(message, place=Place(self.file, line, column))


def _unescape(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        if code in _PLAIN_ESCAPES:
            return _PLAIN_ESCAPES[code]
        if code.startswith("0") and len(code) > 1:
            return chr(int(code, 8))
        if code == "$":
            return "$$"
        return code if code in '\\"' else match[0]

    return _ESCAPE.sub(one, text)
