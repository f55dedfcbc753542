"""What runs in each container."""

from __future__ import annotations

from nap_compose.border import Chosen, Listing, ProcessesRow
from nap_compose.control.looking.choosing import ask_each, look, whereabouts
from nap_compose.control.parts import Parts
from nap_compose.control.reading import warnings_of


def list_processes(parts: Parts, chosen: Chosen) -> Listing:
    """A row for each chosen container that runs, with its processes."""
    view, containers = look(parts, chosen)
    answers, warnings = ask_each(parts, containers, lambda engine, each: engine.processes(each.id))
    rows = tuple(
        ProcessesRow(
            of=whereabouts(container),
            titles=tuple(answers[container.id].get("Titles") or ()),
            processes=tuple(map(tuple, answers[container.id].get("Processes") or ())),
        )
        for container in containers
        if container.id in answers
    )
    return Listing(rows, (*warnings_of(view), *warnings))
