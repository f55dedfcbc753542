"""What lies beside the Compose file: brought to each host that needs it, once. Pure."""

from __future__ import annotations

from nap_compose.cluster.view import HostView
from nap_compose.orchestration.bodies.making import volume_name
from nap_compose.orchestration.decide import Decision
from nap_compose.orchestration.plan import Change, Kind, Step
from nap_compose.orchestration.planning.draft import Draft, step_id
from nap_compose.orchestration.planning.pooled import is_new
from nap_compose.orchestration.pooling import WHERE
from nap_compose.orchestration.shipping import Item


def bring_files(draft: Draft) -> None:
    """Let each container wait for its content and data; the steps that make it are there.

    A container that is only started gets its content too: a host that was restarted has lost
    what lay in memory.
    """
    _bring_content(draft)
    for decision in draft.making:
        for mount in draft.wish.service(decision.slot).mounts:
            if mount.type == "volume" and mount.source in draft.wish.settled.seeds:
                _fill(draft, decision, mount.source)


def _bring_content(draft: Draft) -> None:
    items: dict[str, set[Item]] = {}
    for decision in draft.decisions:
        needed = draft.wish.settled.items.get(decision.slot.service)
        if not needed or not (decision.makes or decision.change is Change.START):
            continue
        items.setdefault(decision.host, set()).update(needed)
        kind = Kind.CREATE if decision.makes else Kind.START
        draft.add_need(step_id(kind, decision.slot), f"files@{decision.host}")
    for host, all_needed in items.items():
        draft.add(
            Step(
                id=f"files@{host}",
                kind=Kind.SHIP_FILES,
                host=host,
                target=draft.wish.project,
                subject="files",
                needs=draft.after(Kind.BRING_IMAGE),
                undo="clear",
                args={"items": [item.as_args() for item in sorted(all_needed)]},
            )
        )


def _fill(draft: Draft, decision: Decision, key: str) -> None:
    """Fill a volume that is new, or that an interrupted deployment left half filled.

    Never one that a container has run on: what stands in it by then is the app's.
    """
    wish, host = draft.wish, decision.host
    if key in wish.pooled:
        _fill_pooled(draft, decision, key)
        return
    made, step = f"volume:{key}@{host}", f"seed:{key}@{host}"
    name = volume_name(wish.app, wish.project, key)
    if made not in draft.steps and (
        f"{key}@{host}" not in wish.unfilled or _was_used(wish.view.hosts[host], name)
    ):
        return
    draft.add(
        Step(
            id=step,
            kind=Kind.SEED_VOLUME,
            host=host,
            target=name,
            subject=f"volume {key}",
            needs=(made,) if made in draft.steps else draft.after(Kind.BRING_IMAGE),
            args={
                "key": key,
                "content": wish.settled.seeds[key],
                "mark": f"{key}@{host}",
            },
        )
    )
    draft.add_need(step_id(Kind.CREATE, decision.slot), step)


def _fill_pooled(draft: Draft, decision: Decision, key: str) -> None:
    """Fill a cluster volume over the first host that will mount it; all others wait for it."""
    wish, step = draft.wish, f"seed:{key}"
    mark, name = f"{key}@{WHERE}", volume_name(wish.app, wish.project, key)
    if step not in draft.steps:
        used = any(_was_used(host, name) for host in wish.view.hosts.values())
        if not is_new(draft, key) and (mark not in wish.unfilled or used):
            return
        made = f"volume:{key}@{decision.host}"
        draft.add(
            Step(
                id=step,
                kind=Kind.SEED_VOLUME,
                host=decision.host,
                target=name,
                subject=f"volume {key}",
                needs=(made,) if made in draft.steps else draft.after(Kind.BRING_IMAGE),
                args={"key": key, "content": wish.settled.seeds[key], "mark": mark},
            )
        )
    draft.add_need(step_id(Kind.CREATE, decision.slot), step)


def _was_used(host: HostView, volume: str) -> bool:
    return any(
        volume in container.volumes and container.state != "created"
        for container in host.containers
    )
