"""Talking with processes in containers: `exec` and `attach`, wherever the container runs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from nap_compose.border import AttachRequest, Console, Ended, ExecRequest
from nap_compose.cluster.engine import Engine, EngineAway, Json, NotFound
from nap_compose.control.detaching import DetachKeys
from nap_compose.control.parts import Parts
from nap_compose.control.replicas import running_replica, subject_of
from nap_compose.control.talking import Conversation
from nap_compose.errors import NapError

SETTLE = 1.0
"""Seconds that a process may take from its output's end to its own."""


def execute(parts: Parts, request: ExecRequest, console: Console) -> Ended:
    """Run another process in a replica; see `border.Streaming`."""
    keys = DetachKeys(request.detach_keys)
    container = running_replica(parts, request.target)
    engine = parts.engines.on(container.host)
    subject = subject_of(container)
    try:
        made = engine.create_exec(container.id, _exec_body(request))
        if request.detach:
            engine.start_exec(made)
            return Ended(subject, container.host, detached=True)
        talk = engine.talk_to_exec(made, tty=request.tty)
    except NotFound:
        raise vanished(subject, container.host) from None
    ended_by: list[int] = []

    def on_signal(number: int) -> None:
        # An engine passes no signals on to a process of this kind: the talk ends, as in Compose.
        ended_by.append(number)
        talk.close()

    def resize(rows: int, columns: int) -> None:
        engine.resize_exec(made, rows, columns)

    conversation = Conversation(
        talk,
        console,
        tty=request.tty,
        keys=keys,
        resize=resize,
        on_signal=on_signal,
    )
    with conversation.held():
        if ended_by:
            return Ended(subject, container.host, 128 + ended_by[0])
        if conversation.left:
            return Ended(subject, container.host, detached=True)
        return _how_it_ended(engine, made, subject)


def attach(parts: Parts, request: AttachRequest, console: Console) -> Ended:
    """Talk with a replica's own process; see `border.Streaming`."""
    DetachKeys(request.detach_keys)  # raises where they are none
    container = running_replica(parts, request.target)
    engine = parts.engines.on(container.host)
    subject = subject_of(container)
    try:
        config = engine.inspect_container(container.id)["Config"]
        process = OwnProcess(
            engine,
            container.id,
            subject,
            tty=bool(config.get("Tty")),
            stdin=request.stdin and bool(config.get("OpenStdin")),
            detach_keys=request.detach_keys,
        )
    except NotFound:
        raise vanished(subject, container.host) from None

    def on_signal(number: int, before: int) -> bool:
        """One signal is passed on; whoever insists wants to leave, and the process goes on."""
        if before or not request.pass_signals:
            return False
        engine.kill_container(container.id, signal=signal.Signals(number).name)
        return True

    return process.talk(console, on_signal)


class OwnProcess:
    """A container's own process, listened to and watched from before it starts."""

    def __init__(
        self,
        engine: Engine,
        container: str,
        subject: str,
        *,
        tty: bool,
        stdin: bool,
        detach_keys: str,
    ) -> None:
        self._engine = engine
        self._container = container
        self._subject = subject
        self._tty = tty
        self._detach_keys = detach_keys
        self._exit = engine.await_exit(container)
        try:
            self._talk = engine.attach_container(
                container, tty=tty, stdin=stdin, detach_keys=detach_keys
            )
        except BaseException:
            self._exit.close()
            raise

    def talk(self, console: Console, on_signal: Callable[[int, int], bool]) -> Ended:
        """Talk until the process ends, or the person leaves it.

        `on_signal` is given a signal's number and how many came before it; where it says no, the
        talk ends and the process goes on.
        """
        heard: list[int] = []
        left: list[int] = []

        def signalled(number: int) -> None:
            heard.append(number)
            if not on_signal(number, len(heard) - 1):
                left.append(number)
                self._talk.close()
                self._exit.give_up()

        def resize(rows: int, columns: int) -> None:
            self._engine.resize_container(self._container, rows, columns)

        try:
            conversation = Conversation(
                self._talk,
                console,
                tty=self._tty,
                keys=DetachKeys(self._detach_keys),
                resize=resize,
                on_signal=signalled,
            )
            with conversation.held():
                if conversation.left:
                    return self._end(0, detached=True)
                if left:
                    return self._end(128 + left[0], detached=True)
                return self._end(self._exit.code())
        except EngineAway:
            if left:
                return self._end(128 + left[0], detached=True)
            raise
        finally:
            self.close()

    def close(self) -> None:
        """Listen and watch no longer."""
        self._talk.close()
        self._exit.close()

    def _end(self, code: int, *, detached: bool = False) -> Ended:
        return Ended(self._subject, self._engine.host, code, detached)


def vanished(subject: str, host: str) -> NapError:
    """A container that was there a moment ago."""
    return NapError(
        f"{subject} was removed in the meantime", host=host, hint="nap ps shows what is there now"
    )


def _how_it_ended(engine: Engine, exec_id: str, subject: str) -> Ended:
    """A process's exit code; where it goes on though its output is over, something is wrong."""
    until = time.monotonic() + SETTLE
    while True:
        shown = engine.inspect_exec(exec_id)
        if not shown["Running"]:
            return Ended(subject, engine.host, int(shown["ExitCode"] or 0))
        if time.monotonic() > until:
            break
        time.sleep(0.05)
    raise NapError(
        f"the engine ended the output of a process in {subject} that goes on", host=engine.host
    )


def _exec_body(request: ExecRequest) -> Json:
    body: dict[str, object] = {
        "Cmd": list(request.command),
        "Tty": request.tty,
        "AttachStdin": request.stdin and not request.detach,
        "AttachStdout": not request.detach,
        "AttachStderr": not request.detach,
        "Privileged": request.privileged,
    }
    given = {
        "Env": list(request.environment),
        "User": request.user,
        "WorkingDir": request.workdir,
        # They never reach the engine, but it would heed its own where others are wanted.
        "DetachKeys": request.detach_keys,
    }
    return body | {key: value for key, value in given.items() if value}
