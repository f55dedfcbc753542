"""The models of what is deployed: what each service says of its restarts and of a lost host."""

from __future__ import annotations

from nap_compose.cluster import revisions
from nap_compose.cluster.cluster import Failover
from nap_compose.cluster.state import StoreAway
from nap_compose.cluster.wanted_records import Wanted
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError
from nap_compose.health.rules import (
    OnLoss,
    Replace,
    Restart,
    on_loss,
    restart_of,
    shared_volumes,
    watched,
)
from nap_compose.plaindata import dataclass

KEPT = 2000
"""So many models are kept in memory."""


@dataclass(frozen=True)
class Rules:
    """What holds for one service; `watched` as in `rules.watched`."""

    loss: OnLoss
    restart: Restart
    watched: bool


LEFT_ALONE = Rules(OnLoss(Replace.NO, why="its model isn't known"), Restart(), watched=False)


class Models:
    """Revisions, each opened once: they never change."""

    def __init__(self, parts: Parts, failover: Failover) -> None:
        self._parts = parts
        self._failover = failover
        self._rules: dict[tuple[str, str, int], dict[str, Rules]] = {}

    def rules(self, owner: str, app: str, service: str, wanted: Wanted | None) -> Rules:
        """What holds for a service; LEFT_ALONE where nothing is known of it.

        Raises StoreAway.
        """
        if wanted is None:
            return LEFT_ALONE
        key = (owner, app, wanted.revision)
        if key not in self._rules:
            if len(self._rules) >= KEPT:
                self._rules.clear()
            self._rules[key] = self._read(owner, app, wanted.revision)
        return self._rules[key].get(service, LEFT_ALONE)

    def _read(self, owner: str, app: str, revision: int) -> dict[str, Rules]:
        try:
            model = revisions.load(
                self._parts.store, self._parts.keyring.cipher, owner, app, revision
            )
        except StoreAway:
            raise
        except NapError:
            return {}
        shared = shared_volumes(model, self._parts.cluster.storage)
        return {
            name: Rules(
                on_loss(model, service, self._failover, shared),
                restart_of(service),
                watched(model, service, self._failover, shared),
            )
            for name, service in model.services.items()
        }
