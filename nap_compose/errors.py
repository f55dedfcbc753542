"""Errors for a person: what failed, where, why, and the next thing to try."""

from __future__ import annotations

from dataclasses import dataclass

from nap_compose.exits import Exit


@dataclass(frozen=True)
class Place:
    """A place in a text file. Lines and columns count from 1; 0 stands for "not known"."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        numbers = [str(number) for number in (self.line, self.column) if number]
        return ":".join([self.file, *numbers])


class NapError(Exception):
    """Something nap says to the person who called it, without a traceback.

    `message` says what failed and why, `place` or `host` where, `hint` the next thing to try,
    `exit_code` how the command ends.
    """

    exit_code: Exit = Exit.FAILED

    def __init__(
        self,
        message: str,
        *,
        place: Place | None = None,
        host: str | None = None,
        hint: str | None = None,
        exit_code: Exit | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.host = host
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code

    def __str__(self) -> str:
        where = str(self.place) if self.place else f"host {self.host}" if self.host else ""
        return f"{where}: {self.message}" if where else self.message


class WrongUse(NapError):
    """The command's words are off."""

    exit_code = Exit.WRONG_USE


class BadFile(NapError):
    """A file that nap was given isn't valid."""

    exit_code = Exit.WRONG_USE


class BadFiles(BadFile):
    """Several faults at once, each with its own place: all are shown, not only the first."""

    def __init__(self, faults: tuple[BadFile, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class Locked(NapError):
    """Another deployment holds the app's lock."""

    exit_code = Exit.LOCKED


class NotAllowed(NapError):
    """Not logged in, or not allowed."""

    exit_code = Exit.NOT_ALLOWED


class Away(NapError):
    """A host or a service that was needed didn't answer."""

    exit_code = Exit.PARTIAL


class Interrupted(NapError):
    """The person pressed Ctrl-C."""

    exit_code = Exit.INTERRUPTED
