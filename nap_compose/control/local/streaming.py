"""The calls that stream, carried out here and now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import (
        AttachRequest,
        Cancel,
        CommitRequest,
        Committed,
        Console,
        Ended,
        ExecRequest,
        ForwardRequest,
        Made,
        PathStat,
        RunRequest,
        Target,
        Wire,
    )
    from nap_compose.orchestration.events import OnEvent

Asking = TypeVar(
    "Asking", "ExecRequest", "ForwardRequest", "AttachRequest", "CommitRequest", "Made"
)


class LocalStreaming(Local):
    """See `border.Streaming`."""

    def execute(self, request: ExecRequest, console: Console) -> Ended:
        """Run another process in a replica."""
        from nap_compose.control.sessions import execute

        mine = self._mine(request)
        with self._talk("exec", mine.target) as act:
            ended = execute(self._parts, mine, console)
            act.on(ended.host)
            act.detail = ended.subject
        return ended

    def attach(self, request: AttachRequest, console: Console) -> Ended:
        """Talk with a replica's own process."""
        from nap_compose.control.sessions import attach

        mine = self._mine(request)
        with self._talk("attach", mine.target) as act:
            ended = attach(self._parts, mine, console)
            act.on(ended.host)
            act.detail = ended.subject
        return ended

    def forward(self, request: ForwardRequest, wire: Wire) -> None:
        """Carry connections to ports of a replica."""
        from nap_compose.control.forwarding import forward

        mine = self._mine(request)
        with self._talk("port-forward", mine.target) as act:
            act.detail = f"{mine.target.service}: {', '.join(map(str, mine.ports))}"
            forward(self._parts, mine, wire, act.on)

    def make_oneoff(self, request: RunRequest, on_event: OnEvent, cancel: Cancel) -> Made:
        """Make a one-off container, with what it needs brought up first."""
        from nap_compose.control.oneoff import make

        with self._act("run", app=request.app.name) as act:
            made = make(self._parts, self._who, request, on_event, cancel)
            act.came_to(*made.outcomes)
            act.detail = act.detail or made.container
        return made

    def run_oneoff(self, made: Made, console: Console | None, *, detach_keys: str = "") -> Ended:
        """Start it and talk with it until it ends."""
        from nap_compose.control.oneoff import run

        mine = self._mine(made)
        with self._talk("run start", mine.target) as act:
            act.detail = mine.target.oneoff
            return run(self._parts, mine, console, detach_keys=detach_keys, on_host=act.on)

    def replicas(self, target: Target, *, oneoffs: bool = False) -> tuple[Target, ...]:
        """Each replica of a service."""
        from nap_compose.control.files import replicas

        return replicas(self._parts, self._owned(target), oneoffs=oneoffs)

    def stat(self, target: Target, path: str) -> PathStat:
        """What is at a path of a replica."""
        from nap_compose.control.files import stat

        return stat(self._parts, self._owned(target), path)

    def fetch(self, target: Target, path: str) -> Iterator[bytes]:
        """A file or folder of a replica as a tar stream."""
        from nap_compose.control.files import fetch

        mine = self._owned(target)
        with self._talk("cp from", mine) as act:
            yield from fetch(self._parts, mine, path, on_host=act.on)

    def store(
        self, target: Target, path: str, tar: Iterable[bytes], *, copy_owner: bool = False
    ) -> None:
        """Unpack a tar stream in a folder of a replica."""
        from nap_compose.control.files import store

        mine = self._owned(target)
        with self._talk("cp to", mine) as act:
            store(self._parts, mine, path, tar, copy_owner=copy_owner, on_host=act.on)

    def export(self, target: Target) -> Iterator[bytes]:
        """A replica's file system as a tar stream."""
        from nap_compose.control.files import export

        mine = self._owned(target)
        with self._talk("export", mine) as act:
            yield from export(self._parts, mine, on_host=act.on)

    def commit(self, request: CommitRequest) -> Committed:
        """Make an image of what a replica is now."""
        from nap_compose.control.files import commit

        mine = self._mine(request)
        with self._talk("commit", mine.target) as act:
            done = commit(self._parts, self._who, mine)
            act.on(done.host)
            act.detail = done.reference
        return done

    def _mine(self, request: Asking) -> Asking:
        """The request with the caller as the owner of an app that was named without one."""
        return replace(request, target=self._owned(request.target))
