"""Where each replica of an app is headed, remembered before it gets there: a host that dies must
not make what was on it forgotten."""

from __future__ import annotations

from collections.abc import Mapping

from nap_compose.cluster import placements
from nap_compose.cluster.state import StateStore
from nap_compose.compose.model import App
from nap_compose.orchestration.decide import Wish
from nap_compose.orchestration.plan import Plan
from nap_compose.orchestration.wanted import Slot


def last_known(store: StateStore, owner: str, app: str) -> dict[Slot, str]:
    """Where each replica was last placed."""
    return by_slot(placements.read(store, owner, app))


def by_slot(found: Mapping[str, str]) -> dict[Slot, str]:
    """Hosts by slot, where they are written by a slot's text. Pure."""
    slots = ((slot.rpartition("."), host) for slot, host in found.items())
    return {Slot(service, int(number)): host for (service, _, number), host in slots}


def headed(before: Mapping[str, str], app: App, wish: Wish, plan: Plan) -> dict[str, str]:
    """Where each replica is once the plan has run. Pure.

    Replicas of services that weren't chosen stay as known; those of services that the file no
    longer has only while their containers stay, or can't be seen.
    """
    away = {host.name for host in wish.view.unseen}
    orphans = () if wish.remove_orphans else plan.orphans
    kept = {
        slot: host
        for slot, host in before.items()
        for service in [slot.rpartition(".")[0]]
        if service not in wish.services
        and (service in (*app.services, *app.profiled_out) or slot in orphans or host in away)
    }
    new = {str(slot): choice.host for slot, choice in wish.placement.choices.items()}
    unseen = {str(slot): host for slot, host in wish.placement.unseen.items()}
    return {**kept, **new, **unseen}
