"""What a service says of its own end: when it is started again, and whether it may be made
elsewhere when its host is lost. Pure.

`x-nap.on_host_lost` of the service wins, then that of the app, then `failover` of the cluster
file. Where none says whether to replace, what the service keeps decides: nothing, and it is
replaced; data on its host, and it waits; data that all hosts share, and there must be proof first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any

from nap_compose.cluster.cluster import Failover, Storage
from nap_compose.compose.beside import Kind, bind_key
from nap_compose.compose.model import App, Service
from nap_compose.orchestration.placement.volumes import told_shared
from nap_compose.orchestration.pooling import wants_pool
from nap_compose.orchestration.shipping import OWN
from nap_compose.orchestration.wanted import namespace_of
from nap_compose.plaindata import dataclass
from nap_compose.units import parse_duration


def shared_volumes(app: App, storage: Storage) -> frozenset[str]:
    """The keys of the app's volumes that hosts share: those on cluster storage, whether the app is
    as its file has it or as the hosts will, and those of drivers that the cluster file calls so."""
    folder = storage.moosefs.folder if storage.moosefs else ""
    return frozenset(
        key
        for key, spec in app.volumes.items()
        if wants_pool(spec or {}, storage)
        or told_shared(spec or {}, storage.shared)
        or (folder and _device(spec or {}).startswith(f"{folder}/"))
    )


def _device(spec: Mapping[str, Any]) -> str:
    return str((spec.get("driver_opts") or {}).get("device") or "")


class Replace(str, Enum):
    """Whether a replica is made elsewhere when its host is lost."""

    YES = "yes"
    WITH_PROOF = "with proof"
    """Only once it is proved that the host is gone: it shares a volume with its successor."""
    NO = "no"


REMOVE, STOP = "remove", "stop"
"""What becomes of a replica's former container when its host returns."""


@dataclass(frozen=True)
class OnLoss:
    """`after` is for how many seconds a host must be gone; `why` says what decided."""

    replace: Replace
    after: float = 60.0
    on_return: str = REMOVE
    why: str = ""


@dataclass(frozen=True)
class Restart:
    """`deploy.restart_policy` or `restart`: `condition` is none, on-failure or any; `delay` None
    means the watcher's own back-off; `attempts` 0 is any number; what ran for `window` seconds
    has worked. `said` is whether delay or window were asked for, which no engine keeps."""

    condition: str = "none"
    delay: float | None = None
    attempts: int = 0
    window: float = 10.0
    said: bool = False


def restart_of(service: Service) -> Restart:
    """When the service is started again once it has ended."""
    deploy = service.spec.get("deploy") or {}
    policy = deploy.get("restart_policy")
    if policy:
        given = str(policy.get("condition") or "any")
        said = policy.get("delay") is not None or policy.get("window") is not None
        found = Restart(
            _CONDITIONS.get(given, given),
            delay=_seconds(policy.get("delay")),
            attempts=int(policy.get("max_attempts") or 0),
            window=_seconds(policy.get("window")) or Restart.window,
            said=said,
        )
    else:
        name, _, count = str(service.spec.get("restart") or "no").partition(":")
        found = Restart(_CONDITIONS.get(name, "none"), attempts=int(count or 0))
    if service.job and found.condition == "any":
        return Restart("on-failure", found.delay, found.attempts, found.window, found.said)
    return found


_CONDITIONS = {
    "no": "none",
    "none": "none",
    "always": "any",
    "unless-stopped": "any",
    "any": "any",
    "on-failure": "on-failure",
}


def on_loss(app: App, service: Service, failover: Failover, shared: Collection[str] = ()) -> OnLoss:
    """What happens when the host of a replica is lost. `shared` are the keys of the app's volumes
    that hosts share."""
    given = {**_asked(app.document), **_asked(service.spec)}
    after = _seconds(given.get("after"))
    replace, why = _replace(app, service, failover, shared, given.get("replace"))
    return OnLoss(
        replace=replace,
        after=failover.after if after is None else after,
        on_return=str(given.get("on_return") or failover.on_return),
        why=why,
    )


def watched(
    app: App, service: Service, failover: Failover | None, shared: Collection[str] = ()
) -> bool:
    """Whether the watcher starts its containers again, and the engine never does: those that may
    be replaced, which must not come up by themselves on a host that returns, and those that ask
    for what engines don't keep."""
    if failover is None or restart_of(service).condition == "none":
        return False
    loss = on_loss(app, service, failover, shared)
    return loss.replace is not Replace.NO or restart_of(service).said


def _replace(
    app: App, service: Service, failover: Failover, shared: Collection[str], asked: object
) -> tuple[Replace, str]:
    if service.job:
        return Replace.NO, "it runs to its end, once"
    if service.everywhere:
        return Replace.NO, "it runs on every host"
    together = _together(app, service)
    kept = [found for each in together if (found := _keeps(app, each, shared))]
    writes_shared = any(kind is Replace.WITH_PROOF for kind, _ in kept)
    if asked is not None:
        if not _true(asked):
            return Replace.NO, "as its on_host_lost says"
        return (Replace.WITH_PROOF if writes_shared else Replace.YES), "as its on_host_lost says"
    if not failover.replace:
        return Replace.NO, "as the cluster file's failover says"
    if any(restart_of(each).condition == "none" for each in together):
        return Replace.NO, "it has no restart policy"
    for kind, why in sorted(kept, key=lambda each: each[0] is not Replace.NO):
        return kind, why
    return Replace.YES, "it keeps nothing on its host"


def _together(app: App, service: Service) -> list[Service]:
    """The service and all that share its host, directly or over others."""
    names = {service.name}
    while True:
        more = {name for each in names for name in namespace_of(app.services[each])}
        more |= {
            other.name for other in app.services.values() if names.intersection(namespace_of(other))
        }
        more = {name for name in more if name in app.services} - names
        if not more:
            return [app.services[name] for name in sorted(names)]
        names |= more


def _keeps(app: App, service: Service, shared: Collection[str]) -> tuple[Replace, str] | None:
    """What a service keeps that outlives its container; None for nothing."""
    found: tuple[Replace, str] | None = None
    for mount in service.mounts:
        if mount.type == "bind":
            content = app.content.get(bind_key(mount.source))
            if content is not None and content["kind"] == Kind.DATA.value:
                return Replace.NO, f"its folder {mount.source} is a volume on its host"
            if content is not None or mount.read_only or mount.source.startswith(OWN):
                continue
            return Replace.NO, f"it writes to {mount.source} of its host"
        if mount.type != "volume" or not mount.source:
            continue
        if mount.source not in shared:
            return Replace.NO, f"its volume {mount.source} is on its host"
        if not mount.read_only:
            found = Replace.WITH_PROOF, f"it writes to volume {mount.source}, which hosts share"
    return found


def _asked(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return (spec.get("x-nap") or {}).get("on_host_lost") or {}


def _true(value: object) -> bool:
    return value is True or str(value).lower() == "true"


def _seconds(value: object) -> float | None:
    return None if value is None else parse_duration(str(value))
