"""Which act does a step, and which takes it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nap_compose.orchestration.plan import Kind, Step
from nap_compose.orchestration.steps import (
    containers,
    files,
    handover,
    images,
    processes,
    renewing,
    shared,
    stored,
    waiting,
)
from nap_compose.orchestration.steps.workshop import Report, Workshop

Do = Callable[[Step, Workshop, Report], str]
"""Gives what came of it in a word or two."""

Undo = Callable[[Step, Workshop], str]
"""Gives a sentence about what it had to leave behind, empty where it left nothing."""

DO: Mapping[Kind, Do] = {
    Kind.BRING_IMAGE: images.bring_image,
    Kind.SHIP_FILES: files.ship_files,
    Kind.SEED_VOLUME: files.seed_volume,
    Kind.CLEAR_FILES: files.clear_files,
    Kind.ENSURE_NETWORK: shared.ensure_network,
    Kind.ENSURE_VOLUME: shared.ensure_volume,
    Kind.ENSURE_FOLDER: stored.ensure_folder,
    Kind.REMOVE_FOLDER: stored.remove_folder,
    Kind.REMOVE_NETWORK: shared.remove_network,
    Kind.REMOVE_VOLUME: shared.remove_volume,
    Kind.RENEW_NETWORK: renewing.renew_network,
    Kind.RENEW_VOLUME: renewing.renew_volume,
    Kind.CREATE: containers.create,
    Kind.JOIN: handover.join,
    Kind.LEAVE: handover.leave,
    Kind.PAUSE: handover.pause,
    Kind.TAKE_NAME: containers.take_name,
    Kind.FREE_NAME: containers.free_name,
    Kind.START: containers.start,
    Kind.SET_ASIDE: containers.set_aside,
    Kind.STOP: containers.stop,
    Kind.RESTART: processes.restart,
    Kind.KILL: processes.kill,
    Kind.FREEZE: processes.freeze,
    Kind.REMOVE: containers.remove,
    Kind.WAIT: waiting.wait,
    Kind.CHECK: waiting.check,
}

UNDO: Mapping[tuple[Kind, str], Undo] = {
    (Kind.ENSURE_NETWORK, "remove"): shared.remove_made_network,
    (Kind.ENSURE_VOLUME, "remove"): shared.remove_made_volume,
    (Kind.ENSURE_FOLDER, "remove"): stored.remove_made_folder,
    (Kind.RENEW_NETWORK, "put back"): renewing.put_network_back,
    (Kind.SHIP_FILES, "clear"): files.clear_shipped,
    (Kind.CREATE, "remove"): containers.uncreate,
    (Kind.CREATE, "remove last"): containers.uncreate,
    (Kind.LEAVE, "come back"): handover.come_back,
    (Kind.TAKE_NAME, "give back"): containers.give_name_back,
    (Kind.SET_ASIDE, "bring back"): containers.bring_back,
    (Kind.START, "stop"): containers.unstart,
    (Kind.START, "pause"): containers.pause_again,
    (Kind.STOP, "start"): containers.unstop,
}
