"""Runs the road of `up` and `down` on fake engines, in this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from nap_compose.border import (
    ActRequest,
    Control,
    DownRequest,
    Outcome,
    Target,
    UpRequest,
    Who,
)
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.keyring import make_key_file
from nap_compose.cluster.labels import CONFIG_HASH
from nap_compose.cluster.view import View
from nap_compose.compose.model import App
from nap_compose.control.local import LocalControl
from nap_compose.control.parts import Parts
from nap_compose.orchestration.events import Event
from nap_compose.orchestration.plan import Verb
from tests.engine.fake_engine import FakeCluster
from tests.support.stream import unseen_stream

OVER_STREAM = "NAP_TEST_OVER_STREAM"
"""Set, every test here goes over the border's stream: `NAP_TEST_OVER_STREAM=1 make test …`."""


class Hand:
    """Someone at the keyboard: `press` is Ctrl-C."""

    def __init__(self) -> None:
        self.level = 0

    def press(self) -> None:
        self.level += 1


@dataclass
class Road:
    """One user's nap on a cluster of fake engines."""

    cluster: Cluster
    who: str = "ada"
    hand: Hand = field(default_factory=Hand)
    events: list[Event] = field(default_factory=list)
    on_event: Callable[[Event], None] = lambda event: None

    @classmethod
    def on(cls, fake: FakeCluster, **more: Any) -> Road:
        key = fake.state_dir / "secrets.key"
        make_key_file(key)
        return cls(replace(fake.cluster, key_file=key), **more)

    def control(self) -> Control:
        control = self.behind()
        return unseen_stream(control) if os.environ.get(OVER_STREAM) else control

    def behind(self) -> LocalControl:
        """What carries the calls out, for tests that look behind the border."""
        return LocalControl(self.cluster, Who(self.who, "" if self.cluster.embedded else self.who))

    def up(self, app: App, **request: Any) -> Outcome:
        control = self.control()
        try:
            return control.up(UpRequest(app, **request), self._hear, self.hand)
        finally:
            control.close()

    def down(self, app: str = "shop", **request: Any) -> Outcome:
        control = self.control()
        try:
            return control.down(DownRequest(app, **request), self._hear, self.hand)
        finally:
            control.close()

    def act(self, verb: str, *words: str, app: str = "shop", **request: Any) -> Outcome:
        """A verb on services or replicas, written as `web` or `web.2`; on all where none is."""
        slots = (word.partition(".") for word in words)
        targets = tuple(Target(app, "", each[0], int(each[2] or 0)) for each in slots)
        control = self.control()
        try:
            asked = ActRequest(Verb(verb), app, targets=targets, **request)
            return control.act(asked, self._hear, self.hand)
        finally:
            control.close()

    def rows(self, app: str = "", *, stopped: bool = False) -> dict[str, Any]:
        """`ps`, by slot."""
        control = self.control()
        try:
            listing = control.ps(Target(app=app), stopped=stopped)
            return {f"{row.service}.{row.replica}": row for row in listing.rows}
        finally:
            control.close()

    def view(self) -> View:
        """What is there now."""
        parts = Parts(self.cluster)
        try:
            return parts.look()
        finally:
            parts.close()

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)


def picture(fake: FakeCluster) -> dict[str, list[tuple[str, str, str]]]:
    """All that stands on the hosts: containers by name, with their state and configuration; those
    that failed and are kept for a look are in `kept`."""
    return {
        engine.name: sorted(
            (
                container["Names"][0].lstrip("/"),
                container["State"],
                (container.get("Labels") or {}).get(CONFIG_HASH, "")[:8],
            )
            for container in _listed(engine)
            if ".failed." not in container["Names"][0]
        )
        for engine in fake
    }


def _listed(engine: Any) -> list[dict[str, Any]]:
    from nap_compose.cluster.engine_client import DockerEngine

    client = DockerEngine(engine.host())
    try:
        return [dict(container) for container in client.containers()]
    finally:
        client.close()
