"""Passwords: from standard input, from a file that a variable names, or asked for."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from pathlib import Path

from nap_compose.errors import WrongUse
from nap_compose.text import plain

LONGEST = 4096
"""Bytes of a password that are read."""


def read_password(env: Mapping[str, str], variable: str, whose: str, *, from_stdin: bool) -> str:
    """The password, without its line end, and nothing else cut; `variable` may name its file.

    Raises WrongUse where it can't be had.
    """
    if from_stdin:
        return _without_line_end(sys.stdin.buffer.read(LONGEST), "standard input")
    file = env.get(variable)
    if file:
        try:
            with Path(file).open("rb") as opened:
                return _without_line_end(opened.read(LONGEST), file)
        except OSError as error:
            raise WrongUse(f"{variable} can't be read: {error.strerror}") from None
    if not sys.stdin.isatty():
        raise WrongUse(
            "there is no terminal to ask for the password",
            hint=f"use --password-stdin, or name a file in {variable}",
        )
    return getpass.getpass(f"Password of {plain(whose)}: ")


def _without_line_end(data: bytes, where: str) -> str:
    try:
        return data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise WrongUse(f"the password in {where} is no UTF-8 text") from None
