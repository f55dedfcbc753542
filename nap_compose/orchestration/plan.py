"""The Plan: the ordered steps from what was seen to what is wanted. Plain data.

It can be printed, saved and run; it holds no secret and no model, only names: of the revision it
leads to, and of the view it was made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import Any

from nap_compose.cluster.view import Unseen
from nap_compose.plaindata import dataclass


class Kind(str, Enum):
    """What a step does, on one host."""

    ENSURE_NETWORK = "ensure-network"
    ENSURE_VOLUME = "ensure-volume"
    ENSURE_FOLDER = "ensure-folder"
    BRING_IMAGE = "bring-image"
    SHIP_FILES = "ship-files"
    SEED_VOLUME = "seed-volume"
    CLEAR_FILES = "clear-files"
    RENEW_NETWORK = "renew-network"
    RENEW_VOLUME = "renew-volume"
    CREATE = "create"
    JOIN = "join"
    LEAVE = "leave"
    PAUSE = "pause"
    TAKE_NAME = "take-name"
    FREE_NAME = "free-name"
    START = "start"
    WAIT = "wait"
    SET_ASIDE = "set-aside"
    STOP = "stop"
    RESTART = "restart"
    KILL = "kill"
    FREEZE = "freeze"
    REMOVE = "remove"
    REMOVE_NETWORK = "remove-network"
    REMOVE_VOLUME = "remove-volume"
    REMOVE_FOLDER = "remove-folder"
    CHECK = "check"
    GATHER = "gather"
    """Nothing is done: it stands for all that it needs, which many others wait for."""


LOOKING = (Kind.WAIT, Kind.CHECK, Kind.GATHER)
"""The steps that change nothing."""


@dataclass(frozen=True)
class Step:
    """One idempotent act on one host.

    `needs` are the ids of steps that must be done before; `undo` names the act that takes it back
    when the deployment fails (empty: nothing to take back); `target` is what it acts on (a
    replica's slot, a network's name, an image); `subject` is what people call it; `args` are the
    kind's own words, JSON, without secrets.
    """

    id: str
    kind: Kind
    host: str
    target: str
    subject: str
    needs: tuple[str, ...] = ()
    undo: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)


class Change(str, Enum):
    """What becomes of a replica, a network or a volume."""

    KEEP = "keep"
    CREATE = "create"
    REPLACE = "replace"
    START = "start"
    SET = "set"
    MOVE = "move"
    RESTART = "restart"
    STOP = "stop"
    KILL = "kill"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    REMOVE = "remove"
    UNSEEN = "unseen"


class Verb(str, Enum):
    """What may be done with containers that are there."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    KILL = "kill"
    REMOVE = "rm"
    PAUSE = "pause"
    UNPAUSE = "unpause"

    @property
    def starts(self) -> bool:
        """Whether it sets processes going, for which networks must be there."""
        return self in (Verb.START, Verb.RESTART)


START_FIRST, STOP_FIRST = "start-first", "stop-first"
IDLE = "it doesn't run"
"""How a replica makes way, and why nobody misses one that stops first."""


@dataclass(frozen=True)
class Line:
    """One line of a plan for people: what becomes of `subject` on `host`, and why.

    `how` says how a replica makes way: start-first, or stop-first with the reason.
    """

    change: Change
    subject: str
    host: str
    reason: str = ""
    how: str = ""


@dataclass(frozen=True)
class Leniency:
    """What it means that one of these replicas, which are replaced, fails.

    `tolerated` of them may: each goes back to what it was, and the deployment goes on. What more
    than these do is `action`: rollback (all goes back), pause (all is left as it is then) or
    continue (as those that are tolerated).
    """

    slots: tuple[str, ...]
    action: str = "rollback"
    tolerated: int = 0


@dataclass(frozen=True)
class Plan:
    """Steps in an order in which they could be run one by one, and what they come to.

    `summary` holds a line for each replica and resource, kept ones included; `unseen` the hosts
    that the plan knows nothing of; `orphans` the containers of services that the file no longer
    has; `notes` what a person should know before it runs; `loses` the volumes whose data would be
    lost, of which nobody has said yet that it may; `leniency` whose failure is put up with.
    """

    owner: str
    app: str
    project: str
    revision: int
    deployment: str
    steps: tuple[Step, ...]
    summary: tuple[Line, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    orphans: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()
    leniency: tuple[Leniency, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is to be changed: looking is no change."""
        return all(step.kind in LOOKING for step in self.steps)
