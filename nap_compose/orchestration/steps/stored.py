"""Steps on the cluster storage itself: the folders of volumes, made and taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.errors import NapError
from nap_compose.orchestration.plan import Kind, Step
from nap_compose.orchestration.steps.workshop import Report, Workshop
from nap_compose.units import show_duration

if TYPE_CHECKING:
    from nap_compose.storage.pool import Pool


def ensure_folder(step: Step, shop: Workshop, _report: Report) -> str:
    """Have the folder there, set as the file says."""
    from nap_compose.storage.settings import Settings

    if not _pool(shop).ensure(step.target, Settings.of(step.args)):
        return "set"
    with shop.lock:
        shop.made.add(step.id)
    return "created"


def remove_made_folder(step: Step, shop: Workshop) -> str:
    """Remove a folder that this deployment made, unless something may have written to it."""
    if step.id not in shop.made:
        return ""
    started = any(other.kind is Kind.START and other.id in shop.made for other in shop.plan.steps)
    if started:
        return f"{step.subject} is kept: it may hold data (nap down --volumes removes it)"
    # What an engine filled it with from an image isn't anybody's work.
    _pool(shop).remove(step.target)
    return ""


def remove_folder(step: Step, shop: Workshop, report: Report) -> str:
    """Remove the folder and what is in it; MooseFS's trash keeps its files for a while."""
    report("removing")
    kept = _pool(shop).remove(step.target)
    return f"removed; its files stay in the trash for {show_duration(kept)}" if kept else "removed"


def _pool(shop: Workshop) -> Pool:
    if shop.pool is None:
        raise NapError(
            "this cluster has no cluster storage",
            hint="`storage.moosefs` in the cluster file sets it up",
        )
    return shop.pool
