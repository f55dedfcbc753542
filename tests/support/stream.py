"""A Control over a stream within this process: two pipes, and a thread that serves them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import cast

from nap_compose.border import Control
from nap_compose.control.stream.frames import VERSION, Frames
from nap_compose.control.stream.peer import Peer
from nap_compose.control.stream.remote import RemoteControl, _nothing
from nap_compose.control.stream.serving import serve


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
        control.close()

    return cast("Control", RemoteControl(peer, close))


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
