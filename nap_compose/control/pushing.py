"""The road of `push`: images that were built go to the registries that their names lead to."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from nap_compose.border import Cancel, Handled, PushRequest, Who
from nap_compose.cluster.engine import EngineError
from nap_compose.cluster.images import familiar, find
from nap_compose.cluster.observe import Part
from nap_compose.control.parts import Parts, seen_at_all
from nap_compose.control.policing import check_image_name
from nap_compose.control.registries.pulling import OwnersLogins, registry_logins
from nap_compose.errors import Interrupted, NapError
from nap_compose.orchestration.emitter import Emitter
from nap_compose.orchestration.events import OnEvent, Phase
from nap_compose.orchestration.plan import Kind, Step
from nap_compose.orchestration.wanted import select

AT_ONCE = 4


def push(
    parts: Parts, who: Who, request: PushRequest, on_event: OnEvent, cancel: Cancel
) -> Handled:
    """Push the images; see `border.Imaging.push`."""
    app = request.app
    chosen = select(app, request.services, alone=not request.dependencies)
    emitter = Emitter(uuid.uuid4().hex, [on_event])
    wanted: dict[str, None] = {}
    for name in chosen:
        service = app.services[name]
        build = service.spec.get("build")
        if build and service.image:
            wanted.update(dict.fromkeys([service.image, *(build.get("tags") or ())]))
        else:
            step = Step(f"push:{name}", Kind.BRING_IMAGE, "", name, name)
            emitter.step(step, Phase.SKIPPED)
    if not wanted:
        return Handled(notes=("no service that was named has both a `build:` and an `image:`",))
    for reference in wanted:
        check_image_name(parts, who, reference, app.name)
    view = seen_at_all(parts.look(only=frozenset({Part.IMAGES})))
    sources = {}
    for reference in wanted:
        found = find(reference, view.hosts.values())
        if found is None:
            raise NapError(
                f"no host has image {reference}, so there is nothing to push",
                hint="build it first: nap build",
            )
        sources[reference] = found.hosts[0]
    if request.dry_run:
        return Handled(tuple(f"{name} from {host}" for name, host in sources.items()))
    failed: dict[str, str] = {}
    logins = registry_logins(parts, who.owner, app.name)

    def one(reference: str) -> None:
        if cancel.level or (failed and not request.ignore_failures):
            return
        try:
            push_names(parts, sources[reference], [reference], emitter, logins)
        except NapError as error:
            failed[reference] = str(error)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="push") as pool:
        list(pool.map(one, wanted))
    if cancel.level:
        raise Interrupted("the push was stopped")
    if failed and not request.ignore_failures:
        raise NapError("\n".join(failed.values()))
    return Handled(
        tuple(name for name in wanted if name not in failed), notes=tuple(failed.values())
    )


def push_names(
    parts: Parts,
    host: str,
    names: Iterable[str],
    emitter: Emitter,
    logins: OwnersLogins | None,
) -> None:
    """Push an image under each of its names from a host; without `logins` the engine's client has
    them. Raises NapError where one fails."""
    engine = parts.engines.on(host)
    for name in names:
        step = Step(f"push:{name}", Kind.BRING_IMAGE, host, name, f"image {name}")
        emitter.step(step, Phase.RUNNING, "pushing")
        layers: dict[str, tuple[int, int]] = {}
        try:
            for record in engine.push_image(
                familiar(name), auth=logins.to(name) if logins else None
            ):
                detail = record.get("progressDetail") or {}
                if detail.get("total"):
                    current, total = int(detail.get("current") or 0), int(detail["total"])
                    layers[str(record.get("id"))] = (min(current, total), total)
                    done, whole = (sum(column) for column in zip(*layers.values(), strict=True))
                    emitter.step(step, Phase.RUNNING, "pushing", done=done, total=whole)
        except EngineError as error:
            emitter.step(step, Phase.FAILED, error=error.message)
            raise NapError(
                f"image {name} can't be pushed: {error.message}",
                host=host,
                hint="its registry may want `nap registry login` (on the local engine `docker "
                "login`), or its name another registry in front",
            ) from None
        emitter.step(step, Phase.DONE, "pushed")
