"""A Control over a stream within this process: two pipes, and a thread that serves them."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Any, cast

from nap_compose.border import Control
from nap_compose.control.stream.frames import VERSION, Frames
from nap_compose.control.stream.peer import OtherEndGone, Peer
from nap_compose.control.stream.remote import RemoteControl, _nothing
from nap_compose.control.stream.serving import serve
from nap_compose.errors import NapError, foreseen


def pipes() -> tuple[tuple[int, int], tuple[int, int]]:
    """Two ends that can read what the other writes, each as (reads, writes)."""
    here, there = os.pipe(), os.pipe()
    return (here[0], there[1]), (there[0], here[1])


def over_stream(
    control: Control, complaints: list[str] | None = None, recheck: float = 60.0
) -> Control:
    """The same control, reached over a stream as that of a broker is."""
    frames, thread, end = connected(control, complaints, recheck)
    frames.send({"nap": VERSION, "token": ""})
    assert frames.receive() == ({"nap": VERSION, "b": []}, [])
    peer = Peer(frames, _nothing)
    reader = threading.Thread(target=peer.read, daemon=True)
    reader.start()

    closed: list[bool] = []

    def close() -> None:
        if closed:
            return
        closed.append(True)
        end()
        thread.join(timeout=30)
        reader.join(timeout=30)
        # A stream that its thread still reads is closed by that one.
        with contextlib.suppress(ValueError):
            control.close()

    return cast("Control", RemoteControl(peer, close))


def unseen_stream(control: Control) -> Control:
    """The same over a stream, for tests that don't know of it: an error that a call raised is held
    against what crossed of it, and then raised as it was."""
    witness = _Witness(control)
    return cast("Control", _AsItWas(over_stream(cast("Control", witness)), witness))


class _Witness:
    """A control whose calls' errors are remembered, before they cross."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self.raised: list[BaseException] = []

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._control, name)

        def made(*args: Any, **kwargs: Any) -> Any:
            try:
                return inner(*args, **kwargs)
            except BaseException as error:
                self.raised.append(error)
                raise

        return made


class _AsItWas:
    """A control at the other end of a stream, whose errors are those that were raised there."""

    def __init__(self, remote: Control, witness: _Witness) -> None:
        self._remote = remote
        self._witness = witness

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._remote, name)

        def made(*args: Any, **kwargs: Any) -> Any:
            before = len(self._witness.raised)
            try:
                return call(*args, **kwargs)
            except NapError as heard:
                raised = self._witness.raised[before:]
                if len(raised) != 1 or isinstance(raised[0], OtherEndGone):
                    raise
                _compare(raised[0], heard)
                self._witness.raised.clear()
                # Without what it holds of the other side's thread, whose connections end with it.
                raise raised[0].with_traceback(None) from heard

        return made


def _compare(raised: BaseException, heard: NapError) -> None:
    """What a person is told must be the same on both sides."""
    meant = foreseen(raised)
    if meant is None:
        assert "this is a bug in nap" in heard.message, heard
        return
    assert type(heard) in type(meant).__mro__, (meant, heard)
    for part in ("message", "host", "hint", "place", "exit_code"):
        assert getattr(heard, part) == getattr(meant, part), (part, meant, heard)


def connected(
    control: Control, complaints: list[str] | None = None, recheck: float = 60.0
) -> tuple[Frames, threading.Thread, Callable[[], None]]:
    """Frames to somebody who serves `control` (nothing is said yet), the thread that does, and what
    ends it."""
    mine, theirs = pipes()
    log = complaints.append if complaints is not None else print

    def work() -> None:
        serve(*theirs, lambda _: control, log, recheck)
        os.close(theirs[1])

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return Frames(*mine), thread, lambda: os.close(mine[1])
