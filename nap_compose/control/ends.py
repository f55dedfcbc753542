"""Waiting for the ends of an app's containers, wherever they run."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from nap_compose.border import Ended, Target
from nap_compose.cluster.engine import EngineAway, NotFound
from nap_compose.cluster.observe import Whose
from nap_compose.cluster.view import Absence, ContainerView
from nap_compose.control.parts import Parts
from nap_compose.control.reading import CONTAINERS
from nap_compose.control.replicas import missing, subject_of
from nap_compose.control.sessions import vanished
from nap_compose.errors import NapError

AT_ONCE = 3600.0
"""Seconds for which an engine is asked to wait; then it is asked again."""


def ends(parts: Parts, app: Target, targets: tuple[Target, ...]) -> Iterator[Ended]:
    """Each end as it comes; see `Deploying.wait`.

    Raises WrongUse or Away for what there isn't, NapError where none of it runs, both before it
    gives anything; NapError later where one was removed meanwhile.
    """
    return _as_they_come(parts, _running(parts, app, targets))


def _as_they_come(parts: Parts, waited: list[ContainerView]) -> Iterator[Ended]:
    told: queue.SimpleQueue[Ended | BaseException] = queue.SimpleQueue()
    for container in waited:
        call = partial(_tell, parts, container, told)
        threading.Thread(target=call, name=f"wait {container.name}", daemon=True).start()
    for _ in waited:
        end = told.get()
        if isinstance(end, BaseException):
            raise end
        yield end


def _tell(
    parts: Parts, container: ContainerView, told: queue.SimpleQueue[Ended | BaseException]
) -> None:
    try:
        told.put(Ended(subject_of(container), container.host, _code(parts, container)))
    except BaseException as error:
        told.put(error)


def _code(parts: Parts, container: ContainerView) -> int:
    engine = parts.engines.on(container.host)
    while True:
        try:
            return engine.wait_container(container.id, timeout=AT_ONCE)
        except NotFound:
            raise vanished(subject_of(container), container.host) from None
        except EngineAway as away:
            if away.why is not Absence.TIMEOUT:
                raise


def _running(parts: Parts, app: Target, targets: tuple[Target, ...]) -> list[ContainerView]:
    view = parts.look(only=CONTAINERS, whose=Whose(owner=app.owner, app=app.app))
    mine = view.of_app(app.owner, app.app)
    found: list[ContainerView] = []
    for target in targets or (app,):
        there = [
            each
            for each in mine
            if each.identity is not None
            and target.service in ("", each.identity.service)
            and target.replica in (0, each.identity.replica)
        ]
        if not there:
            raise missing(replace(target, owner=app.owner), view, mine)
        found += [each for each in there if each.state in ("running", "restarting", "paused")]
    if not found:
        names = dict.fromkeys(each.service or app.app for each in targets or (app,))
        raise NapError(
            f"no container of {', '.join(names)} runs, so there is no end to wait for",
            hint=f"nap ps -a {app.app} shows how they ended",
        )
    return list({each.id: each for each in found}.values())
