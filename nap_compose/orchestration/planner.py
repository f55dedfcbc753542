"""From what is wanted and what is there to a Plan. Pure.

The order that every plan keeps: images come first (an unknown one fails before anything is
changed), then networks and volumes, then containers are made under temporary names beside what
runs; each takes its slot once what it needs is up; what was replaced stays, stopped, until
everything is healthy, and is removed last. So up to the last phase there is a way back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from nap_compose.cluster.view import ContainerView
from nap_compose.compose.model import Condition, Service
from nap_compose.orchestration import common
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.decide import Decision, Wish, decide, orphans, surplus
from nap_compose.orchestration.naming import slot_name
from nap_compose.orchestration.plan import Change, Kind, Line, Plan, Step
from nap_compose.orchestration.wanted import Slot, namespace_of

CHECK = "check"

_WORDS = {Kind.CREATE: "create", Kind.TAKE_NAME: "name", Kind.START: "start", Kind.WAIT: "wait"}
"""What the ids of steps on a slot begin with."""


def plan_up(wish: Wish) -> Plan:
    """The plan that brings the chosen services to what the file says.

    A container makes way only once all that its successor waits for is there, so that it serves
    as long as it can. Where that is a circle, because one holds a port that another needs first,
    containers make way at once.

    Raises NapError where something is in the way that nap will not remove by itself.
    """
    try:
        return _Planner(wish, serve_on=True).plan()
    except common.Circle:
        return _Planner(wish, serve_on=False).plan()


class _Planner:
    def __init__(self, wish: Wish, *, serve_on: bool) -> None:
        self.wish = wish
        self.serve_on = serve_on
        self.decisions = decide(wish)
        self.surplus = surplus(wish)
        self.orphans = orphans(wish.app, wish.owner, wish.view)
        self.steps: list[Step] = []
        self.summary: list[Line] = []

    def plan(self) -> Plan:
        wish = self.wish
        self._images()
        self._networks_and_volumes()
        for decision in self.decisions:
            self._replica(decision)
        self._one_at_a_time()
        leaving = [*self.surplus, *(self.orphans if wish.remove_orphans else ())]
        self._check(leaving)
        self._leave(leaving)
        self._free_ports()
        for slot, host in wish.placement.unseen.items():
            self.summary.append(Line(Change.UNSEEN, str(slot), host, f"{host} was not seen"))
        return Plan(
            owner=wish.owner,
            app=wish.app.name,
            project=wish.project,
            revision=wish.revision,
            deployment=wish.deployment,
            steps=common.in_running_order(self.steps),
            summary=tuple(self.summary),
            unseen=wish.view.unseen,
            orphans=tuple(common.subject_of(container) for container in self.orphans),
            notes=(),
        )

    def _add(self, step: Step) -> str:
        self.steps.append(step)
        return step.id

    def _on_slot(
        self,
        kind: Kind,
        decision: Decision,
        *,
        needs: tuple[str, ...],
        args: Mapping[str, Any],
        undo: str = "",
    ) -> str:
        """Add a step on a slot's container; its id is `create:web.2` and the like."""
        slot = str(decision.slot)
        step_id = f"{_WORDS[kind]}:{slot}"
        return self._add(Step(step_id, kind, decision.host, slot, slot, needs, undo, args))

    def _ids(self, *kinds: Kind) -> tuple[str, ...]:
        return tuple(step.id for step in self.steps if step.kind in kinds)

    # -- what comes before containers ------------------------------------------------------

    def _images(self) -> None:
        """Bring each image to each host that will make a container of it and lacks it."""
        asked: set[tuple[str, str]] = set()
        for decision in self.decisions:
            if not decision.makes:
                continue
            reference = image_reference(self.wish.service(decision.slot), self.wish.project)
            found = self.wish.images.get(reference)
            if (reference, decision.host) in asked or (found and decision.host in found.hosts):
                continue
            asked.add((reference, decision.host))
            self._add(
                Step(
                    id=f"image:{reference}@{decision.host}",
                    kind=Kind.BRING_IMAGE,
                    host=decision.host,
                    target=reference,
                    subject=f"image {reference}",
                    args={
                        "id": found.id if found else "",
                        "size": found.size if found else 0,
                        # A digest is lost on the way from host to host: it must be pulled.
                        "from": list(found.hosts) if found and "@" not in reference else [],
                        "platform": self.wish.service(decision.slot).spec.get("platform") or "",
                    },
                )
            )

    def _networks_and_volumes(self) -> None:
        needs = self._ids(Kind.BRING_IMAGE)
        making = [decision for decision in self.decisions if decision.makes]
        steps, lines = common.networks(self.wish, making)
        more_steps, more_lines = common.volumes(self.wish, making)
        self.steps += [replace(step, needs=needs) for step in (*steps, *more_steps)]
        self.summary += [*lines, *more_lines]

    # -- one replica -----------------------------------------------------------------------

    def _replica(self, decision: Decision) -> None:
        slot, old = decision.slot, decision.container
        self.summary.append(Line(decision.change, str(slot), decision.host, decision.reason))
        for leftover in decision.leftovers:
            self._set_aside(slot, leftover, suffix=f":{leftover.id[:8]}")
        if decision.change is Change.KEEP and old is not None:
            taken = self._take_name(decision, old.id) if decision.leftovers else ""
            self._wait(decision, needs=(taken,) if taken else ())
            return
        if decision.change is Change.START:
            named = self._take_name(decision, old.id if old else "")
            stopped = self._stop_first(decision, old) if old and old.state == "running" else ""
            self._start(decision, needs=tuple(filter(None, (named, stopped))))
            return
        create = self._create(decision)
        aside: tuple[str, ...] = (create,)
        if old is not None:
            ready = self._dependencies(slot) if self.serve_on and not self.wish.no_start else ()
            aside = (create, self._set_aside(slot, old, needs=(create, *ready)))
        named = (
            self._take_name(decision, "", needs=aside) if self._under_temporary(decision) else ""
        )
        if not self.wish.no_start:
            self._start(decision, needs=(named,) if named else aside)

    def _under_temporary(self, decision: Decision) -> bool:
        """A slot that nobody has yet is filled under its own name at once."""
        return decision.change is not Change.CREATE

    def _create(self, decision: Decision) -> str:
        service = self.wish.service(decision.slot)
        parents = [
            f"create:{Slot(name, 1)}"
            for name in (*namespace_of(service), *common.links_of(service))
        ]
        made = {step.id for step in self.steps}
        return self._on_slot(
            Kind.CREATE,
            decision,
            needs=(
                *self._ids(Kind.BRING_IMAGE, Kind.ENSURE_NETWORK, Kind.ENSURE_VOLUME),
                *(parent for parent in parents if parent in made),
            ),
            undo="remove",
            args={
                "service": decision.slot.service,
                "replica": decision.slot.number,
                "fence": self.wish.fence,
                "temporary": self._under_temporary(decision),
                "replaces": decision.container.id if decision.container else "",
                "replaces_on": decision.container.host if decision.container else "",
            },
        )

    def _set_aside(
        self, slot: Slot, old: ContainerView, *, needs: tuple[str, ...] = (), suffix: str = ""
    ) -> str:
        return self._add(
            Step(
                id=f"aside:{slot}{suffix}",
                kind=Kind.SET_ASIDE,
                host=old.host,
                target=old.id,
                subject=str(slot),
                needs=needs,
                undo="bring back",
                args=common.stop_args(old, self.wish.grace),
            )
        )

    def _stop_first(self, decision: Decision, old: ContainerView) -> str:
        """Stop what restarts with a service that it needs, before that one makes way."""
        needed = {
            entry.service for entry in self.wish.service(decision.slot).depends_on if entry.restart
        }
        renewed = [
            other.slot for other in self.decisions if other.makes and other.slot.service in needed
        ]
        stop = self._add(
            Step(
                id=f"stop:{old.id[:12]}",
                kind=Kind.STOP,
                host=old.host,
                target=old.id,
                subject=str(decision.slot),
                needs=tuple(f"create:{slot}" for slot in renewed),
                undo="start",
                args=common.stop_args(old, self.wish.grace),
            )
        )
        for slot in renewed:
            self._add_need(f"aside:{slot}", stop)
        return stop

    def _take_name(self, decision: Decision, container: str, needs: tuple[str, ...] = ()) -> str:
        """Give the container its slot's name, once whoever had it is out of the way."""
        wish = self.wish
        name = slot_name(wish.service(decision.slot), wish.owner, wish.project, decision.slot)
        args, undo = {"name": name, "container": container}, ""
        if decision.container and decision.container.id == container:
            if decision.container.name == name:
                return ""
            args["was"], undo = decision.container.name, "give back"
            needs = tuple(
                step.id for step in self.steps if step.id.startswith(f"aside:{decision.slot}:")
            )
        return self._on_slot(Kind.TAKE_NAME, decision, needs=needs, args=args, undo=undo)

    def _start(self, decision: Decision, needs: tuple[str, ...]) -> None:
        existing = decision.container if decision.change is Change.START else None
        paused = existing is not None and existing.state == "paused"
        start = self._on_slot(
            Kind.START,
            decision,
            needs=(*needs, *self._dependencies(decision.slot)),
            undo="pause" if paused else "stop" if existing else "",
            args={"container": existing.id if existing else "", "paused": paused},
        )
        self._wait(decision, needs=(start,))

    def _wait(self, decision: Decision, needs: tuple[str, ...]) -> None:
        """Wait for what the app needs of the replica; what is well already isn't waited for."""
        old = decision.container
        kept = decision.change is Change.KEEP and old is not None
        condition = self._condition(decision.slot.service)
        well = old is not None and old.health in ("none", "healthy")
        if kept and (self.wish.no_start or (well and condition is not Condition.COMPLETED)):
            return
        self._on_slot(
            Kind.WAIT,
            decision,
            needs=needs,
            args={
                "container": old.id if old and not decision.makes else "",
                "condition": condition.value,
            },
        )

    def _condition(self, name: str) -> Condition:
        """The most that anybody asks of a service: completed, healthy, or just started."""
        asked = {
            dependency.condition
            for service in self.wish.services
            for dependency in self.wish.app.services[service].depends_on
            if dependency.service == name
        }
        for condition in (Condition.COMPLETED, Condition.HEALTHY):
            if condition in asked:
                return condition
        return Condition.STARTED

    def _dependencies(self, slot: Slot) -> tuple[str, ...]:
        """The steps after which the conditions of `depends_on` hold for this replica."""
        service = self.wish.service(slot)
        ids = {step.id for step in self.steps}
        met: list[str] = []
        for name, condition in _conditions(service):
            kind = "start" if condition is Condition.STARTED else "wait"
            met += [
                f"{kind}:{other.slot}"
                for other in self.decisions
                if other.slot.service == name and f"{kind}:{other.slot}" in ids
            ]
        return tuple(met)

    # -- what ties replicas together ---------------------------------------------------------

    def _one_at_a_time(self) -> None:
        """Replicas of one service make way for their successors in turn, so that the service
        keeps serving: `update_config.parallelism` at a time (1; 0 is all at once)."""
        for name in self.wish.services:
            renewed = [
                decision.slot
                for decision in self.decisions
                if decision.slot.service == name
                and decision.change in (Change.REPLACE, Change.MOVE)
            ]
            deploy = self.wish.app.services[name].spec.get("deploy") or {}
            at_once = (deploy.get("update_config") or {}).get("parallelism", 1)
            if at_once == 0 or self.wish.no_start:
                continue
            for earlier, later in zip(renewed, renewed[int(at_once) :], strict=False):
                self._add_need(f"aside:{later}", f"wait:{earlier}")

    def _add_need(self, step_id: str, need: str) -> None:
        self.steps = [
            replace(step, needs=(*step.needs, need))
            if step.id == step_id and need not in step.needs
            else step
            for step in self.steps
        ]

    def _check(self, leaving: Iterable[ContainerView]) -> None:
        """Once all is up, look once more: what crashed right after its start shows here."""
        if self.wish.no_start or not (self._ids(Kind.START) or list(leaving)):
            return
        self._add(
            Step(
                id=CHECK,
                kind=Kind.CHECK,
                host="",
                target=self.wish.app.name,
                subject=self.wish.app.name,
                needs=self._ids(Kind.WAIT),
                args={"slots": [str(d.slot) for d in self.decisions]},
            )
        )

    def _leave(self, leaving: Iterable[ContainerView]) -> None:
        """Remove, when all is well, what was replaced, scaled down or orphaned."""
        checked = self._ids(Kind.CHECK) or self._ids(Kind.CREATE, Kind.TAKE_NAME)
        for container in leaving:
            subject = common.subject_of(container)
            why = "scaled down" if container in self.surplus else "not in the file"
            self.summary.append(Line(Change.REMOVE, subject, container.host, why))
            stop = Step(
                id=f"stop:{container.id[:12]}",
                kind=Kind.STOP,
                host=container.host,
                target=container.id,
                subject=subject,
                needs=checked,
                undo="start" if container.state == "running" else "",
                args=common.stop_args(container, self.wish.grace),
            )
            self.steps += [stop, common.removal(container, subject, needs=(stop.id, *checked))]
        for step in self.steps.copy():
            if step.kind is Kind.SET_ASIDE:
                self.steps.append(
                    Step(
                        id=f"remove:{step.target[:12]}",
                        kind=Kind.REMOVE,
                        host=step.host,
                        target=step.target,
                        subject=step.subject,
                        needs=tuple(dict.fromkeys((step.id, *checked))),
                    )
                )

    def _free_ports(self) -> None:
        """Whoever holds a port on a host stops before its next holder starts there."""
        holders = {
            (container.host, port.port, port.protocol): container.id
            for container in self.wish.view.containers()
            for port in container.ports
        }
        stops = {
            step.target: step for step in self.steps if step.kind in (Kind.STOP, Kind.SET_ASIDE)
        }
        for decision in self.decisions:
            for port in self.wish.service(decision.slot).ports:
                number = port.fixed()
                holder = holders.get((decision.host, number or 0, port.protocol))
                stop = stops.get(holder or "")
                if stop is None or not decision.makes:
                    continue
                if stop.kind is Kind.STOP:
                    self.steps = [
                        replace(step, needs=()) if step.id == stop.id else step
                        for step in self.steps
                    ]
                self._add_need(f"start:{decision.slot}", stop.id)


def _conditions(service: Service) -> list[tuple[str, Condition]]:
    named = [(entry.service, entry.condition) for entry in service.depends_on]
    known = {name for name, _ in named}
    implied = [*namespace_of(service), *common.links_of(service)]
    return named + [(name, Condition.STARTED) for name in implied if name not in known]
