"""A container that failed is kept for a look: stopped, under another name, on no network.

It fills no slot any more (see `ContainerView.kept`), and one a replica is kept at most. The next
deployment that ends well removes it, and so do `down`, `rm` and `prune`. On the local engine alone
nothing is kept: Docker Compose, which works beside nap there, would take it for a replica.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from nap_compose.cluster import names
from nap_compose.cluster.engine import Engine, EngineError
from nap_compose.errors import NapError
from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.steps.workshop import Workshop

GRACE = 1.0
"""Seconds for its stop: it failed, and others wait for what it holds."""
PAUSE = 0.3
"""Seconds between two such tries."""
TRIES = 5
"""How often the engine is asked, which may be just about to start the container again."""
_NOT_TO_BE_LEFT = ("host", "none")
"""Networks that a container can't be taken from, and on which it holds nothing."""


def keep(step: Step, shop: Workshop, container: str) -> bool:
    """Keep the slot's container that failed, in place of one kept before; whether that was
    possible. Where it wasn't, the caller removes it."""
    if shop.cluster.embedded:
        return False
    engine = shop.engine(step)
    try:
        name = _put_away(engine, container, shop.plan.deployment)
    except NapError:
        return False
    with shop.lock:
        shop.kept[container] = name
    for before in shop.view.kept_of(shop.plan.owner, shop.plan.app):
        if before.kept and before.kept.slot == step.target and before.id != container:
            with contextlib.suppress(NapError):
                other = shop.engines.on(before.host)
                other.remove_container(before.id, volumes=True, force=True)
    return True


def _put_away(engine: Engine, container: str, deployment: str) -> str:
    """Stop it for good, take it off its networks and give it the name that says what it is.

    In this order: an engine of 20.10 can't rename what is on a swarm's network.
    """
    # A stop, unlike a kill, also ends the engine's own tries to start it again.
    with contextlib.suppress(EngineError):
        engine.stop_container(container, grace=GRACE)
    _until_it_passes(lambda: engine.update_container(container, {"RestartPolicy": {"Name": "no"}}))
    inspected = engine.inspect_container(container)
    for network in (inspected.get("NetworkSettings") or {}).get("Networks") or ():
        if network not in _NOT_TO_BE_LEFT:
            _leave(engine, network, container)
    made_as = str(inspected["Name"]).lstrip("/").removesuffix(f".{deployment[:8]}")
    name = names.failed_name(made_as, deployment)
    engine.rename_container(container, name)
    return name


def _leave(engine: Engine, network: str, container: str) -> None:
    try:
        _until_it_passes(lambda: engine.disconnect_network(network, container, force=True))
    except EngineError as error:
        if "is not connected" not in error.message:
            raise


def _until_it_passes(act: Callable[[], None]) -> None:
    """Do it, again where need be: what was just about to start again is neither up nor down."""
    for tries_left in reversed(range(TRIES)):
        try:
            act()
        except EngineError as error:
            if not tries_left or "is not connected" in error.message:
                raise
            time.sleep(PAUSE)
        else:
            return
