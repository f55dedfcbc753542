"""The main job on engines that share a Consul as their cluster store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bed.fixture import bring_up
from bed.layout import Bed
from tests.support.main_job import PARTS, MainJob

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("job-consul", network="consul", only=PARTS) as bed:
        yield bed


class TestConsul(MainJob):
    """Overlay networks over the engines' cluster store."""
