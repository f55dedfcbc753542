"""Cluster volumes: their folders in the storage, and whose container is made first. Pure."""

from __future__ import annotations

from nap_compose.orchestration.decide import Decision, Wish
from nap_compose.orchestration.placement.volumes import mounted
from nap_compose.orchestration.plan import Change, Kind, Line, Step
from nap_compose.orchestration.planning.draft import Draft, step_id
from nap_compose.orchestration.pooling import WHERE


def ensure_folders(draft: Draft) -> None:
    """Make the folders that new containers need, and set what the file now says of those that are
    there; a folder comes before the hosts' volumes that are bound to it."""
    wish = draft.wish
    needed = _keys(wish, draft.making)
    for key in _keys(wish, draft.decisions):
        volume, there = wish.pooled[key], wish.stored.there.get(key)
        external = wish.app.volumes[key].get("external")
        if external or (there is None and key not in needed):
            continue
        if there is not None and not volume.differs(there):
            continue
        change = Change.SET if there else Change.CREATE
        draft.summary.append(Line(change, f"volume {key}", WHERE, str(volume)))
        draft.add(
            Step(
                id=f"folder:{key}",
                kind=Kind.ENSURE_FOLDER,
                host="",
                target=volume.folder,
                subject=f"volume {key}",
                needs=draft.after(Kind.BRING_IMAGE),
                undo="" if there else "remove",
                args={**volume.as_args(), "new": there is None},
            )
        )


def first_alone(draft: Draft) -> None:
    """Make the first container with a new cluster volume before the others: its engine fills the
    volume from the image, and two at once would fill it half each."""
    for key in draft.wish.pooled:
        if not is_new(draft, key):
            continue
        makers = [
            step_id(Kind.CREATE, decision.slot)
            for decision in draft.making
            if key in mounted(draft.wish.app, draft.wish.service(decision.slot))
        ]
        for other in makers[1:]:
            draft.add_need(other, makers[0])


def is_new(draft: Draft, key: str) -> bool:
    """Whether the plan makes the folder of a cluster volume."""
    folder = draft.steps.get(f"folder:{key}")
    return folder is not None and bool(folder.args["new"])


def _keys(wish: Wish, decisions: list[Decision]) -> list[str]:
    """The cluster volumes that these slots mount, each once."""
    used = (
        key
        for decision in decisions
        for key in mounted(wish.app, wish.service(decision.slot))
        if key in wish.pooled
    )
    return list(dict.fromkeys(used))
