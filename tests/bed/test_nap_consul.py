"""The main job and the verbs on engines that share a Consul as their cluster store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bed import gossip
from bed.fixture import bring_up
from bed.layout import Bed
from tests.support.main_job import PARTS, MainJob
from tests.support.verbs_job import VerbsJob

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("job-consul", network="consul", only=PARTS) as bed:
        yield bed


class TestConsul(MainJob, VerbsJob):
    """Overlay networks over the engines' cluster store."""

    @pytest.fixture(autouse=True)
    def _fresh_engines(self, bed: Bed) -> None:
        """An engine of that age is no longer to be relied on once it has let a network go."""
        gossip.freshen(bed)
