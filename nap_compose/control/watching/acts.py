"""The watcher's acts, each with what is told of it."""

from __future__ import annotations

import time

from nap_compose.clock import utc_now
from nap_compose.control.watching.figures import Figures
from nap_compose.control.watching.repair import Repairer
from nap_compose.control.watching.restarting import Due
from nap_compose.control.watching.tasks import FENCE, Ended
from nap_compose.health.failover import Clear, Fence, MakeElsewhere
from nap_compose.health.records import ContainerRecord, Happening
from nap_compose.plaindata import dataclass
from nap_compose.text import app_called


@dataclass(frozen=True)
class Acts:
    """Done by `repair`, counted in `figures`. Every method raises NapError."""

    repair: Repairer
    figures: Figures

    def fence(self, act: Fence) -> list[Happening]:
        """Turn a host off."""
        self.repair.fence(act.host)
        self.figures.fenced += 1
        return [Happening(utc_now(), "fenced", f"{act.host} was turned off", act.host)]

    def make_elsewhere(self, act: MakeElsewhere) -> list[Happening]:
        """Bring replicas to other hosts."""
        began = time.monotonic()
        places = self.repair.make_elsewhere(act)
        took = time.monotonic() - began
        self.figures.failovers += len(places)
        owner, app = act.app
        why = f"since {', '.join(act.lost)} is lost" if act.lost else "which had been cut short"
        return [
            Happening(
                utc_now(),
                "failover",
                f"{slot} was made on {host}, {why} ({took:.1f}s)",
                host,
                owner,
                app,
                slot,
            )
            for slot, host in sorted(places.items())
        ]

    def clear(self, act: Clear, record: ContainerRecord) -> list[Happening]:
        """Take a container away whose successor, on record, runs elsewhere."""
        if not self.repair.clear(act, record):
            return []
        self.figures.cleared += 1
        done = "stopped" if act.how == "stop" else "removed"
        text = (
            f"{record.slot} of {act.copy.host} was {done}: {record.host} has it now "
            f"(fence {record.fence} against {act.copy.fence})"
        )
        return [told_of(record, "cleared", text, act.copy.host)]

    def restart(self, due: Due) -> list[Happening]:
        """Start a container again; nothing is told where that was no longer called for."""
        record = due.record
        if not self.repair.restart(record, unhealthy=due.unhealthy):
            return []
        self.figures.restarts += 1
        why = "it was unhealthy" if due.unhealthy else f"it had ended with code {record.exit_code}"
        return [told_of(record, "restart", f"{record.slot} on {record.host} was started again, "
                                           f"since {why}")]  # fmt: skip


def told_of(record: ContainerRecord, kind: str, text: str, host: str = "") -> Happening:
    """Something that happened to a container."""
    return Happening(
        utc_now(), kind, text, host or record.host, record.owner, record.app, record.slot
    )


def failure(ended: Ended) -> Happening:
    """What is told of a task that failed."""
    first, second = ended.subject
    if first == FENCE:
        return Happening(utc_now(), "failed", f"host {second}: {ended.failed}", host=second)
    return Happening(utc_now(), "failed", str(ended.failed), owner=first, app=second)


def line(happening: Happening) -> str:
    """A happening as a line of the watcher's log."""
    app = app_called(happening.owner, happening.app)
    return f"{app}: {happening.text}" if app else happening.text
