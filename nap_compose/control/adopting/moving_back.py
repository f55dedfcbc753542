"""`nap adopt --back` and `--done`: an app that moved in goes back, or stays for good."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from nap_compose.border import Cancel, MovedBack, Target, Who
from nap_compose.cluster import adopted
from nap_compose.cluster.adopted import Adopted
from nap_compose.cluster.engine import Engine, EngineError, NotFound
from nap_compose.cluster.labels import APP, COMPOSE
from nap_compose.control.adopting.way_back import go_back
from nap_compose.control.parts import Parts
from nap_compose.control.road.looking import adopted_of
from nap_compose.errors import WrongUse
from nap_compose.orchestration.events import OnEvent


def move_back(
    parts: Parts, who: Who, target: Target, on_event: OnEvent, cancel: Cancel
) -> MovedBack:
    """See `Adopting.move_back`."""
    came = _came(parts, target)
    return go_back(parts, replace(who, owner=target.owner), target, came, on_event, cancel)


def settle_in(parts: Parts, who: Who, target: Target) -> tuple[str, ...]:
    """See `Adopting.settle_in`."""
    del who
    came = _came(parts, target)
    if not came.whole:
        raise WrongUse(
            f"{target.app} hasn't moved in yet",
            hint=f"nap adopt --host {came.host} goes on, nap adopt --back goes back",
        )
    engine = parts.engines.on(came.host)
    for former in came.containers:
        with contextlib.suppress(NotFound):
            engine.remove_container(former.id)
    _remove_networks(engine, came)
    settled = replace(came, containers=())
    adopted.write(parts.store, parts.seal, target.owner, target.app, settled)
    return tuple(each.name for each in came.containers)


def _came(parts: Parts, target: Target) -> Adopted:
    came = adopted_of(parts, target.owner, target.app)
    if came is None:
        raise WrongUse(f"{target.app} wasn't moved in from a host's own Compose")
    if not came.containers:
        raise WrongUse(
            f"the containers that {target.app} was before it moved in are gone",
            hint="docker compose up on the host makes new ones, once nap down has taken it away",
        )
    return came


def _remove_networks(engine: Engine, came: Adopted) -> None:
    """Remove the old project's networks; one that something else uses stays."""
    for network in engine.networks({"label": [f"{COMPOSE}project={came.project}"]}):
        told = network.get("Labels") or {}
        if told.get(COMPOSE + "project") == came.project and not told.get(APP):
            with contextlib.suppress(EngineError):
                engine.remove_network(str(network["Id"]))
