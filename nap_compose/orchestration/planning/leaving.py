"""What goes once all is well: what was replaced, scaled down or orphaned. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nap_compose.cluster.view import ContainerView
from nap_compose.orchestration import common
from nap_compose.orchestration.plan import LOOKING, Change, Kind, Line, Step
from nap_compose.orchestration.planning.draft import Draft

CHECK = "check"


def leave(draft: Draft, surplus: Sequence[ContainerView], orphans: Sequence[ContainerView]) -> None:
    """Look at all once more, then remove what was replaced, is too many, or in no file."""
    if not draft.wish.no_start and (draft.ids(Kind.START) or surplus or orphans):
        _check(draft)
    checked = draft.ids(Kind.CHECK) or draft.after(Kind.CREATE, Kind.TAKE_NAME)
    for container in surplus:
        _take_away(draft, container, "scaled down", needs=checked)
    for container in orphans:
        _take_away(draft, container, "not in the file", needs=checked)
    for step in [*draft.steps.values()]:
        if step.kind is Kind.SET_ASIDE:
            needs = tuple(dict.fromkeys((step.id, *checked)))
            draft.add(
                Step(
                    id=f"remove:{step.target[:12]}",
                    kind=Kind.REMOVE,
                    host=step.host,
                    target=step.target,
                    subject=step.subject,
                    needs=needs,
                )
            )


def clear(draft: Draft, kept: Sequence[ContainerView]) -> None:
    """Where all ended well, what failed before and was kept for a look isn't needed any more."""
    if all(step.kind in LOOKING for step in draft.steps.values()):
        return
    checked = draft.ids(Kind.CHECK) or draft.after(Kind.CREATE, Kind.TAKE_NAME)
    for container in kept:
        subject = common.subject_of(container)
        draft.add(common.removal(container, subject, needs=checked, volumes=True))


def free_ports(draft: Draft) -> None:
    """Whoever holds a port on a host stops before its next holder starts there."""
    holders = {
        (container.host, port.port, port.protocol): container.id
        for container in draft.wish.view.containers()
        for port in container.ports
    }
    stops = {
        step.target: step
        for step in draft.steps.values()
        if step.kind in (Kind.STOP, Kind.SET_ASIDE)
    }
    for decision in draft.making:
        for port in draft.wish.service(decision.slot).ports:
            number = port.fixed()
            holder = holders.get((decision.host, number or 0, port.protocol))
            stop = stops.get(holder or "")
            if stop is None:
                continue
            if stop.kind is Kind.STOP:
                draft.add(replace(draft.steps[stop.id], needs=()))
            draft.add_need(f"start:{decision.slot}", stop.id)


def _check(draft: Draft) -> None:
    """Once all is up, look once more: what crashed right after its start shows here."""
    app = draft.wish.app.name
    slots = [str(decision.slot) for decision in draft.decisions]
    needs = draft.ids(Kind.START, Kind.WAIT, Kind.SET_ASIDE)
    draft.add(Step(CHECK, Kind.CHECK, "", app, app, needs, args={"slots": slots}))


def _take_away(draft: Draft, container: ContainerView, why: str, *, needs: tuple[str, ...]) -> None:
    subject = common.subject_of(container)
    draft.summary.append(Line(Change.REMOVE, subject, container.host, why))
    stop = draft.add(
        common.stopping(
            container,
            subject,
            draft.wish.grace,
            needs=needs,
            undo="start" if container.state == "running" else "",
        )
    )
    draft.add(common.removal(container, subject, needs=(stop, *needs)))
