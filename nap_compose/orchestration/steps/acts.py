"""Which act does a step, and which takes it back.

An act's module is loaded once a plan has such a step: what makes containers is half of all of nap,
and whatever takes an app away needs none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from nap_compose.orchestration import steps
from nap_compose.orchestration.plan import Kind, Step
from nap_compose.orchestration.steps.workshop import Report, Workshop

Do = Callable[[Step, Workshop, Report], str]
"""Gives what came of it in a word or two."""

Undo = Callable[[Step, Workshop], str]
"""Gives a sentence about what it had to leave behind, empty where it left nothing."""


def late(home: str) -> Callable[..., str]:
    """The act `MODULE.NAME` among the steps, loaded when it is first called."""
    module, _, name = home.partition(".")

    def act(*given: Any) -> str:
        done: str = getattr(import_module(f"{steps.__name__}.{module}"), name)(*given)
        return done

    act.__qualname__ = home
    return act


def load(kinds: Iterable[Kind]) -> None:
    """Load what does such steps: once and here, instead of in the threads that begin them."""
    for home in {DO[kind].__qualname__.partition(".")[0] for kind in kinds}:
        import_module(f"{steps.__name__}.{home}")


DO: Mapping[Kind, Do] = {
    Kind.BRING_IMAGE: late("images.bring_image"),
    Kind.SHIP_FILES: late("files.ship_files"),
    Kind.SEED_VOLUME: late("files.seed_volume"),
    Kind.CLEAR_FILES: late("files.clear_files"),
    Kind.ENSURE_NETWORK: late("shared.ensure_network"),
    Kind.ENSURE_VOLUME: late("shared.ensure_volume"),
    Kind.ENSURE_FOLDER: late("stored.ensure_folder"),
    Kind.REMOVE_FOLDER: late("stored.remove_folder"),
    Kind.REMOVE_NETWORK: late("shared.remove_network"),
    Kind.REMOVE_VOLUME: late("shared.remove_volume"),
    Kind.RENEW_NETWORK: late("renewing.renew_network"),
    Kind.RENEW_VOLUME: late("renewing.renew_volume"),
    Kind.CREATE: late("containers.create"),
    Kind.JOIN: late("handover.join"),
    Kind.LEAVE: late("handover.leave"),
    Kind.PAUSE: late("handover.pause"),
    Kind.TAKE_NAME: late("containers.take_name"),
    Kind.FREE_NAME: late("endpoints.free_lost"),
    Kind.START: late("containers.start"),
    Kind.SET_ASIDE: late("containers.set_aside"),
    Kind.STOP: late("ending.stop"),
    Kind.RESTART: late("processes.restart"),
    Kind.KILL: late("processes.kill"),
    Kind.FREEZE: late("processes.freeze"),
    Kind.REMOVE: late("ending.remove"),
    Kind.WAIT: late("waiting.wait"),
    Kind.CHECK: late("waiting.check"),
}

UNDO: Mapping[tuple[Kind, str], Undo] = {
    (Kind.ENSURE_NETWORK, "remove"): late("shared.remove_made_network"),
    (Kind.ENSURE_VOLUME, "remove"): late("shared.remove_made_volume"),
    (Kind.ENSURE_FOLDER, "remove"): late("stored.remove_made_folder"),
    (Kind.RENEW_NETWORK, "put back"): late("renewing.put_network_back"),
    (Kind.SHIP_FILES, "clear"): late("files.clear_shipped"),
    (Kind.CREATE, "remove"): late("containers.uncreate"),
    (Kind.CREATE, "remove last"): late("containers.uncreate"),
    (Kind.LEAVE, "come back"): late("handover.come_back"),
    (Kind.TAKE_NAME, "give back"): late("containers.give_name_back"),
    (Kind.SET_ASIDE, "bring back"): late("containers.bring_back"),
    (Kind.START, "stop"): late("containers.unstart"),
    (Kind.START, "pause"): late("containers.pause_again"),
    (Kind.STOP, "start"): late("ending.unstop"),
}
