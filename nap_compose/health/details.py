"""What only an inspected container tells, read from the engine's answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from nap_compose.cluster.view import ContainerView
from nap_compose.health.ages import at_most
from nap_compose.health.records import ContainerRecord
from nap_compose.plaindata import dataclass

LONGEST_PROBE = 512
"""So many characters of what a health check printed are kept: its end, where the reason stands."""

SLACK = 5.0
"""Seconds by which an engine's clock and sentence may be off, besides the skew that was seen."""

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
_NEVER = "0001-"


@dataclass(frozen=True)
class Detail:
    """`started` and `finished` as in ContainerRecord; `restarts` is how often the engine itself
    started it again, `policy` the name of its restart policy there."""

    started: str = ""
    finished: str = ""
    exit_code: int | None = None
    restarts: int = 0
    probe: str = ""
    policy: str = ""


def detail(inspected: Mapping[str, Any]) -> Detail:
    """From the answer of `GET /containers/ID/json`."""
    state = inspected.get("State") or {}
    probes = (state.get("Health") or {}).get("Log") or ()
    running = state.get("Running") and not state.get("Restarting")
    policy = (inspected.get("HostConfig") or {}).get("RestartPolicy") or {}
    return Detail(
        started=moment(state.get("StartedAt") or ""),
        finished=moment(state.get("FinishedAt") or ""),
        exit_code=None if running else int(state.get("ExitCode") or 0),
        restarts=int(inspected.get("RestartCount") or 0),
        probe=str(probes[-1].get("Output") or "").strip()[-LONGEST_PROBE:] if probes else "",
        policy=str(policy.get("Name") or "no"),
    )


def moment(text: str) -> str:
    """An engine's time in nap's form; empty where it means never, or can't be read."""
    found = _MOMENT.fullmatch(text)
    if not found or text.startswith(_NEVER):
        return ""
    whole, fraction, zone = found.groups(default="")
    at = datetime.fromisoformat(whole + ("+00:00" if zone == "Z" else zone))
    utc = at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{utc}.{(fraction[1:4] or '000'):0<3}Z"


def age(text: str, now: datetime) -> float:
    """Seconds from a moment in nap's form to `now`."""
    return (now - datetime.fromisoformat(text.replace("Z", "+00:00"))).total_seconds()


def is_known(
    container: ContainerView, record: ContainerRecord | None, now: datetime, skew: float
) -> bool:
    """Whether the record still says all of the container: it needn't be inspected again."""
    if record is None or (record.container, record.host) != (container.id, container.host):
        return False
    if (record.state, record.health) != (container.state, container.health):
        return False
    if container.state in ("running", "paused") and not record.started:
        return False  # it couldn't be inspected the last time
    youngest = at_most(container.status)
    began = record.started if container.state == "running" else record.since
    if youngest is None or not began:
        return container.state != "restarting"
    if container.state == "exited" and youngest < 2 * SLACK:
        return False  # it may have been started since, and have ended again
    return age(began, now) + skew <= youngest + SLACK
