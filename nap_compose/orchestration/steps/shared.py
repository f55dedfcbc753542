"""Steps on what replicas share: networks, volumes, images."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping

from nap_compose.cluster.engine import Conflict, Engine, EngineAway, EngineError, Json, NotFound
from nap_compose.cluster.images import familiar
from nap_compose.cluster.labels import COMPOSE, DEPLOYMENT, OWNER
from nap_compose.cluster.seen import network_view, volume_view
from nap_compose.errors import NapError
from nap_compose.orchestration.bodies.shared import network_body, volume_body
from nap_compose.orchestration.plan import Kind, Step
from nap_compose.orchestration.steps.passing import patience_with, until_it_passes
from nap_compose.orchestration.steps.workshop import Report, Workshop
from nap_compose.units import show_size

APPEARS = 20.0
"""How long a network made through a cluster store may take to be known on every host, seconds."""

PULL_AGAIN = (0.2, 0.5, 1.0, 2.0)
"""Seconds before each further try of a pull that failed on the way."""

_PASSING = ("network is unreachable", "connection reset", "EOF", "TLS handshake timeout")
"""What an engine says of a pull that may well succeed a moment later. (Engine 20.10.5 dials from
a thread left in a removed network's namespace, where every address is unreachable.)"""

LETS_GO = 15.0
"""How long a removed container's endpoint may keep its network in use, seconds."""


FORGETS = 10.0
"""How long a removed network is waited for to be listed no more, seconds."""


def ensure_network(step: Step, shop: Workshop, report: Report) -> str:
    """Make the network where it is missing, and wait until each host that uses it knows it."""
    report("creating")
    network, made = until_it_passes(lambda: _network(step, shop), report)
    if made:
        with shop.lock:
            shop.made.add(step.id)
            shop.made_ids[step.id] = network
    if shop.overlay == "consul":
        for host in step.args.get("users") or ():
            _wait_known(shop.engines.on(str(host)), step.target)
    return "created"


def _network(step: Step, shop: Workshop) -> tuple[str, bool]:
    """The network's id, and whether this deployment made it (also in an earlier try)."""
    engine = shop.engine(step)
    app, key = shop.the_app(), str(step.args["key"])
    for there in engine.networks({"name": [step.target]}):
        if there["Name"] == step.target:
            _check_ours(there, step, shop)
            by = (there.get("Labels") or {}).get(DEPLOYMENT)
            return str(there["Id"]), by == shop.plan.deployment
    labels = shop.labels_of(shop.identity(), step.target, {"network": key})
    overlay = bool(step.args["overlay"])
    body = network_body(step.target, app.networks.get(key, {}), labels, overlay=overlay)
    return engine.create_network({**body, "CheckDuplicate": True}), True


def remove_made_network(step: Step, shop: Workshop) -> str:
    """Remove the network that this deployment made, also where the engine's word of it was lost."""
    engine = shop.engine(step)
    known = shop.made_ids.get(step.id)
    for network in [known] if known else _unconfirmed_networks(step, shop, engine):
        _remove_network(engine, network)
        _wait_forgotten(engine, network)
    return ""


def remove_network(step: Step, shop: Workshop, _report: Report) -> str:
    """Remove a network, once its last endpoints have let go of it, and see it gone everywhere."""
    _remove_network(shop.engine(step), step.target)
    for host in step.args.get("known_on") or ():
        with contextlib.suppress(EngineAway):
            _wait_forgotten(shop.engines.on(str(host)), step.target)
    return "removed"


def ensure_volume(step: Step, shop: Workshop, _report: Report) -> str:
    """Make the volume where it is missing."""
    engine = shop.engine(step)
    app, key = shop.the_app(), str(step.args["key"])
    labels = shop.labels_of(shop.identity(), step.target, {"volume": key})
    made = engine.create_volume(volume_body(step.target, app.volumes.get(key, {}), labels))
    # An engine gives back one of that name that is there already, whoever made it.
    _check_ours(made, step, shop)
    with shop.lock:
        shop.made.add(step.id)
    return "created"


def remove_made_volume(step: Step, shop: Workshop) -> str:
    """Remove a volume that this deployment made, unless something may have written to it."""
    engine = shop.engine(step)
    if step.id not in shop.made and not _unconfirmed_volume(step, shop, engine):
        return ""
    started = any(
        other.kind is Kind.START and other.host == step.host and other.id in shop.made
        for other in shop.plan.steps
    )
    if started:
        return (
            f"{step.subject} on {step.host} is kept: it may hold data "
            f"(nap down --volumes removes it)"
        )
    _quietly_remove_volume(engine, step.target)
    return ""


def remove_volume(step: Step, shop: Workshop, _report: Report) -> str:
    """Remove a volume and what is in it."""
    try:
        shop.engine(step).remove_volume(step.target)
    except NotFound:
        pass
    except Conflict as conflict:
        raise NapError(
            f"{step.subject} is still in use: {conflict.message}",
            host=step.host,
            hint="stop what uses it, then run the command again",
        ) from conflict
    return "removed"


def bring_image(step: Step, shop: Workshop, report: Report) -> str:
    """Have the image on the host: streamed from one that has it, else pulled."""
    engine = shop.engine(step)
    sources = [str(host) for host in step.args.get("from") or ()]
    if sources:
        return _stream(step, shop, engine, sources, report)
    return _pull(step, engine, report)


def _stream(step: Step, shop: Workshop, engine: Engine, sources: list[str], report: Report) -> str:
    """Copy the image from another host, piece by piece, past this machine's disk."""
    # Each destination begins with another source, so that one host doesn't serve them all.
    first = shop.cluster_index(step.host) % len(sources)
    source = shop.engines.on(sources[first])
    total = int(step.args.get("size") or 0)

    def counted() -> Iterator[bytes]:
        done = 0
        for piece in source.save_image(step.target):
            done += len(piece)
            report(f"from {source.host}", done, total)
            yield piece

    report(f"from {source.host}", 0, total)
    engine.load_image(counted())
    found = str(engine.inspect_image(step.target)["Id"])
    wanted = str(step.args.get("id") or found)
    if found != wanted:
        raise NapError(
            f"arrived as {found[:19]}, {wanted[:19]} was sent",
            host=step.host,
            hint=f"it was replaced on {source.host} meanwhile: run the command again",
        )
    return f"{show_size(total)} from {source.host}"


def _pull(step: Step, engine: Engine, report: Report) -> str:
    """Pull the image. What a network does wrong for a moment is tried again; what a registry
    says is final."""
    for pause in (*PULL_AGAIN, None):
        try:
            _pull_once(step, engine, report)
        except EngineError as error:
            if pause is None or not any(sign in error.message for sign in _PASSING):
                raise NapError(
                    f"can't be pulled: {error.message}",
                    host=step.host,
                    hint="check its name; a private one needs `docker login` there, "
                    "or load it on one host and nap brings it to the others",
                ) from error
            report("pulling again")
            time.sleep(pause)
        else:
            break
    return "pulled"


def _pull_once(step: Step, engine: Engine, report: Report) -> None:
    report("pulling")
    layers: dict[str, tuple[int, int]] = {}
    platform = str(step.args.get("platform") or "")
    for record in engine.pull_image(familiar(step.target), platform=platform):
        detail = record.get("progressDetail") or {}
        if detail.get("total"):
            layers[str(record.get("id"))] = (int(detail["current"]), int(detail["total"]))
            done, total = (sum(column) for column in zip(*layers.values(), strict=True))
            report("pulling", done, total)


def _unconfirmed_networks(step: Step, shop: Workshop, engine: Engine) -> list[str]:
    """Networks that the engine made for this step though its answer never came."""
    views = (
        network_view(raw, step.host, cluster=shop.cluster.name, seal=shop.seal)
        for raw in engine.networks({"name": [step.target]})
    )
    return [view.id for view in views if view.name == step.target and shop.made_now(view.identity)]


def _unconfirmed_volume(step: Step, shop: Workshop, engine: Engine) -> bool:
    """Whether the engine made the volume for this step though its answer never came."""
    try:
        raw = engine.inspect_volume(step.target)
    except NotFound:
        return False
    view = volume_view(raw, step.host, cluster=shop.cluster.name, seal=shop.seal)
    return shop.made_now(view.identity)


def _check_ours(thing: Json, step: Step, shop: Workshop) -> None:
    """Refuse what appeared under that name since the hosts were looked at, and isn't the app's."""
    found: Mapping[str, str] = thing.get("Labels") or {}
    project = found.get(COMPOSE + "project", "")
    mine = (shop.plan.project, shop.plan.owner)
    if (project, found.get(OWNER, "")) != mine:
        raise NapError(
            f"{step.target} belongs to {f'project {project}' if project else 'somebody else'}",
            host=step.host,
            hint="it has only just appeared: run the command again to see what is there",
        )


def _wait_known(engine: Engine, network: str) -> None:
    until = time.monotonic() + APPEARS
    while not any(n["Name"] == network for n in engine.networks({"name": [network]})):
        if time.monotonic() > until:
            raise NapError(
                f"network {network} doesn't appear there within {APPEARS:.0f}s",
                host=engine.host,
                hint="the engine isn't joined to the cluster store's gossip: restart it",
            )
        time.sleep(0.1)


def _remove_network(engine: Engine, network: str) -> None:
    until = time.monotonic() + LETS_GO
    while True:
        try:
            engine.remove_network(network)
        except NotFound:
            return
        except EngineError as error:
            held = "active endpoints" in error.message or "in use" in error.message
            if not held and not patience_with(error):
                raise
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


def _wait_forgotten(engine: Engine, network: str) -> None:
    """An engine may list an overlay network for a moment after it was removed, also the one that
    was asked: an `up` that looked then would count on it."""
    until = time.monotonic() + FORGETS
    while engine.networks({"id": [network]}) and time.monotonic() < until:
        time.sleep(0.05)


def _quietly_remove_volume(engine: Engine, volume: str) -> None:
    try:
        engine.remove_volume(volume)
    except NotFound:
        return
