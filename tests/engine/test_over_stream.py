"""Some tests of other files once more, over the border's stream: what holds for nap in one process
must hold through the broker. `NAP_TEST_OVER_STREAM=1 make test ARGS=tests/engine` runs all so.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from tests.engine import test_audit as audit
from tests.engine import test_careful as careful
from tests.engine import test_quotas as quotas
from tests.engine import test_revisions as revisions
from tests.engine import test_rolling as rolling
from tests.engine import test_saved_plan as saved_plan
from tests.engine import test_way_back as way_back
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.road import OVER_STREAM, Road

Test = Callable[..., None]

TESTS: tuple[Test, ...] = (
    # Ctrl-C, pressed as a person is told something.
    rolling.test_an_update_that_was_cut_off_before_the_handover_is_finished,
    way_back.test_after_an_interrupted_update_a_bad_one_still_goes_back,
    # What fails, and what is refused, with its sentence and its hint.
    rolling.test_a_bad_successor_never_answers_and_the_old_one_never_stops,
    rolling.test_an_update_can_stop_where_it_failed,
    audit.test_what_fails_and_what_is_refused,
    quotas.test_set_by_command,
    # Plans, models, differences and rows of every kind.
    saved_plan.test_it_does_what_was_planned,
    saved_plan.test_one_that_was_run_is_stale,
    careful.test_what_the_words_name_is_not,
    revisions.test_history_tells_what_each_revision_changed_and_which_runs,
    revisions.test_rollback_goes_past_what_failed,
    audit.test_each_act_with_its_hosts_and_its_end,
)


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(3)
    for name in ("web", "db", "cache"):
        cluster.add_image(f"{name}:1")
    return cluster


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_once_more(
    test: Test, fake: FakeCluster, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OVER_STREAM, "1")
    fixtures = {"fake": fake, "road": road}
    test(**{name: fixtures[name] for name in inspect.signature(test).parameters})
