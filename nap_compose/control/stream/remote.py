"""The border's other side over a stream: each call goes over, and its answer comes back."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import IO, Any, cast

from nap_compose.border import Control
from nap_compose.control.stream import unreached
from nap_compose.control.stream.frames import VERSION, Frames, NotTheLanguage, StreamBroken
from nap_compose.control.stream.peer import Peer
from nap_compose.errors import NapError, NotAllowed, WrongUse

STARTING = 30.0
"""Seconds that the other side may take to begin."""


class RemoteControl:
    """A Control whose calls are carried out by the broker at the other end of a stream."""

    def __init__(self, peer: Peer, end: Callable[[], None]) -> None:
        self._peer = peer
        self._end = end

    def __getattr__(self, call: str) -> Callable[..., Any]:
        """One of the border's calls."""
        if call.startswith("_"):
            raise AttributeError(call)

        def made(*args: Any, **kwargs: Any) -> Any:
            return self._peer.call(0, call, *args, **kwargs)

        return made

    def close(self) -> None:
        """End the other side."""
        self._end()


def open_remote(argv: Sequence[str], token: str) -> Control:
    """Start the broker with `argv` and greet it. Raises NotAllowed where it can't be started, Away
    where it doesn't answer, WrongUse where it speaks another version."""
    complaints = tempfile.TemporaryFile()  # noqa: SIM115 - it lasts as long as the process
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            start_new_session=True,  # Ctrl-C is this side's to pass on
        )
    except OSError as error:
        raise NotAllowed(f"the broker can't be started: {argv[0]}: {error.strerror}") from None
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None
    frames = Frames(stdout.fileno(), stdin.fileno())

    def end() -> None:
        with contextlib.suppress(OSError):
            stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
        complaints.close()

    try:
        _greet(frames, token, argv, process, complaints)
    except NapError:
        end()
        raise
    peer = Peer(frames, _nothing)
    threading.Thread(target=peer.read, daemon=True).start()
    return cast("Control", RemoteControl(peer, end))


def _greet(
    frames: Frames,
    token: str,
    argv: Sequence[str],
    process: subprocess.Popen[bytes],
    complaints: IO[bytes],
) -> None:
    """Say who calls, and hear that it is the broker who answers. Raises NapError."""
    late = threading.Event()

    def give_up() -> None:
        late.set()
        _end_early(process)

    watch = threading.Timer(STARTING, give_up)
    watch.daemon = True
    watch.start()
    try:
        frames.send({"nap": VERSION, "token": token})
        greeting = frames.receive()
    except NotTheLanguage:
        _end_early(process)
        raise unreached.not_the_broker(argv) from None
    except StreamBroken:
        greeting = None
    finally:
        watch.cancel()
    if late.is_set():
        raise unreached.no_answer(argv, STARTING)
    if greeting is None:
        said = _complaints_of(process, complaints)
        raise unreached.not_started(argv, process.returncode, said)
    head, _ = greeting
    if "error" in head:
        from nap_compose.control.stream.faults import heard

        raise heard(head["error"])
    if head.get("nap") != VERSION:
        raise WrongUse(
            f"the broker speaks version {head.get('nap')} of the border's language, this nap "
            f"{VERSION}",
            hint="bring the older of the two up to date",
        )


def _end_early(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(PermissionError):  # sudo is root's
        process.kill()


def _nothing(thing: int, name: str) -> Callable[..., Any]:
    """The other side may call what it was handed, and nothing else."""
    del thing
    raise WrongUse(f"'{name}' isn't for the broker to call")


def _complaints_of(process: subprocess.Popen[bytes], complaints: IO[bytes]) -> list[str]:
    """The lines that it has written to standard error by its end."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=2)
    complaints.seek(0)
    return complaints.read(4000).decode("utf-8", "replace").strip().splitlines()
