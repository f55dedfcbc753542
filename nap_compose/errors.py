"""Errors for a person: what failed, where, why, and the next thing to try."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import field

from nap_compose.exits import Exit
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Place:
    """A place in a text file. Lines and columns count from 1; 0 stands for "not known".

    `text` is the line itself, where it may be shown.
    """

    file: str
    line: int = 0
    column: int = 0
    text: str = field(default="", compare=False, repr=False)

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


_NO_BUGS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What the machine's disks can't do, wherever nap comes upon it."""


def foreseen(error: BaseException) -> NapError | None:
    """The error itself, or what is to be said of what a disk can't do; None for a bug of nap's."""
    if isinstance(error, NapError):
        return error
    if isinstance(error, OSError) and error.errno in _NO_BUGS:
        where = f": {error.filename}" if error.filename else ""
        return NapError(f"{error.strerror}{where}")
    return None


class WrongUse(NapError):
    """The command's words are off."""

    exit_code = Exit.WRONG_USE


class NoSuchApp(WrongUse):
    """Nothing is there of the app that was named. It says nothing of others: what may have been
    meant is told by whoever knows which of them the person may see."""


class BadFile(NapError):
    """A file that nap was given isn't valid.

    `path` leads to the fault in the document, for whoever has the file and can tell the place.
    """

    exit_code = Exit.WRONG_USE

    def __init__(
        self,
        message: str,
        *,
        place: Place | None = None,
        hint: str | None = None,
        path: Iterable[str | int] = (),
    ) -> None:
        super().__init__(message, place=place, hint=hint)
        self.path = tuple(path)


class BadFiles(BadFile):
    """Several faults at once, each with its own place: all are shown, not only the first."""

    def __init__(self, faults: tuple[BadFile, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults
        # What isn't allowed is no fault of the file's; both together are one.
        codes = {fault.exit_code for fault in faults}
        self.exit_code = codes.pop() if len(codes) == 1 else Exit.WRONG_USE

    @classmethod
    def of(cls, faults: Iterable[BadFile]) -> BadFile:
        """One error for all the `faults`, of which there is at least one."""
        found = tuple(faults)
        return found[0] if len(found) == 1 else cls(found)


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
