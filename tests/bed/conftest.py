"""Tests on real hosts: nothing here runs where a bed can't."""

import pytest

from bed.fixture import why_not

# Their asserts are to say as much as those of a test module.
pytest.register_assert_rewrite(
    "tests.support.apps", "tests.support.hosts", "tests.support.main_job", "tests.support.nap"
)


@pytest.fixture(scope="session", autouse=True)
def _a_bed_is_possible():
    reason = why_not()
    if reason:
        pytest.skip(reason)
