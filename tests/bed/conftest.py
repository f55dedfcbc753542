"""Tests on real hosts: nothing here runs where a bed can't.

A module brings up a bed of its own as the fixture `bed`; what its tests share is made of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bed.fixture import why_not
from bed.layout import Bed

# Their asserts are to say as much as those of a test module.
pytest.register_assert_rewrite(
    "tests.support.apps",
    "tests.support.collecting",
    "tests.support.hosts",
    "tests.support.main_job",
    "tests.support.nap",
    "tests.support.people",
    "tests.support.settling",
    "tests.support.verbs_job",
    "tests.support.watching",
)

from tests.support.apps import Apps  # noqa: E402 - after the registration
from tests.support.nap import Nap  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _a_bed_is_possible() -> None:
    reason = why_not()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def nap(bed: Bed, tmp_path: Path) -> Nap:
    """nap of somebody with a new home, on the bed's cluster."""
    return Nap(tmp_path, bed.cluster_file)


@pytest.fixture
def apps(nap: Nap, bed: Bed, tmp_path: Path) -> Iterator[Apps]:
    """Files of apps in that home; the apps go with the test."""
    apps = Apps(nap, bed, tmp_path)
    yield apps
    apps.gone()
