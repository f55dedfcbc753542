"""What a service says of restarts and of a lost host."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.cluster.cluster import Failover, Moosefs, Storage
from nap_compose.health.rules import (
    OnLoss,
    Replace,
    Restart,
    on_loss,
    restart_of,
    shared_volumes,
    watched,
)
from tests.support.views import app

ON = Failover()
SHARED = Storage("local", Moosefs("mfsmaster"), ("nfs", "netshare"))
ALWAYS: dict[str, Any] = {"restart": "always"}


def loss(
    service: dict[str, Any], failover: Failover = ON, storage: Storage = SHARED, **top: Any
) -> OnLoss:
    made = app({"web": service}, **top)
    shared = shared_volumes(made, storage)
    return on_loss(made, made.services["web"], failover, shared)


def policy(**given: Any) -> Restart:
    return restart_of(app({"web": {"deploy": {"restart_policy": given}}}).services["web"])


def volume(source: str, **more: Any) -> dict[str, Any]:
    return {"type": "volume", "source": source, "target": "/data", **more}


def bind(source: str, **more: Any) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": "/data", **more}


@pytest.mark.parametrize(
    ("service", "replace", "why"),
    [
        (ALWAYS, Replace.YES, "it keeps nothing on its host"),
        ({}, Replace.NO, "it has no restart policy"),
        ({"restart": "no"}, Replace.NO, "it has no restart policy"),
        ({**ALWAYS, "volumes": [volume("data")]}, Replace.NO, "its volume data is on its host"),
        (
            {**ALWAYS, "volumes": [volume("pool")]},
            Replace.WITH_PROOF,
            "it writes to volume pool, which hosts share",
        ),
        ({**ALWAYS, "volumes": [volume("pool", read_only=True)]}, Replace.YES, ""),
        (
            {**ALWAYS, "volumes": [volume("nfs")]},
            Replace.WITH_PROOF,
            "it writes to volume nfs, which hosts share",
        ),
        (
            {**ALWAYS, "volumes": [volume("pool"), volume("data")]},
            Replace.NO,
            "its volume data is on its host",
        ),
        ({**ALWAYS, "volumes": [bind("/srv")]}, Replace.NO, "it writes to /srv of its host"),
        ({**ALWAYS, "volumes": [bind("/srv", read_only=True)]}, Replace.YES, ""),
        ({**ALWAYS, "volumes": [{"type": "tmpfs", "target": "/t"}]}, Replace.YES, ""),
        ({**ALWAYS, "volumes": [{"type": "volume", "target": "/t"}]}, Replace.YES, ""),
        ({**ALWAYS, "deploy": {"mode": "global"}}, Replace.NO, "it runs on every host"),
        (
            {"deploy": {"mode": "replicated-job", "restart_policy": {"condition": "any"}}},
            Replace.NO,
            "it runs to its end, once",
        ),
        (
            {**ALWAYS, "x-nap": {"on_host_lost": {"replace": False}}},
            Replace.NO,
            "as its on_host_lost says",
        ),
        ({"x-nap": {"on_host_lost": {"replace": True}}}, Replace.YES, "as its on_host_lost says"),
        (
            {"volumes": [volume("data")], "x-nap": {"on_host_lost": {"replace": True}}},
            Replace.YES,
            "as its on_host_lost says",
        ),
        (
            {"volumes": [volume("pool")], "x-nap": {"on_host_lost": {"replace": True}}},
            Replace.WITH_PROOF,
            "as its on_host_lost says",
        ),
    ],
)
def test_what_a_service_keeps_decides(service: dict[str, Any], replace: Replace, why: str) -> None:
    volumes = {
        "data": {},
        "pool": {"driver": "moosefs"},
        "nfs": {"driver_opts": {"type": "nfs", "o": "addr=10.0.0.9"}},
    }
    found = loss(service, volumes=volumes)
    assert found.replace is replace
    assert why in found.why


@pytest.mark.parametrize(
    ("spec", "replace"),
    [
        ({"driver_opts": {"type": "nfs"}}, Replace.WITH_PROOF),
        ({"driver": "local", "driver_opts": {"type": "nfs"}}, Replace.WITH_PROOF),
        ({"driver": "netshare"}, Replace.WITH_PROOF),
        ({"driver_opts": {"type": "cifs"}}, Replace.NO),
        ({"driver": "nfs-of-this-host"}, Replace.NO),
        ({"driver": "other", "driver_opts": {"type": "nfs"}}, Replace.NO),
        ({}, Replace.NO),
    ],
)
def test_the_cluster_file_says_which_drivers_hosts_share(
    spec: dict[str, Any], replace: Replace
) -> None:
    keeps = {**ALWAYS, "volumes": [volume("data")]}
    assert loss(keeps, volumes={"data": spec}).replace is replace
    assert loss(keeps, storage=Storage(), volumes={"data": spec}).replace is Replace.NO


def test_a_service_waits_for_what_shares_its_host() -> None:
    made = app(
        {
            "db": {**ALWAYS, "volumes": [volume("data")]},
            "proxy": {**ALWAYS, "network_mode": "service:db", "networks": None},
            "web": ALWAYS,
        },
        volumes={"data": {}},
    )
    found = {name: on_loss(made, each, ON).replace for name, each in made.services.items()}
    assert found == {"db": Replace.NO, "proxy": Replace.NO, "web": Replace.YES}


def test_the_service_wins_then_the_app_then_the_cluster() -> None:
    cluster = Failover(after=90.0, on_return="stop")
    assert (loss(ALWAYS, cluster).after, loss(ALWAYS, cluster).on_return) == (90.0, "stop")
    top = {"x-nap": {"on_host_lost": {"after": "30s", "on_return": "remove"}}}
    assert (loss(ALWAYS, cluster, **top).after, loss(ALWAYS, cluster, **top).on_return) == (
        30.0,
        "remove",
    )
    own = {**ALWAYS, "x-nap": {"on_host_lost": {"after": "5s"}}}
    assert (loss(own, cluster, **top).after, loss(own, cluster, **top).on_return) == (5.0, "remove")
    assert loss(ALWAYS, Failover(replace=False)).replace is Replace.NO


def test_restart_policies() -> None:
    assert policy(condition="on-failure", delay="2s", max_attempts=3, window="1m") == Restart(
        "on-failure", 2.0, 3, 60.0, said=True
    )
    assert policy(condition="any") == Restart("any")
    assert policy(condition="none") == Restart("none")
    assert policy(max_attempts=1) == Restart("any", attempts=1), "Swarm's default is any"
    for given, condition in (("always", "any"), ("unless-stopped", "any"), ("no", "none")):
        service = app({"web": {"restart": given}}).services["web"]
        assert restart_of(service) == Restart(condition)
    service = app({"web": {"restart": "on-failure:5"}}).services["web"]
    assert restart_of(service) == Restart("on-failure", attempts=5)


def test_a_job_that_ended_well_is_done() -> None:
    deploy = {"mode": "replicated-job", "restart_policy": {"condition": "any"}}
    assert restart_of(app({"web": {"deploy": deploy}}).services["web"]).condition == "on-failure"


@pytest.mark.parametrize(
    ("service", "is_watched"),
    [
        (ALWAYS, True),
        ({}, False),
        ({**ALWAYS, "volumes": [volume("data")]}, False),
        (
            {
                "deploy": {"restart_policy": {"condition": "any", "delay": "5s"}},
                "volumes": [volume("data")],
            },
            True,
        ),
        ({"x-nap": {"on_host_lost": {"replace": True}}}, False),
    ],
)
def test_what_the_watcher_starts_again(service: dict[str, Any], is_watched: bool) -> None:
    made = app({"web": service}, volumes={"data": {}})
    assert watched(made, made.services["web"], ON) is is_watched
    assert not watched(made, made.services["web"], None), "without failover the engine does"


def test_volumes_on_cluster_storage_by_the_file_and_as_hosts_have_them() -> None:
    storage = Storage(moosefs=Moosefs("mfsmaster", mount="/mnt/mfs"))
    made = app(
        {"web": {}},
        volumes={
            "pool": {"driver": "moosefs"},
            "bound": {"driver": "local", "driver_opts": {"device": "/mnt/mfs/nap/ada/shop/b"}},
            "elsewhere": {"driver": "local", "driver_opts": {"device": "/mnt/mfs/napping/x"}},
            "plain": None,
        },
    )
    assert shared_volumes(made, storage) == {"pool", "bound"}
    everywhere = Storage(default="moosefs", moosefs=storage.moosefs)
    assert shared_volumes(made, everywhere) == {"pool", "bound", "plain"}
    assert shared_volumes(made, Storage()) == frozenset()
