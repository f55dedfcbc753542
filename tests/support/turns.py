"""Which test files run at once: those of two beds, and beside them what needs no bed, while there
is any; then those of a third bed.

Tests on a bed wait for half of their time, for hosts to die and for swarms to settle. What only
computes fills that time best, and takes none from the engines, which have limits of their own.
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

BEDS_AT_ONCE = 2
_BEDS = "tests/bed/"


class Turns(LoadFileScheduling):  # type: ignore[misc]
    """Gives a worker the next file, but one of a bed only where fewer than two others have one or
    no other file is left."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        scope = self._next_for(node)
        if scope is None:
            node.shutdown()
        else:
            self.workqueue.move_to_end(scope, last=False)
            super()._assign_work_unit(node)

    def _next_for(self, node: WorkerController) -> str | None:
        with_beds = sum(self._has_a_bed(other) for other in self.nodes if other != node)
        may_have = with_beds < BEDS_AT_ONCE
        without = (scope for scope in self.workqueue if may_have or not scope.startswith(_BEDS))
        return next(without, next(iter(self.workqueue), None))

    def _has_a_bed(self, node: WorkerController) -> bool:
        return any(
            scope.startswith(_BEDS) and not all(tests.values())
            for scope, tests in self.assigned_work[node].items()
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Turns | None:
    """The one above in place of xdist's own that goes by files."""
    return Turns(config, log) if config.getvalue("dist") == "loadfile" else None
