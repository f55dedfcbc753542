"""All that placement looks at, besides the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timezone

from nap_compose.cluster.demand import Claim
from nap_compose.cluster.view import View
from nap_compose.orchestration.wanted import Slot
from nap_compose.plaindata import dataclass

OFTEN = 5
"""So many recent failures on a host, and other hosts are tried first."""


NOBODY = View(datetime.min.replace(tzinfo=timezone.utc), {})
"""A view of no host."""


@dataclass(frozen=True)
class Situation:
    """Where an app of `owner` is to be placed; `project` is its name on the engines.

    `making_way` are the ids of the containers that this deployment will replace, move or remove
    if need be: what they hold counts as free. `claims` are what deployments in flight hold: host →
    claims of other apps. `known` is where each replica was last placed, which tells of replicas on
    hosts that weren't seen. `failures` are the failures of replicas on a host within the last
    minutes. `platforms` tells the os/arch of images, where hosts differ in theirs. `strategy` is
    the cluster's: spread or binpack. `alone`: there is one engine, and it is the person's own; as
    with Compose then, what tells hosts apart is passed over. `why` are the services whose
    placement is to be explained, host by host. `staying` may stay on a drained host, since nobody
    else can take them. `moves` are replicas that are to leave their hosts for others, as far as
    those have room. With `fresh_volumes` nobody minds the anonymous volumes of what is moved.
    `pooled` are the keys of the volumes on cluster storage, `unreached` the hosts that don't reach
    it, each with the reason. `shared` are the drivers and types of file systems whose volumes every
    host sees alike. `full` are the hosts whose disk is too full for anything new, each
    with the reason.
    """

    view: View
    owner: str
    project: str
    making_way: frozenset[str] = frozenset()
    claims: Mapping[str, tuple[Claim, ...]] = field(default_factory=dict)
    known: Mapping[Slot, str] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    platforms: Mapping[str, str] = field(default_factory=dict)
    strategy: str = "spread"
    alone: bool = False
    why: frozenset[str] = frozenset()
    staying: frozenset[Slot] = frozenset()
    moves: Mapping[Slot, str] = field(default_factory=dict)
    fresh_volumes: bool = False
    pooled: frozenset[str] = frozenset()
    unreached: Mapping[str, str] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    full: Mapping[str, str] = field(default_factory=dict)
