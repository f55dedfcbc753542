"""What the leading watcher makes of a sweep, by the models of what is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from nap_compose.clock import utc_now
from nap_compose.cluster.networks import network_kind
from nap_compose.cluster.state import StoreAway
from nap_compose.cluster.view import View
from nap_compose.cluster.wanted_records import Wanted
from nap_compose.control.parts import Parts
from nap_compose.control.watching.memory import Memory
from nap_compose.control.watching.models import LEFT_ALONE, Models, Rules
from nap_compose.control.watching.tasks import Tasks
from nap_compose.errors import NapError
from nap_compose.health import failover as deciding
from nap_compose.health.changes import Known, SlotKey
from nap_compose.health.failover import Decision, HostSight, SlotSight, World
from nap_compose.health.records import ContainerRecord, Happening, HostHealth
from nap_compose.plaindata import dataclass


@dataclass
class Judgement:
    """`decision` is the last one; `attaches`: containers can be attached to the apps' networks;
    `wanted` is what is to run. `_told` are the waits that were told."""

    parts: Parts
    memory: Memory
    tasks: Tasks
    decision: Decision = field(default_factory=lambda: Decision({}))
    wanted: Mapping[tuple[str, str], Wanted] = field(default_factory=dict)
    attaches: bool = False
    _told: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._models = Models(self.parts, self.parts.cluster.watching)

    def decide(self, hosts: Mapping[str, HostSight], known: Known, view: View) -> None:
        """Make up the mind anew."""
        if self.parts.cluster.embedded:  # there is nobody else to ask, and nowhere to go
            self.decision = _alone(hosts)
            return
        settings = self.parts.cluster.watching
        slots = self._slots_in_question(hosts, known)
        self.attaches = self._can_attach(view)
        self.decision = deciding.decide(
            World(
                hosts=hosts,
                slots=slots,
                quorum=self.attaches,
                busy=self.tasks.not_now(),
                room=settings.at_once - len(self.tasks),
                after=settings.after,
            )
        )

    def waits(self) -> list[Happening]:
        """What is wrong and not acted on, told once."""
        before, self._told = self._told, dict(self.decision.waits)
        return [
            Happening(utc_now(), "waits", f"{subject}: {why}")
            for subject, why in self._told.items()
            if before.get(subject) != why
        ]

    def rules(self, record: ContainerRecord) -> Rules:
        """What holds for the service of a container."""
        wanted = self.wanted.get((record.owner, record.app))
        try:
            return self._models.rules(record.owner, record.app, record.service, wanted)
        except StoreAway as error:
            self.memory.sure = False
            self.memory.lacks_the_store(error)
            return LEFT_ALONE

    def is_wanted(self, record: ContainerRecord) -> bool:
        """Whether a container is to run: nobody stopped it."""
        wanted = self.wanted.get((record.owner, record.app))
        return wanted is not None and record.slot not in wanted.stopped

    def _slots_in_question(
        self, hosts: Mapping[str, HostSight], known: Known
    ) -> dict[SlotKey, SlotSight]:
        if self.parts.cluster.failover is None or not self.memory.sure:
            return {}
        away = {name for name, host in hosts.items() if not host.answers}
        return {
            key: self._slot(record)
            for key, record in known.containers.items()
            if record.host in away or record.others or record.state == "created"
        }

    def _slot(self, record: ContainerRecord) -> SlotSight:
        return SlotSight(
            record=record,
            loss=self.rules(record).loss,
            wanted=self.is_wanted(record),
            guarded=record.policy in ("", "no"),
        )

    def _can_attach(self, view: View) -> bool:
        try:
            network_kind(view, self.parts.cluster)
        except NapError:
            return False
        return True


def _alone(hosts: Mapping[str, HostSight]) -> Decision:
    return Decision(
        {
            name: (HostHealth.UP if host.answers else HostHealth.SILENT, host.why)
            for name, host in hosts.items()
        }
    )
