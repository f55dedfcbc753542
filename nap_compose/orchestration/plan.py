"""The Plan: the ordered steps from what was seen to what is wanted. Plain data.

It can be printed, saved and run; it holds no secret and no model, only names: of the revision it
leads to, and of the view it was made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from nap_compose.cluster.view import Unseen


class Kind(str, Enum):
    """What a step does, on one host."""

    ENSURE_NETWORK = "ensure-network"
    ENSURE_VOLUME = "ensure-volume"
    BRING_IMAGE = "bring-image"
    CREATE = "create"
    TAKE_NAME = "take-name"
    START = "start"
    WAIT = "wait"
    SET_ASIDE = "set-aside"
    STOP = "stop"
    REMOVE = "remove"
    REMOVE_NETWORK = "remove-network"
    REMOVE_VOLUME = "remove-volume"
    CHECK = "check"


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
    MOVE = "move"
    REMOVE = "remove"
    UNSEEN = "unseen"


@dataclass(frozen=True)
class Line:
    """One line of a plan for people: what becomes of `subject` on `host`, and why."""

    change: Change
    subject: str
    host: str
    reason: str = ""


@dataclass(frozen=True)
class Plan:
    """Steps in an order in which they could be run one by one, and what they come to.

    `summary` holds a line for each replica and resource, kept ones included; `unseen` the hosts
    that the plan knows nothing of; `orphans` the containers of services that the file no longer
    has; `notes` what a person should know before it runs.
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

    @property
    def empty(self) -> bool:
        """Whether nothing is to be changed: looking is no change."""
        return all(step.kind in (Kind.WAIT, Kind.CHECK) for step in self.steps)
