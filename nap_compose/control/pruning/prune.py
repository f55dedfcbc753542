"""The road of `prune`: what no app needs any more goes, kind by kind and host by host.

Volumes are never touched.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from nap_compose.border import Listing, PrunedRow, PruneRequest
from nap_compose.cluster.cluster import LEAST_KEPT
from nap_compose.cluster.engine import EngineAway, EngineError, NotFound
from nap_compose.cluster.observe import Part
from nap_compose.cluster.view import HostView
from nap_compose.control.parts import Parts, seen_at_all
from nap_compose.control.pruning.files import prune_files
from nap_compose.control.pruning.history import prune_history
from nap_compose.control.pruning.images import Images
from nap_compose.control.reading import warnings_of
from nap_compose.db.records import RecordsAway
from nap_compose.errors import WrongUse
from nap_compose.text import plain

ENDED = ("exited", "dead", "created")


def prune(parts: Parts, request: PruneRequest) -> Listing:
    """Remove it, or tell what would go; see `border.Imaging.prune`."""
    settings, dry_run = parts.cluster.prune, request.dry_run
    keep = settings.keep if request.keep is None else request.keep
    older_than = settings.older_than if request.older_than is None else request.older_than
    history = settings.history if request.history is None else request.history
    if keep < LEAST_KEPT:
        raise WrongUse(
            f"an app's last {LEAST_KEPT} revisions keep their images: --keep {LEAST_KEPT} or more"
        )
    view = seen_at_all(parts.look(only=frozenset({Part.CONTAINERS, Part.IMAGES})))
    before = time.time() - older_than
    images = Images.of(parts, view, keep)

    def on(host: HostView) -> list[PrunedRow]:
        containers = _containers(parts, host, before, dry_run=dry_run)
        return [*containers, *images.prune(host, before, dry_run=dry_run)]

    rows: list[PrunedRow] = []
    with ThreadPoolExecutor(max(1, len(view.hosts)), thread_name_prefix="prune") as pool:
        for found in pool.map(on, view.hosts.values()):
            rows += found
    warnings = list(warnings_of(view))
    try:
        # Before the history goes, which alone tells what files there were.
        rows += prune_files(parts, view, keep=keep, older_than=older_than, dry_run=dry_run)
        rows += prune_history(parts, history, dry_run=dry_run)
    except RecordsAway as away:
        warnings.append(f"shipped files and the history stay as they are: {away}")
    return Listing(tuple(rows), tuple(warnings))


def _containers(
    parts: Parts, host: HostView, before: float, *, dry_run: bool
) -> Iterator[PrunedRow]:
    """Containers of `nap run` that nobody removed when they had ended, and failed ones that are
    kept for a look."""
    for each in host.containers:
        identity = each.identity
        run = identity is not None and identity.oneoff and identity.by_nap
        if not (run or each.kept):
            continue
        if each.state not in ENDED or each.created > before:
            continue
        row = PrunedRow("container", each.name, host.name)
        if not dry_run:
            try:
                parts.engines.on(host.name).remove_container(each.id, volumes=True)
            except NotFound:
                pass
            except (EngineError, EngineAway) as error:
                row = replace(row, problem=plain(error.message))
        yield row
