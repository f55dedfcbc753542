"""A build with an engine's classic builder: several images at once, each once its needs are met."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from nap_compose.border import BuiltImage
from nap_compose.cluster.engine import Engine, EngineAway, EngineError
from nap_compose.errors import Interrupted, NapError
from nap_compose.orchestration.bodies.building import build_query
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.emitter import Emitter
from nap_compose.orchestration.events import Phase
from nap_compose.orchestration.masking import masker
from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.wanted import needs_of
from nap_compose.units import show_duration

if TYPE_CHECKING:
    from nap_compose.control.building import Job

LAST_LINES = 30
"""So many of the last lines of a build that failed are shown with its error."""


class Crew:
    """Builds at once what doesn't depend on each other, and stops all when one fails, or when it
    isn't done `within` so many seconds."""

    def __init__(self, job: Job, engine: Engine, emitter: Emitter, within: float) -> None:
        self._job = job
        self._engine = engine
        self._emitter = emitter
        self._within = within
        self._late = False
        self._over = False
        self._mask = masker(job.request.app)

    def build(self, services: tuple[str, ...]) -> tuple[BuiltImage, ...]:
        """Build their images, needs first. Raises the first error, once all has stopped."""
        app = self._job.request.app
        deadline = time.monotonic() + self._within
        futures: dict[str, Future[BuiltImage]] = {}
        with ThreadPoolExecutor(len(services), thread_name_prefix="build") as pool:
            for name in services:
                needs = [futures[need] for need in needs_of(app.services[name], app)
                         if need in futures]  # fmt: skip
                futures[name] = pool.submit(self._after, needs, name)
            try:
                while not all(future.done() for future in futures.values()):
                    wait(futures.values(), timeout=0.1)
                    failed = any(f.done() and f.exception() for f in futures.values())
                    self._late |= not failed and time.monotonic() > deadline
                    if failed or self._late or self._job.stopped():
                        self._dismiss()
            except BaseException:
                self._dismiss()
                raise
        self._raise_first(futures)
        return tuple(future.result() for future in futures.values())

    def _dismiss(self) -> None:
        """Stop all that runs there."""
        if not self._over:
            self._over = True
            self._engine.close()

    def _raise_first(self, futures: dict[str, Future[BuiltImage]]) -> None:
        errors = [error for future in futures.values() if (error := future.exception())]
        if self._job.stopped():
            raise Interrupted("the build was stopped")
        if self._late:
            raise self._too_late()
        for error in sorted(errors, key=lambda each: isinstance(each, Interrupted)):
            raise error

    def _too_late(self) -> NapError:
        return NapError(
            f"the build was stopped after {show_duration(self._within)}, which is the most that it "
            "may take",
            host=self._engine.host,
            hint="an admin may build for longer, or say how long with policy.build_time in the "
            "cluster file",
        )

    def _after(self, needs: list[Future[BuiltImage]], name: str) -> BuiltImage:
        for need in needs:
            need.exception()  # waits for its end
        if self._over or self._job.stopped() or any(need.exception() for need in needs):
            raise Interrupted(f"the build of {name} wasn't begun")
        return self._build(name)

    def _build(self, name: str) -> BuiltImage:
        job = self._job
        service = job.service(name)
        image = image_reference(service, job.project)
        step = job.step(image, self._engine.host)
        query = build_query(service, image, job.labels(name), job.request.wishes)
        context = None if "remote" in query else self._context(name)
        lines: list[str] = []
        self._emitter.step(step, Phase.RUNNING, "sending its context" if context else "building")
        try:
            built = self._read(query, context, lines, step)
        except Interrupted:
            self._emitter.step(step, Phase.SKIPPED)
            raise
        except (EngineError, EngineAway) as error:
            if self._over:
                self._emitter.step(step, Phase.SKIPPED)
                raise Interrupted(f"the build of {name} was stopped") from error
            if isinstance(error, EngineAway):
                self._emitter.step(step, Phase.FAILED, error=error.message)
                raise
            self._emitter.step(step, Phase.FAILED, error=self._mask(error.message))
            shown = "\n".join(f"  {line}" for line in lines[-LAST_LINES:])
            raise NapError(
                self._mask(f"image {image} can't be built: {error.message}\n{shown}".rstrip()),
                host=self._engine.host,
            ) from None
        except NapError as error:  # its context can't be read
            self._emitter.step(step, Phase.FAILED, error=error.message)
            raise
        self._emitter.step(step, Phase.DONE, "built")
        return job.image(name, self._engine.host, built or id_of(self._engine, image))

    def _read(
        self,
        query: dict[str, str | list[str]],
        context: Iterator[bytes] | None,
        lines: list[str],
        step: Step,
    ) -> str:
        """Follow a build to its end; gives the image's id, where it was told."""
        built, open_line = "", ""
        kept = self._job.logins
        logins = (
            None if kept is None else {login["serveraddress"]: login for login in kept.all.values()}
        )
        for record in self._engine.build_image(query, context, logins=logins):
            built = str((record.get("aux") or {}).get("ID") or built)
            *whole, open_line = (open_line + str(record.get("stream") or "")).split("\n")
            for line in whole:
                if line.strip():
                    lines.append(line.rstrip())
                    self._emitter.step(step, Phase.RUNNING, self._mask(line.strip()))
        return built

    def _context(self, name: str) -> Iterator[bytes]:
        contexts = self._job.request.contexts
        for piece in contexts(name) if contexts else ():
            if self._over or self._job.stopped():
                raise Interrupted(f"the build of {name} was stopped")
            yield piece


def id_of(engine: Engine, image: str) -> str:
    """The id of an image that is on an engine."""
    return str(engine.inspect_image(image)["Id"])
