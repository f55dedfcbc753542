"""The old containers of an app that moves in: stopped for good, and started again."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from nap_compose.cluster.adopted import Former
from nap_compose.cluster.engine import Engine, NotFound
from nap_compose.cluster.labels import COMPOSE
from nap_compose.cluster.view import ContainerView
from nap_compose.errors import NapError
from nap_compose.orchestration.common import dependencies_of
from nap_compose.orchestration.emitter import Emitter
from nap_compose.orchestration.events import OnEvent, Phase
from nap_compose.orchestration.plan import Kind, Step

HEALTHY = 120.0
"""Seconds that an old container may take to be healthy, before what depends on it is started."""


def stop(
    engine: Engine, formers: Sequence[Former], order: Sequence[str], on_event: OnEvent
) -> None:
    """Stop them, what depends on others first, so that no restart of the engine starts them."""
    emitter = Emitter(uuid.uuid4().hex, [on_event])
    for former in _sorted(formers, order, last_first=True):
        step = _step(engine, former, Kind.STOP)
        emitter.step(step, Phase.RUNNING, "stopping")
        with contextlib.suppress(NotFound):
            engine.update_container(former.id, {"RestartPolicy": {"Name": "no"}})
            engine.stop_container(former.id)
        emitter.step(step, Phase.DONE, "stopped, and kept")


def start(
    engine: Engine, formers: Sequence[Former], order: Sequence[str], on_event: OnEvent
) -> tuple[str, ...]:
    """Let those that ran run again, with the restart policies that they had; gives a sentence for
    each that doesn't."""
    emitter = Emitter(uuid.uuid4().hex, [on_event])
    failed = []
    for former in _sorted(formers, order):
        step = _step(engine, former, Kind.START)
        try:
            if former.restart:
                engine.update_container(former.id, {"RestartPolicy": dict(former.restart)})
            if not former.ran:
                continue
            emitter.step(step, Phase.RUNNING, "starting")
            engine.start_container(former.id)
            _until_well(engine, former)
        except NapError as error:
            failed.append(f"{former.name} doesn't run: {error.message}")
            emitter.step(step, Phase.FAILED, error=error.message)
        else:
            emitter.step(step, Phase.DONE, "started")
    return tuple(failed)


def in_order(containers: Iterable[ContainerView]) -> list[str]:
    """The ids in the order of starting: what others depend on comes first, by Compose's label."""
    by_service: dict[str, list[str]] = {}
    views = list(containers)
    for each in views:
        by_service.setdefault(each.labels.get(COMPOSE + "service", ""), []).append(each.id)
    graph: Mapping[str, list[str]] = {
        each.id: [
            id_ for needed in dependencies_of(each) for id_ in by_service.get(needed.service, ())
        ]
        for each in views
    }
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError:
        return [each.id for each in views]


def _until_well(engine: Engine, former: Former) -> None:
    """Wait until it is healthy, where it says whether it is; no longer than HEALTHY."""
    until = time.monotonic() + HEALTHY
    while time.monotonic() < until:
        state = engine.inspect_container(former.id).get("State") or {}
        if (state.get("Health") or {}).get("Status", "healthy") != "starting":
            return
        time.sleep(0.2)


def _sorted(
    formers: Sequence[Former], order: Sequence[str], *, last_first: bool = False
) -> Iterator[Former]:
    places = {id_: place for place, id_ in enumerate(order)}
    return iter(sorted(formers, key=lambda each: places.get(each.id, -1), reverse=last_first))


def _step(engine: Engine, former: Former, kind: Kind) -> Step:
    return Step(
        id=f"{kind.value}:{former.id[:12]}",
        kind=kind,
        host=engine.host,
        target=former.id,
        subject=former.name,
    )
