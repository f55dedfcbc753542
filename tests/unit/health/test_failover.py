"""What is decided about hosts that don't answer, case by case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nap_compose.health.changes import SlotKey
from nap_compose.health.failover import (
    Clear,
    Decision,
    Fence,
    HostSight,
    MakeElsewhere,
    SlotSight,
    Word,
    World,
    decide,
)
from nap_compose.health.records import ContainerRecord, Copy, HostHealth
from nap_compose.health.rules import OnLoss, Replace

GONE = {"answers": False, "silent": 61.0, "consul": Word.FAILED, "why": "no answer"}
KEY: SlotKey = ("ada", "shop", "web", 1)
DB: SlotKey = ("ada", "shop", "db", 1)


def hosts(**changed: Any) -> dict[str, HostSight]:
    """Five hosts, of which h2 is as told."""
    named = {name: HostSight(name) for name in ("h1", "h2", "h3", "h4", "h5")}
    return {**named, "h2": HostSight("h2", **changed)}


def slot(
    key: SlotKey = KEY,
    host: str = "h2",
    replace: Replace = Replace.YES,
    *,
    others: tuple[Copy, ...] = (),
    state: str = "running",
    wanted: bool = True,
    guarded: bool = True,
    **loss: Any,
) -> SlotSight:
    record = ContainerRecord(*key, host, "c1", state, fence=5, others=others)
    why = "it writes to volume data, which hosts share"
    return SlotSight(record, OnLoss(replace, why=why, **loss), wanted, guarded)


def what(changed: dict[str, Any] = GONE, *slots: SlotSight, **more: Any) -> Decision:
    found = slots or (slot(),)
    keyed = {(*each.app, each.record.service, each.record.replica): each for each in found}
    return decide(World(hosts(**changed), keyed, **more))


MOVED = (MakeElsewhere(("ada", "shop"), (KEY,), ("h2",)),)


def test_what_runs_on_a_lost_host_is_made_elsewhere() -> None:
    found = what()
    assert found.acts == MOVED
    assert found.hosts["h2"] == (HostHealth.LOST, "no answer; Consul says that the host failed")
    assert {state for name, (state, _) in found.hosts.items() if name != "h2"} == {HostHealth.UP}


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"silent": 59.0}, HostHealth.SILENT),
        ({"consul": Word.ALIVE}, HostHealth.ENGINE_DOWN),
        ({"consul": Word.ABSENT}, HostHealth.LEFT),
        ({"consul": Word.UNKNOWN}, HostHealth.SILENT),
        ({"refuses": True}, HostHealth.REFUSED),
        ({"answers": True}, HostHealth.UP),
    ],
)
def test_nothing_is_done_about_hosts_that_are_not_lost(
    changed: dict[str, Any], state: HostHealth
) -> None:
    found = what({**GONE, **changed})
    assert (found.acts, found.hosts["h2"][0]) == ((), state)


def test_proof_is_enough_whatever_consul_says() -> None:
    for word in (Word.ALIVE, Word.ABSENT, Word.FAILED):
        found = what({**GONE, "silent": 1.0, "consul": word, "proved": True})
        assert (found.acts, found.hosts["h2"][0]) == (MOVED, HostHealth.LOST)


def test_nothing_is_done_while_consul_does_not_answer() -> None:
    world = {name: replace(each, consul=Word.UNKNOWN) for name, each in hosts(**GONE).items()}
    proved = {**world, "h2": replace(world["h2"], proved=True)}
    found = decide(World(proved, {KEY: slot()}))
    assert found.acts == ()
    assert "Consul doesn't answer" in found.waits["ada/shop/web.1"]
    stale = slot(host="h1", others=(Copy("h3", "old", "running", 4),))
    assert decide(World(world, {KEY: stale})).acts == ()


def test_without_a_quorum_nothing_on_an_overlay_is_touched() -> None:
    found = what(GONE, slot(), quorum=False)
    assert found.acts == ()
    assert "no quorum" in found.waits["ada/shop/web.1"]


@pytest.mark.parametrize(("lost", "blind"), [(1, False), (2, False), (3, True), (5, True)])
def test_when_most_hosts_seem_lost_it_is_nap_that_is_cut_off(lost: int, blind: bool) -> None:
    names = [f"h{n}" for n in range(1, 6)]
    world = {n: HostSight(n, **(GONE if i < lost else {})) for i, n in enumerate(names)}
    found = decide(World(world, {KEY: slot(host="h1")}))
    assert bool(found.blind) is blind
    assert bool(found.acts) is not blind
    if blind:
        assert found.waits["cluster"].startswith(f"{lost} of 5 hosts don't answer")


def test_of_two_hosts_one_may_be_lost() -> None:
    world = {"h1": HostSight("h1"), "h2": HostSight("h2", **GONE)}
    assert decide(World(world, {KEY: slot()})).acts == MOVED


def test_hosts_that_are_proved_to_be_gone_are_no_sign_of_blindness() -> None:
    world = {n: HostSight(n, **GONE, proved=n != "h4") for n in ("h1", "h2", "h3", "h4")}
    world |= {n: HostSight(n) for n in ("h5", "h6")}
    assert decide(World(world, {KEY: slot()})).acts == MOVED


def test_a_service_has_its_own_patience() -> None:
    assert what({**GONE, "silent": 20.0}, slot(after=15.0)).acts == MOVED
    assert what({**GONE, "silent": 20.0}, slot(after=15.0)).hosts["h2"][0] is HostHealth.SILENT
    assert what(GONE, slot(after=90.0)).acts == ()


@pytest.mark.parametrize(
    "kept",
    [
        {"replace": Replace.NO},
        {"wanted": False},
        {"state": "exited"},
        {"state": "paused"},
        {"state": "created"},
    ],
)
def test_what_waits_or_was_not_running_stays(kept: dict[str, Any]) -> None:
    assert what(GONE, slot(**kept)).acts == ()


def test_what_shares_a_volume_moves_with_proof_alone() -> None:
    shared = slot(replace=Replace.WITH_PROOF)
    found = what(GONE, shared)
    assert found.acts == ()
    assert found.waits["ada/shop/web.1"] == (
        "it writes to volume data, which hosts share; h2 must be proved to be off first: "
        "nap host confirm-lost h2"
    )
    assert what({**GONE, "fence": True}, shared).acts == (Fence("h2"),)
    assert what({**GONE, "fence": True, "proved": True}, shared).acts == MOVED
    assert what({**GONE, "fence": True}).acts == MOVED, "nobody is fenced for what shares nothing"


def test_what_its_engine_would_start_beside_its_successor_does_not_move() -> None:
    proved = {**GONE, "proved": True}
    assert what(proved, slot(replace=Replace.WITH_PROOF, guarded=False)).acts == ()


def test_those_that_can_go_do_not_wait_for_those_that_cannot() -> None:
    found = what(GONE, slot(), slot(DB, replace=Replace.WITH_PROOF))
    assert found.acts == MOVED
    assert list(found.waits) == ["ada/shop/db.1"]


def test_apps_go_in_batches_and_not_while_they_are_busy() -> None:
    slots = [slot(("ada", f"app{n}", "web", 1)) for n in range(6)]
    moved = [
        act.app[1] for act in what(GONE, *slots, room=4).acts if isinstance(act, MakeElsewhere)
    ]
    assert moved == ["app0", "app1", "app2", "app3"]
    busy = frozenset({("ada", "app0"), ("ada", "app1")})
    moved = [
        act.app[1]
        for act in what(GONE, *slots, room=2, busy=busy).acts
        if isinstance(act, MakeElsewhere)
    ]
    assert moved == ["app2", "app3"]
    assert what(GONE, *slots, room=-1).acts == ()


def test_one_that_was_made_elsewhere_and_never_started_is_finished() -> None:
    cut_off = slot(host="h3", state="created", others=(Copy("h2", "old", "running", 4),))
    assert what(GONE, cut_off).acts == MOVED
    back = (MakeElsewhere(("ada", "shop"), (KEY,), ()),)
    assert what({}, cut_off).acts == back, "also when the old host is there again"
    assert what(GONE, slot(host="h3", state="created")).acts == (), "that is nap create's"


STALE = Copy("h2", "old", "running", 4)


def test_a_stale_container_goes_once_its_successor_serves() -> None:
    assert what({}, slot(host="h3", others=(STALE,))).acts == (Clear(KEY, STALE, "remove"),)
    assert what(GONE, slot(host="h3", others=(STALE,))).acts == (), "its host isn't back"
    for state in ("exited", "restarting"):
        assert what({}, slot(host="h3", state=state, others=(STALE,))).acts == ()


def test_a_stale_container_stays_where_it_may() -> None:
    kept = slot(host="h3", others=(STALE,), on_return="stop")
    assert what({}, kept).acts == (Clear(KEY, STALE, "stop"),)
    stopped = slot(host="h3", others=(replace(STALE, state="exited"),), on_return="stop")
    assert what({}, stopped).acts == ()


def test_a_stale_container_of_an_app_that_is_busy_waits() -> None:
    found = what({}, slot(host="h3", others=(STALE,)), busy=frozenset({("ada", "shop")}))
    assert found.acts == ()


def test_copies_on_the_same_host_are_a_deployments_own() -> None:
    same = slot(host="h3", others=(Copy("h3", "old", "exited", 4),))
    assert what({}, same).acts == ()
