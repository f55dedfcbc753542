"""The main job on engines that are joined in a swarm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bed.fixture import bring_up
from bed.layout import Bed
from tests.support.main_job import PARTS, MainJob
from tests.support.verbs_job import VerbsJob

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("job-swarm", only=PARTS) as bed:
        yield bed


class TestSwarm(MainJob, VerbsJob):
    """Attachable overlay networks."""
