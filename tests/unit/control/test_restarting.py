"""When the watcher starts a container again, by what it remembers of it."""

from __future__ import annotations

import time
from dataclasses import replace

from nap_compose.clock import utc_now
from nap_compose.control.watching.models import Rules
from nap_compose.control.watching.restarting import Restarting
from nap_compose.health.changes import Known
from nap_compose.health.records import ContainerRecord
from nap_compose.health.rules import OnLoss, Replace, Restart

RULES = Rules(OnLoss(Replace.NO), Restart("any"), watched=True)
WEB = ContainerRecord(
    "ada", "shop", "web", 1, "h1", "c1", "exited", exit_code=3, started=utc_now(), since=utc_now()
)


def known(record: ContainerRecord) -> Known:
    return Known({("ada", "shop", "web", 1): record})


def test_an_end_that_is_seen_before_its_engine_says_that_it_started_waits_as_any_other() -> None:
    restarting = Restarting(lambda _: RULES, lambda _: True, None)
    restarting.find(known(WEB))
    (first,) = restarting.take(lambda _: True)
    restarting.begins(first)
    restarting.find(known(replace(WEB, since="2026-01-01T00:00:00.000Z")))
    early = restarting.soonest()
    time.sleep(0.2)  # so long takes the engine's answer
    answered = time.time()
    restarting.started(first)
    assert restarting.soonest() >= answered + 1.0 > early
    restarting.find(known(replace(WEB, since="2026-01-01T00:00:01.000Z")))
    assert restarting.take(lambda _: True) == []
