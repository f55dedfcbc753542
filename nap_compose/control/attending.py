"""An app in the foreground: what its containers print, and how they end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from nap_compose.border import AttendRequest, Chosen, EventRequest, Hold
from nap_compose.cluster.observe import Whose
from nap_compose.cluster.view import ContainerView
from nap_compose.control.looking.happenings import watch_events
from nap_compose.control.parts import Parts
from nap_compose.control.reading import CONTAINERS, warnings_of
from nap_compose.errors import WrongUse
from nap_compose.logs.attend import Attend


def attend(parts: Parts, request: AttendRequest, hold: Hold, warn: Callable[[str], None]) -> Attend:
    """See `Reading.attend`; its `items` are what is asked for. Raises WrongUse where no app is
    named: it would tell of everybody's."""
    target = request.target
    if not target.app:
        raise WrongUse("it isn't said which app this is about")
    concerned = {*request.shown, *request.awaited}

    def look() -> Sequence[ContainerView]:
        view = parts.look(only=CONTAINERS, whose=Whose(owner=target.owner, app=target.app))
        for warning in warnings_of(view) if not looked else ():
            warn(warning)
        looked.append(True)
        return [
            container
            for container in view.of_app(target.owner, target.app)
            if container.identity is not None
            and not container.identity.oneoff
            and container.identity.service in concerned
        ]

    def among(services: tuple[str, ...]) -> Callable[[ContainerView], bool]:
        chosen = set(services)
        return lambda each: each.identity is not None and each.identity.service in chosen

    looked: list[bool] = []
    services = tuple(sorted(concerned))
    events = EventRequest(Chosen(target, services, stopped=True), since=time.time())
    return Attend(
        parts.engines,
        look(),
        shown=among(request.shown),
        awaited=among(request.awaited),
        refresh=look,
        # What `run` makes of a service has a number too, but its end is no replica's.
        happenings=partial(watch_events, parts, events, oneoffs=False),
        held=lambda: hold.held,
        warn=warn,
    )
