"""The broker's end of the stream: whoever calls is known, and each call passes the guard."""

from __future__ import annotations

import inspect
import os
import re
import select
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

from nap_compose.border import AuditRequest, Control, Target
from nap_compose.compose.model import App
from nap_compose.control.stream import faults
from nap_compose.control.stream.codec import check_fits, hints_of
from nap_compose.control.stream.frames import MOST_VALUES, VERSION, Frames, StreamBroken
from nap_compose.control.stream.peer import Peer
from nap_compose.errors import NapError, WrongUse
from nap_compose.text import plain

FINISHING = 20.0
"""Seconds in which what still runs may come to its end once the person has gone."""
RECHECK = 60.0
"""Seconds between two looks, while something streams, at whether the caller still may."""
LONGEST_TOKEN = 256
GREETING = 30.0
"""Seconds that the other side may take to say a word."""


class Serving(Peer):
    """Answers calls of the border, each checked against its signature first."""

    hands_back = True

    def __init__(
        self, frames: Frames, open_control: Callable[[], Control], log: Callable[[str], None]
    ) -> None:
        super().__init__(frames, self._of_the_border)
        self._open_control = open_control
        self._idle: list[Control] = []
        self._log = log
        self.at_work = 0
        self._count = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[Control]:
        """A control that no other call is using: each knows for whom, and on whose app, it acts."""
        with self._count:
            self.at_work += 1
            control = self._idle.pop() if self._idle else None
        try:
            control = control or self._open_control()
            yield control
        finally:
            with self._count:
                self.at_work -= 1
                if control is not None:
                    self._idle.append(control)

    def _of_the_border(self, thing: int, name: str) -> Callable[..., Any]:
        declared = getattr(Control, name, None) if thing == 0 and name[:1] != "_" else None
        if not inspect.isfunction(declared) or name == "close":
            raise WrongUse(f"the border knows no call '{name}'")

        def checked(*args: Any, **kwargs: Any) -> Any:
            try:
                bound = inspect.signature(declared).bind(self, *args, **kwargs)
            except TypeError:
                raise WrongUse(f"'{name}' is called otherwise") from None
            hints = hints_of(declared)
            for parameter, value in list(bound.arguments.items())[1:]:
                check_fits(value, hints[parameter], f"{name}: {parameter}")
                _check_names(value)
            with self.taken() as control:
                # Each in its place, whichever way it was given: the guard looks at the first.
                return getattr(control, name)(*bound.args[1:], **bound.kwargs)

        return checked

    def crashed(self, error: BaseException) -> None:
        """What nobody foresaw goes to the log, not to the person."""
        self._log("".join(traceback.format_exception(error)))


_SERVICES = ("awaited", "known_services", "services", "shown")
_NAMES = {
    "app": re.compile(r"([a-z0-9][a-z0-9_-]*)?"),
    "owner": re.compile(r"[a-z0-9-]*"),
    "service": re.compile(r"([a-zA-Z0-9_-][a-zA-Z0-9._-]*)?"),
    "key": re.compile(r"([a-zA-Z0-9_-][a-zA-Z0-9._-]*)?"),
    "oneoff": re.compile(r"([a-zA-Z0-9][a-zA-Z0-9_.-]*)?"),
}
"""What names look like: they become parts of paths and of the state store's keys."""
LONGEST_NAME = 255
"""Characters of a name, which stands in the audit trail whatever becomes of the call."""


def _check_names(value: Any) -> None:
    """Raise WrongUse for a name, wherever in a request it stands, that could lead elsewhere."""
    if isinstance(value, (tuple, list)):
        for each in value:
            _check_names(each)
    elif is_dataclass(value) and not isinstance(value, (type, AuditRequest, App)):
        for field in fields(value):
            inner = getattr(value, field.name)
            shape = _NAMES.get(field.name)
            if field.name in _SERVICES and isinstance(inner, tuple):
                for each in inner:
                    _check_names(Target(service=str(each)))
            elif shape is not None and isinstance(inner, str):
                if len(inner) > LONGEST_NAME or not shape.fullmatch(inner):
                    shown = plain(inner[:LONGEST_NAME])
                    raise WrongUse(f"'{shown}' can't be the name of an {field.name}")
            else:
                _check_names(inner)


def serve(
    reads: int,
    writes: int,
    open_control: Callable[[str], Control],
    log: Callable[[str], None],
    recheck: float = RECHECK,
) -> int:
    """Serve one person until they have gone; `open_control(token)` opens what carries calls out."""
    frames = Frames(reads, writes, most_values=MOST_VALUES)
    try:
        if not select.select([reads], [], [], GREETING)[0]:
            return 2
        greeting = frames.receive()
        if greeting is None:
            return 0
        head, _ = greeting
        if head.get("nap") != VERSION:
            frames.send({"nap": VERSION})
            return 2
        token = head.get("token")
        if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
            token = ""
        control = open_control(token)
    except StreamBroken:
        return 2
    except BaseException as error:
        if not isinstance(error, NapError):
            log("".join(traceback.format_exception(error)))
        frames.send({"nap": VERSION, "error": faults.told(error)})
        return 1
    frames.send({"nap": VERSION})
    first = [control]
    peer = Serving(frames, lambda: first.pop() if first else open_control(token), log)
    reader = threading.Thread(target=peer.read, daemon=True)
    reader.start()
    watched = time.monotonic() + recheck
    while not peer.gone.wait(0.5):
        if time.monotonic() > watched:
            watched = time.monotonic() + recheck
            with peer.taken() as asked:
                refusal = _refusal(asked)
            if refusal is not None:
                frames.send({"over": faults.told(refusal)})
                return 1
    until = time.monotonic() + FINISHING
    while peer.at_work and time.monotonic() < until:
        time.sleep(0.05)
    return 0


def _refusal(control: Control) -> NapError | None:
    """Why the caller may no longer be here; while the directory is away for a moment they may.
    Who hasn't logged in yet has nothing open either."""
    from nap_compose.errors import Away

    try:
        control.whoami()
    except Away:
        return None
    except NapError as error:
        return error
    return None


def end(code: int) -> None:
    """End the process at once: threads that still wait for an engine wait for nobody."""
    sys.stdout.flush()
    os._exit(code)
