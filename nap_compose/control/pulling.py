"""The road of `pull`: images come from their registries to the hosts that need them.

Embedded that is the one host, and all is as with Compose. On a cluster an app is placed as `up`
would place it, and each host pulls for itself what its containers are made of.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from nap_compose.border import Cancel, Handled, PullRequest, Who
from nap_compose.cluster import claims, host_records
from nap_compose.cluster.images import familiar
from nap_compose.cluster.names import project_of
from nap_compose.cluster.observe import Part
from nap_compose.cluster.view import View
from nap_compose.compose.model import Service
from nap_compose.control import placing, whereabouts
from nap_compose.control.parts import Parts, seen_at_all
from nap_compose.control.registries.pulling import logins_for
from nap_compose.control.road.looking import look
from nap_compose.errors import Interrupted, NapError
from nap_compose.orchestration.decide import making_way
from nap_compose.orchestration.emitter import Emitter
from nap_compose.orchestration.events import OnEvent, Phase
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.orchestration.plan import Kind, Step
from nap_compose.orchestration.pooling import pool
from nap_compose.orchestration.steps.images import pull_image
from nap_compose.orchestration.wanted import select
from nap_compose.plaindata import dataclass

AT_ONCE = 8
_PRESENT = ("missing", "if_not_present")
_NOT = ("never", "build")


@dataclass(frozen=True)
class _Pull:
    """An image for one host; `buildable` names the service that could build it instead."""

    reference: str
    host: str
    platform: str
    buildable: str

    @property
    def step(self) -> Step:
        """What events are about."""
        return Step(
            f"pull:{self.reference}@{self.host}",
            Kind.BRING_IMAGE,
            self.host,
            self.reference,
            f"image {self.reference}",
            args={"platform": self.platform},
        )


def pull(
    parts: Parts, who: Who, request: PullRequest, on_event: OnEvent, cancel: Cancel
) -> Handled:
    """Pull the images; see `border.Imaging.pull`."""
    app = request.app
    chosen = select(app, request.services, alone=not request.dependencies)
    emitter = Emitter(uuid.uuid4().hex, [on_event])
    view, where = _where(parts, who, request, chosen)
    todo = _to_pull([app.services[name] for name in chosen], where, view, request, emitter)
    if request.dry_run:
        return Handled(tuple(f"{each.reference} on {each.host}" for each in todo))
    failed: dict[_Pull, NapError] = {}
    logins = logins_for(parts, who.owner, app.name)

    def one(each: _Pull) -> None:
        fatal = [error for at, error in failed.items() if not at.buildable]
        if cancel.level or (fatal and not request.ignore_failures):
            return
        step = each.step

        def report(text: str, done: int = 0, total: int = 0) -> None:
            emitter.step(step, Phase.RUNNING, text, done=done, total=total)

        try:
            pull_image(step, parts.engines.on(each.host), report, logins)
        except NapError as error:
            emitter.step(step, Phase.FAILED, error=error.message)
            failed[each] = error
        else:
            emitter.step(step, Phase.DONE, "pulled")

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pull") as pool:
        list(pool.map(one, todo))
    if cancel.level:
        raise Interrupted("the pull was stopped")
    return _came_of_it(request, todo, failed)


def _came_of_it(
    request: PullRequest, todo: Iterable[_Pull], failed: dict[_Pull, NapError]
) -> Handled:
    build = sorted({each.buildable for each in failed if each.buildable})
    notes = [str(error) for error in failed.values()]
    if failed and not request.ignore_failures:
        hints = dict.fromkeys(error.hint for error in failed.values() if error.hint)
        raise NapError(
            "\n".join(notes),
            hint=f"build what can be: nap build {' '.join(build)}" if build else "\n".join(hints),
        )
    done = tuple(f"{each.reference} on {each.host}" for each in todo if each not in failed)
    return Handled(done, tuple(notes))


def _to_pull(
    services: Iterable[Service],
    where: dict[str, tuple[str, ...]],
    view: View,
    request: PullRequest,
    emitter: Emitter,
) -> list[_Pull]:
    """What is to be pulled, each image once for a host; what isn't is told."""
    found: dict[tuple[str, str], _Pull] = {}
    for service in services:
        buildable = bool(service.spec.get("build"))
        said = request.policy or str(service.spec.get("pull_policy") or "")
        if not service.image or said in _NOT or (buildable and request.ignore_buildable):
            step = Step(f"pull:{service.name}", Kind.BRING_IMAGE, "", service.name, service.name)
            emitter.step(step, Phase.SKIPPED)
            continue
        reference = service.image
        for host in where[service.name]:
            there = view.hosts[host].has_image(familiar(reference)) is not None
            if said in _PRESENT and there and not familiar(reference).endswith(":latest"):
                continue
            platform = str(service.spec.get("platform") or "")
            found.setdefault(
                (reference, host),
                _Pull(reference, host, platform, service.name if buildable else ""),
            )
    return list(found.values())


def _where(
    parts: Parts, who: Who, request: PullRequest, services: tuple[str, ...]
) -> tuple[View, dict[str, tuple[str, ...]]]:
    """What was seen, and the hosts on which each service's containers are or would be."""
    if parts.cluster.embedded:
        view = seen_at_all(parts.look(only=frozenset({Part.IMAGES})))
        return view, dict.fromkeys(services, tuple(view.hosts))
    app, owner = request.app, who.owner
    claimed = claims.read(parts.store)
    view = look(parts, host_records.read_all(parts.store))
    project = project_of(owner, app.name)
    pooling = pool(app, owner, project, parts.cluster.storage, view)
    placement, _ = placing.place_or_stay(
        pooling.app,
        services,
        Situation(
            view=view,
            owner=owner,
            project=project,
            making_way=making_way(app, services, owner, view, remove_orphans=False),
            claims=claimed.by_host(),
            known=whereabouts.last_known(parts.store, owner, app.name),
            strategy=parts.cluster.strategy,
            pooled=pooling.keys,
            shared=parts.cluster.storage.shared,
        ),
    )
    hosts: dict[str, dict[str, None]] = {name: {} for name in services}
    for slot, choice in placement.choices.items():
        hosts[slot.service][choice.host] = None
    return view, {name: tuple(found) for name, found in hosts.items()}
