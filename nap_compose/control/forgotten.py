"""What lay in a host's memory and went with its restart: brought again before containers start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from nap_compose.cluster import revisions
from nap_compose.cluster.view import ContainerView
from nap_compose.compose.model import App
from nap_compose.compose.parcels import CONTENT
from nap_compose.control.parts import Parts
from nap_compose.control.stock import Stock
from nap_compose.errors import NapError
from nap_compose.orchestration.shipping import SECRETS, Item, settle
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Secrets:
    """The secrets that each container (by id) has mounted, and who gives their bytes."""

    of: Mapping[str, tuple[Item, ...]]
    stock: Stock | None = None


NONE = Secrets({})


def secrets_of(
    parts: Parts,
    owner: str,
    app: str,
    project: str,
    containers: Iterable[ContainerView],
    warn: Callable[[str], None],
) -> Secrets:
    """The secrets of an app's containers, each as its own revision has them. Nothing is read where
    no container has any; where a revision can't be had, `warn` is told."""
    having = [each for each in containers if each.identity and _mounted(each)]
    if not having:
        return NONE
    found: dict[str, tuple[Item, ...]] = {}
    content: dict[str, Mapping[str, Any]] = {}
    for number in sorted({each.identity.revision for each in having if each.identity}):
        try:
            known = revisions.load(parts.store, parts.keyring.cipher, owner, app, number)
        except NapError as problem:
            warn(f"secrets of {app} aren't brought again where a host lost them: {problem}")
            continue
        settled = settle(known, project, parts.keyring.cipher.mark)
        # Two revisions may have different secrets under one key.
        content |= {f"{number}/{key}": each for key, each in known.content.items()}
        for container in having:
            identity = container.identity
            if identity is not None and identity.revision == number:
                mounted = _mounted(container)
                found[container.id] = tuple(
                    replace(item, key=f"{number}/{item.key}")
                    for item in settled.items.get(identity.service, ())
                    if item.secret and f"{SECRETS}/{project}/{item.name}/{CONTENT}" in mounted
                )
    together = App(app, {}, {}, content=content)
    return Secrets(found, Stock(parts.store, lambda: parts.keyring.cipher, owner, together, None))


def _mounted(container: ContainerView) -> frozenset[str]:
    return frozenset(each for each in container.binds if each.startswith(f"{SECRETS}/"))
