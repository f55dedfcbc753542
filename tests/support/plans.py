"""Plans of `up` for tests, and what they say in short."""

from __future__ import annotations

from typing import Any

from nap_compose.cluster.images import find_all
from nap_compose.cluster.view import ContainerView, HostView, NetworkView, View
from nap_compose.compose.model import App
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.decide import Wish, making_way
from nap_compose.orchestration.placement.place import place
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.orchestration.plan import Change, Plan
from nap_compose.orchestration.planner import plan_up
from nap_compose.orchestration.wanted import select
from tests.support.views import container, host

HASH = "same"
"""The config hash of every service that is wished for."""


def wish(of: App, seen: View, *services: str, **more: Any) -> Wish:
    """A wish for these services of an app (all by default); `more` are fields of the wish."""
    chosen = select(of, services)
    remove = more.get("remove_orphans", False)
    way = making_way(of, chosen, "", seen, remove_orphans=remove)
    references = [image_reference(of.services[name], of.name) for name in chosen]
    fields = {
        "hashes": dict.fromkeys(of.services, HASH),
        "images": find_all(references, seen.hosts),
        "placement": place(of, chosen, Situation(seen, "", of.name, making_way=way)),
    }
    return Wish(
        app=of,
        services=chosen,
        view=seen,
        owner="",
        project=of.name,
        revision=1,
        deployment="d" * 32,
        fence=9,
        **{**fields, **more},
    )


def planned(of: App, seen: View, *services: str, **more: Any) -> Plan:
    """The plan of such a wish."""
    return plan_up(wish(of, seen, *services, **more))


def ids(plan: Plan) -> list[str]:
    """The steps, in the plan's order."""
    return [step.id for step in plan.steps]


def changes(plan: Plan) -> dict[str, Change]:
    """What becomes of each replica, network and volume."""
    return {line.subject: line.change for line in plan.summary}


def all_before(plan: Plan, step: str) -> set[str]:
    """All that must be done before a step can begin, over however many others."""
    needs = {each.id: each.needs for each in plan.steps}
    found: set[str] = set()
    todo = [step]
    while todo:
        new = set(needs[todo.pop()]) - found
        found |= new
        todo += new
    return found


def before(plan: Plan, first: str, second: str) -> bool:
    """Whether `second` can only begin after `first`."""
    return first in all_before(plan, second)


def with_network(name: str, *containers: ContainerView, **more: Any) -> HostView:
    """A host that has the app's network."""
    network = NetworkView("n1", "shop_default", name, "bridge")
    return host(name, containers, networks=(network,), **more)


def kept(slot: str, on: str, **more: Any) -> ContainerView:
    """A container that is as it is wished for."""
    return container(slot, on, hash_=HASH, **more)
