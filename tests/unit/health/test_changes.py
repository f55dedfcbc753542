"""What a look changes of the records."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nap_compose.cluster.view import ContainerView, View
from nap_compose.health.ages import at_most
from nap_compose.health.changes import Changes, Known, compare, compare_hosts, slot_key, together
from nap_compose.health.details import Detail, detail, is_known, moment
from nap_compose.health.hosts import hosts_of
from nap_compose.health.records import ContainerRecord, HostHealth, HostRecord
from tests.support.views import container, host, view

AT = "2026-01-01T12:00:00.000Z"
LATER = "2026-01-01T12:05:00.000Z"
NOW = view().taken_at
WEB = ("", "shop", "web", 1)


def look(*hosts: Any, unseen: tuple[str, ...] = ()) -> View:
    return view(*hosts, unseen=unseen)


def after(known: Known, seen: View, at: str = AT, **details: Detail) -> tuple[Known, Changes]:
    changes = compare(known, seen, details, at)
    return known.after(changes), changes


def first(*hosts: Any) -> Known:
    return after(Known(), look(*hosts))[0]


def texts(changes: Changes) -> list[str]:
    return [each.text for each in changes.happenings]


def test_the_same_look_again_changes_nothing() -> None:
    seen = look(host("h1", [container("web.1", "h1")]), host("h2", [container("web.2", "h2")]))
    known, changes = after(Known(), seen)
    assert texts(changes) == ["web.1 is on h1: running", "web.2 is on h2: running"]
    assert after(known, seen, LATER)[1] == Changes()


def test_a_record_reads_back_as_it_was_written() -> None:
    known = first(host("h1", [container("web.1", "h1"), container("web.1", "h1", fence=2)]))
    record = known.containers[WEB]
    assert len(record.others) == 1
    assert ContainerRecord.of(*WEB, record.as_json()) == record
    away = HostRecord("h1", HostHealth.LOST, "gone", AT, disk=3)
    assert HostRecord.of("h1", away.as_json()) == away


def test_what_a_newer_nap_wrote_is_passed_over() -> None:
    value = {**first(host("h1", [container("web.1", "h1")])).containers[WEB].as_json(), "new": 1}
    assert ContainerRecord.of(*WEB, value).host == "h1"


def test_an_end_has_its_code_and_its_time() -> None:
    known = first(host("h1", [container("web.1", "h1")]))
    ended = replace(container("web.1", "h1", state="exited"), exit_code=3)
    finished = Detail(finished="2026-01-01T12:04:00.000Z", exit_code=3)
    changes = compare(known, look(host("h1", [ended])), {ended.id: finished}, LATER)
    record = changes.containers[WEB]
    assert record is not None
    assert (record.exit_code, record.since) == (3, finished.finished)
    assert texts(changes) == ["web.1 on h1: running → exited (3)"]


def test_a_start_between_the_list_and_the_inspection_is_told_once() -> None:
    """The list has it ended still; when it is inspected it runs."""
    ended = replace(container("web.1", "h1", state="exited"), exit_code=3)
    end = Detail(started="2026-01-01T12:00:00.000Z", finished="2026-01-01T12:04:00.000Z")
    known, _ = after(Known(), look(host("h1", [ended])), **{ended.id: end})
    begun = replace(end, started="2026-01-01T12:04:01.000Z")
    known, changes = after(known, look(host("h1", [ended])), LATER, **{ended.id: begun})
    assert texts(changes) == []
    runs = container("web.1", "h1")
    assert runs.id == ended.id
    _, changes = after(known, look(host("h1", [runs])), LATER, **{ended.id: begun})
    assert texts(changes) == ["web.1 on h1: exited (3) → running"]


def test_ill_health_tells_what_the_check_printed() -> None:
    known = first(host("h1", [container("web.1", "h1", health="healthy")]))
    ill = container("web.1", "h1", health="unhealthy")
    changes = compare(known, look(host("h1", [ill])), {ill.id: Detail(probe="no answer")}, LATER)
    assert texts(changes) == ["web.1 on h1: running, healthy → running, unhealthy: no answer"]
    assert changes.containers[WEB].since == LATER  # type: ignore[union-attr]


def test_the_higher_fence_is_the_right_one_wherever_it_is() -> None:
    known = first(host("h1", [container("web.1", "h1", fence=4)]), host("h2"))
    both = look(
        host("h1", [container("web.1", "h1", fence=4)]),
        host("h2", [container("web.1", "h2", fence=7)]),
    )
    known, changes = after(known, both, LATER)
    record = known.containers[WEB]
    assert (record.host, record.fence, [copy.host for copy in record.others]) == ("h2", 7, ["h1"])
    assert texts(changes) == ["web.1 is on h2 now, and was on h1: running"]


def test_a_returned_host_brings_a_stale_copy_and_not_the_right_one() -> None:
    known = first(host("h2", [container("web.1", "h2", fence=7)]))
    back = look(
        host("h1", [container("web.1", "h1", fence=4, state="exited")]),
        host("h2", [container("web.1", "h2", fence=7)]),
    )
    known, changes = after(known, back, LATER)
    assert known.containers[WEB].host == "h2"
    assert texts(changes) == ["h1 has an older container of web.1: exited"]


def test_what_is_on_a_host_that_was_not_seen_stays() -> None:
    known = first(host("h1", [container("web.1", "h1")]), host("h2", [container("web.2", "h2")]))
    seen = look(host("h1"), unseen=("h2",))
    known, changes = after(known, seen, LATER)
    assert sorted(known.containers) == [("", "shop", "web", 2)]
    assert texts(changes) == ["web.1 is gone from h1"]


def test_a_glance_at_one_host_leaves_the_others_alone() -> None:
    known = first(host("h1", [container("web.1", "h1")]), host("h2", [container("web.2", "h2")]))
    assert after(known, look(host("h1", [container("web.1", "h1")])), LATER)[1].empty


def test_the_copy_on_a_host_that_is_away_is_remembered_beside_its_successor() -> None:
    known = first(host("h1", [container("web.1", "h1", fence=4)]), host("h2"))
    seen = look(host("h2", [container("web.1", "h2", fence=9)]), unseen=("h1",))
    known, _ = after(known, seen, LATER)
    assert [copy.host for copy in known.containers[WEB].others] == ["h1"]
    known, _ = after(known, look(host("h1"), host("h2", [container("web.1", "h2", fence=9)])))
    assert known.containers[WEB].others == ()


def test_hosts_are_told_when_their_state_changes_alone() -> None:
    seen = look(host("h1"), unseen=("h2",))
    changes = compare_hosts(Known(), hosts_of(seen, {}), AT)
    known = Known().after(changes)
    assert {name: each.state for name, each in known.hosts.items()} == {
        "h1": HostHealth.UP,
        "h2": HostHealth.SILENT,
    }
    assert texts(changes) == []
    assert compare_hosts(known, hosts_of(seen, known.hosts), LATER).empty
    changes = compare_hosts(known, hosts_of(look(host("h1"), host("h2")), known.hosts), LATER)
    assert texts(changes) == ["h2: silent → up"]
    assert changes.hosts["h2"].since == LATER


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["web.1", "web.2"]),
            st.sampled_from(["h1", "h2", "h3"]),
            st.integers(1, 5),
            st.sampled_from(["running", "exited"]),
        ),
        max_size=6,
    ),
    st.sets(st.sampled_from(["h1", "h2", "h3"])),
)
def test_whatever_is_there_the_record_is_the_highest_fence_that_can_be_known(
    there: list[tuple[str, str, int, str]], away: set[str]
) -> None:
    """Seen whole, then with some hosts away: nothing that is away is forgotten."""
    containers = {
        (slot, on, fence): container(slot, on, fence=fence, state=state)
        for slot, on, fence, state in there
    }

    def hosts(but: set[str]) -> list[Any]:
        return [
            host(name, [each for (_, on, _), each in containers.items() if on == name])
            for name in ("h1", "h2", "h3")
            if name not in but
        ]

    known, _ = after(Known(), look(*hosts(set())))
    for key, record in known.containers.items():
        fences = [fence for slot, _, fence in containers if slot == f"web.{key[3]}"]
        assert record.fence == max(fences)
        assert len(record.others) == len(fences) - 1
    again, changes = after(known, look(*hosts(away), unseen=tuple(away)), LATER)
    assert changes.empty and again == known


def test_changes_add_up() -> None:
    seen = look(host("h1", [container("web.1", "h1")]))
    both = together(
        (compare_hosts(Known(), hosts_of(seen, {}), AT), compare(Known(), seen, {}, AT))
    )
    assert (list(both.hosts), list(both.containers)) == (["h1"], [WEB])


@pytest.mark.parametrize(
    ("status", "most"),
    [
        ("Up Less than a second", 1),
        ("Up 1 second", 2),
        ("Up 59 seconds (health: starting)", 60),
        ("Up About a minute (healthy)", 120),
        ("Up 3 minutes (Paused)", 240),
        ("Up About an hour", 7200),
        ("Up 47 hours", 48 * 3600),
        ("Exited (137) 5 days ago", 6 * 86400),
        ("Restarting (1) 8 seconds ago", 9),
        ("Up 2 weeks", 21 * 86400),
        ("Created", None),
        ("Dead", None),
        ("", None),
    ],
)
def test_ages(status: str, most: float | None) -> None:
    assert at_most(status) == most


def known_as(
    status: str, started: str = "2026-01-01T00:00:00.000Z", skew: float = 0.0, **other: Any
) -> bool:
    """Ten minutes after the year began, of a container that began with it."""
    there = replace(container("web.1", "h1"), status=status)
    record = first(host("h1", [there])).containers[WEB]
    now = NOW.replace(minute=10)
    return is_known(there, replace(record, started=started, **other), now, skew)


def test_what_must_be_inspected() -> None:
    assert known_as("Up 10 minutes")
    assert not known_as("Up 3 seconds"), "it was started again"
    assert known_as("Up 3 seconds", "2026-01-01T00:09:57.000Z")
    assert not known_as("Up 10 minutes", ""), "it couldn't be inspected the last time"
    assert not known_as("Up 10 minutes", health="healthy")
    assert not known_as("Up 10 minutes", container="another")
    assert not known_as("Up 10 minutes", host="h2")
    assert known_as("Up 9 minutes", skew=-60.0), "its clock is a minute behind"
    assert not is_known(container("web.1", "h1"), None, NOW, 0.0)


def test_an_inspected_container() -> None:
    running = {
        "State": {
            "Running": True,
            "StartedAt": "2026-01-01T10:00:00.123456789Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
            "ExitCode": 0,
            "Health": {"Log": [{"Output": "first"}, {"Output": " " + "x" * 600 + "end\n"}]},
        },
        "RestartCount": 4,
        "HostConfig": {"RestartPolicy": {"Name": "always"}},
    }
    found = detail(running)
    assert (found.started, found.finished) == ("2026-01-01T10:00:00.123Z", "")
    assert (found.exit_code, found.restarts, found.policy) == (None, 4, "always")
    assert len(found.probe) == 512 and found.probe.endswith("xend")
    ended = detail({"State": {"Running": False, "ExitCode": 3}})
    assert (ended.exit_code, ended.probe, ended.policy) == (3, "", "no")


def test_moments_of_engines() -> None:
    assert moment("2026-01-01T12:00:00+02:00") == "2026-01-01T10:00:00.000Z"
    assert moment("2026-01-01T12:00:00.1Z") == "2026-01-01T12:00:00.100Z"
    assert moment("yesterday") == ""


def test_one_offs_and_foreign_containers_have_no_slot() -> None:
    here = container("web.1", "h1")
    assert here.identity is not None
    assert slot_key(here) == WEB
    assert slot_key(replace(here, identity=replace(here.identity, oneoff=True))) is None
    assert slot_key(replace(here, identity=None)) is None
    assert isinstance(here, ContainerView)
