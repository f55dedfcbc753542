"""Steps on what replicas share: networks and volumes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping

from nap_compose.cluster import hostfs
from nap_compose.cluster.engine import (
    Conflict,
    Engine,
    EngineAway,
    EngineError,
    Json,
    NotFound,
    speaks,
)
from nap_compose.cluster.labels import COMPOSE, DEPLOYMENT, OWNER
from nap_compose.cluster.seen import network_view, volume_view
from nap_compose.cluster.subnets import prefix_for
from nap_compose.compose.hashing import resource_hash
from nap_compose.errors import NapError
from nap_compose.orchestration.bodies.shared import network_body, network_options, volume_body
from nap_compose.orchestration.plan import Kind, Step
from nap_compose.orchestration.steps.endpoints import free_dead
from nap_compose.orchestration.steps.passing import passes, until_it_passes
from nap_compose.orchestration.steps.workshop import Report, Workshop
from nap_compose.orchestration.wanted import replicas_on

APPEARS = 20.0
"""How long a network made through a cluster store may take to be known on every host, seconds."""

LETS_GO = 15.0
"""How long a removed container's endpoint may keep its network in use, seconds."""

FREES = 5.0
"""Seconds after which it is looked whether that is an endpoint of no container's."""


FORGETS = 10.0
"""How long a removed network is waited for to be listed no more, seconds."""


def ensure_network(step: Step, shop: Workshop, report: Report) -> str:
    """Make the network where it is missing, and wait until each host that uses it knows it."""
    report("creating")
    network, made = until_it_passes(lambda: _network(step, shop), shop.overlay, report)
    if made:
        with shop.lock:
            shop.made.add(step.id)
            shop.made_ids[step.id] = network
    if shop.overlay == "consul":
        for host in step.args.get("users") or ():
            wait_known(shop.engines.on(str(host)), step.target)
    return "created"


def _network(step: Step, shop: Workshop) -> tuple[str, bool]:
    """The network's id, and whether this deployment made it (also in an earlier try)."""
    engine = shop.engine(step)
    key = str(step.args["key"])
    body = body_of_network(step.target, key, shop, overlay=bool(step.args["overlay"]))
    try:
        return create_network(engine, body), True
    except Conflict:
        # It wasn't there when the hosts were looked at: an earlier try made it, or somebody else.
        for there in engine.networks({"name": [step.target]}):
            if there["Name"] == step.target:
                _check_ours(there, step, shop)
                by = (there.get("Labels") or {}).get(DEPLOYMENT)
                return str(there["Id"]), by == shop.plan.deployment
        raise


def body_of_network(name: str, key: str, shop: Workshop, *, overlay: bool) -> Json:
    """The body that creates one of the app's networks, with the cluster's settings: a subnet out
    of its pool for an overlay whose file names none, the MTU, and encryption between hosts."""
    app = shop.the_app()
    spec = app.networks.get(key, {})
    identity = shop.identity(hash_=resource_hash(spec))
    labels = shop.labels_of(identity, name, {"network": key})
    subnet, across = "", overlay and not shop.cluster.embedded
    options = network_options(shop.cluster.network, overlay=across)
    if across and not (spec.get("ipam") or {}).get("config"):
        hosts = len(shop.cluster.hosts)
        subnet = shop.reserve_subnet(prefix_for(replicas_on(app, key, hosts), hosts))
    return network_body(name, spec, labels, overlay=overlay, subnet=subnet, options=options)


def create_network(engine: Engine, body: Json) -> str:
    """Create a network, and not a second one of its name; gives its id.

    Newer engines always check, and know the word for it no longer.
    """
    check = {} if speaks(engine, 1, 44) else {"CheckDuplicate": True}
    return engine.create_network({**body, **check})


def remove_made_network(step: Step, shop: Workshop) -> str:
    """Remove the network that this deployment made, also where the engine's word of it was lost."""
    engine = shop.engine(step)
    known = shop.made_ids.get(step.id)
    for network in [known] if known else _unconfirmed_networks(step, shop, engine):
        remove_network_at_last(engine, network)
        wait_forgotten(engine, network)
    return ""


def remove_network(step: Step, shop: Workshop, _report: Report) -> str:
    """Remove a network, once its last endpoints have let go of it, and see it gone everywhere."""
    engine = shop.engine(step)
    remove_network_at_last(engine, step.target, lambda: free_dead(shop, engine, step.target))
    for host in step.args.get("known_on") or ():
        with contextlib.suppress(EngineAway):
            wait_forgotten(shop.engines.on(str(host)), step.target)
    return "removed"


def ensure_volume(step: Step, shop: Workshop, _report: Report) -> str:
    """Make the volume where it is missing."""
    engine = shop.engine(step)
    if step.args.get("like"):
        _make_like(step, shop, engine)
        return "created"
    app, key = shop.the_app(), str(step.args["key"])
    spec = app.volumes.get(key, {})
    identity = shop.identity(hash_=resource_hash(spec))
    labels = shop.labels_of(identity, step.target, {"volume": key})
    made = engine.create_volume(volume_body(step.target, spec, labels))
    # An engine gives back one of that name that is there already, whoever made it.
    _check_ours(made, step, shop)
    with shop.lock:
        shop.made.add(step.id)
    return "created"


def _make_like(step: Step, shop: Workshop, engine: Engine) -> None:
    """Give a host another app's cluster volume, as another host has it."""
    there = shop.engines.on(str(step.args["like"])).inspect_volume(step.target)
    made = engine.create_volume(
        {
            "Name": step.target,
            "Driver": there.get("Driver") or "local",
            "DriverOpts": there.get("Options") or {},
            "Labels": there.get("Labels") or {},
        }
    )
    if (made.get("Options") or {}) != (there.get("Options") or {}):
        raise NapError(
            f"{step.target} is there, and it is another volume than on {step.args['like']}",
            host=step.host,
            hint="it has only just appeared: run the command again to see what is there",
        )


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
    engine = shop.engine(step)
    try:
        try:
            engine.remove_volume(step.target)
        except Conflict:
            hostfs.let_go(engine, step.target)
            engine.remove_volume(step.target)
    except NotFound:
        pass
    except Conflict as conflict:
        raise NapError(
            f"{step.subject} is still in use: {conflict.message}",
            host=step.host,
            hint="stop what uses it, then run the command again",
        ) from conflict
    return "removed"


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


def wait_known(engine: Engine, network: str) -> None:
    """Wait until a host's engine knows a network that was made through the cluster store."""
    until = time.monotonic() + APPEARS
    while not any(n["Name"] == network for n in engine.networks({"name": [network]})):
        if time.monotonic() > until:
            raise NapError(
                f"network {network} doesn't appear there within {APPEARS:.0f}s",
                host=engine.host,
                hint="the engine isn't joined to the cluster store's gossip: restart it",
            )
        time.sleep(0.1)


def remove_network_at_last(
    engine: Engine, network: str, free: Callable[[], None] = lambda: None
) -> None:
    """Remove a network as soon as its last endpoints have let go of it; `free` is called once where
    they take long."""
    began, freed = time.monotonic(), False
    while True:
        try:
            engine.remove_network(network)
        except NotFound:
            return
        except EngineError as error:
            held = "active endpoints" in error.message or "in use" in error.message
            if not (held or passes(error)):
                raise
            held_for = time.monotonic() - began
            if held_for > LETS_GO:
                raise _held(engine, network, error) from error
            if held_for > FREES and not freed:
                freed = True
                free()
            time.sleep(0.2)
        else:
            return


def _held(engine: Engine, network: str, error: EngineError) -> NapError:
    """Who holds the network; an engine can also lose count of its own endpoints."""
    try:
        there = engine.inspect_network(network).get("Containers") or {}
    except NotFound:
        return error
    names = ", ".join(sorted(str(each.get("Name")) for each in there.values()))
    hint = f"take {names} off it or away, then run the command again" if names else None
    return NapError(
        f"can't be removed: {error.message}",
        host=engine.host,
        hint=hint or "no container is on it, so its engine has lost count: restart the engine",
    )


def wait_forgotten(engine: Engine, network: str) -> None:
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
