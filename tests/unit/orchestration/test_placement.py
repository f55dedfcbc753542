"""Placement: filters with their reasons, spread, and what stays where it is."""

from __future__ import annotations

import pytest

from nap_compose.cluster.demand import Claim, Demand, PortClaim
from nap_compose.cluster.holding import ALL, Holding
from nap_compose.cluster.view import HostState, VolumeView
from nap_compose.compose.model import App
from nap_compose.errors import BadFile
from nap_compose.exits import Exit
from nap_compose.orchestration.placement.asks import holding_of
from nap_compose.orchestration.placement.place import place
from nap_compose.orchestration.placement.result import NoRoom
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.orchestration.wanted import Slot, select
from tests.support.views import app, container, foreign, host, view

BOB = Claim("d", "bob/web", Demand((PortClaim("tcp", "", 80),)), "")
"""What another deployment holds."""


def placed(of: App, situation: Situation) -> dict[str, str]:
    placement = place(of, select(of, ()), situation)
    return {str(slot): choice.host for slot, choice in placement.choices.items()}


def seen(*hosts: object, **more: object) -> Situation:
    return Situation(view(*hosts), "", "shop", **more)  # type: ignore[arg-type]


def published(port: str, **more: object) -> dict[str, object]:
    return {"ports": [{"target": 80, "published": port, "protocol": "tcp"}], **more}


def test_replicas_of_a_service_spread_over_the_hosts() -> None:
    shop = app({"web": {"deploy": {"replicas": 3}}})
    assert placed(shop, seen(host("h1"), host("h2"), host("h3"))) == {
        "web.1": "h1",
        "web.2": "h2",
        "web.3": "h3",
    }


def test_services_of_an_app_spread_too() -> None:
    shop = app({"db": {}, "web": published("80", depends_on={"db": {}})})
    hosts = placed(shop, seen(host("h1"), host("h2")))
    assert hosts["db.1"] != hosts["web.1"]


def test_a_busy_host_comes_last() -> None:
    busy = host("h1", [foreign("a", "h1", 1), foreign("b", "h1", 2)])
    assert placed(app({"web": {}}), seen(busy, host("h2"))) == {"web.1": "h2"}


def test_a_port_that_somebody_holds_rules_the_host_out() -> None:
    taken = host("h1", [foreign("nginx", "h1", 80)])
    assert placed(app({"web": published("80")}), seen(taken, host("h2"))) == {"web.1": "h2"}


def test_no_room_names_each_host_with_its_reason() -> None:
    taken = [host(f"h{n}", [foreign(f"nginx{n}", f"h{n}", 80)]) for n in (1, 2)]
    with pytest.raises(NoRoom) as error:
        placed(app({"web": published("80")}), seen(*taken))
    assert error.value.exit_code is Exit.NO_ROOM
    assert error.value.table == {
        "h1": "port 80 held by nginx1",
        "h2": "port 80 held by nginx2",
    }


def test_more_replicas_than_hosts_with_the_port() -> None:
    shop = app({"web": published("80", deploy={"replicas": 3})})
    with pytest.raises(NoRoom, match=r"web\.3"):
        placed(shop, seen(host("h1"), host("h2")))


def test_of_very_many_without_room_a_few_are_named_and_the_rest_counted() -> None:
    shop = app({"web": published("80", deploy={"replicas": 3000})})
    with pytest.raises(NoRoom) as error:
        placed(shop, seen(host("h1"), host("h2")))
    first, *rest = str(error.value).splitlines()
    named = ", ".join(f"web.{number}" for number in range(3, 13))
    assert first == f"no host has room for {named} and 2988 more"
    assert rest == ["  h1  port 80 held by web.1", "  h2  port 80 held by web.2"]


def test_the_rest_is_counted_also_where_reasons_differ() -> None:
    many = {"deploy": {"replicas": 8}}
    shop = app({"web": published("80", **many), "api": published("81", **many)})
    with pytest.raises(NoRoom) as error:
        placed(shop, seen(host("h1")))
    assert str(error.value).splitlines() == [
        "no host has room for web.2, web.3, web.4, web.5, web.6, web.7, web.8",
        "  h1  port 80 held by web.1",
        "no host has room for api.2, api.3, api.4",
        "  h1  port 81 held by api.1",
        "nor for 4 more",
    ]


def test_a_port_range_fits_several_on_one_host() -> None:
    shop = app({"web": published("80-81", deploy={"replicas": 3})})
    hosts = placed(shop, seen(host("h1"), host("h2")))
    assert sorted(hosts.values()) == ["h1", "h1", "h2"]


def test_what_is_reserved_gives_a_host_no_more_than_it_has() -> None:
    def held(**reserved: object) -> Holding:
        spec = {"deploy": {"resources": {"reservations": reserved}}}
        return holding_of(app({"web": spec}).services["web"])

    assert held(cpus="-5") == Holding()
    counted = {"discrete_resource_spec": {"kind": "gpu", "value": -3}}
    assert held(generic_resources=[counted]) == Holding()
    below = {"capabilities": ["gpu"], "count": -2}
    assert held(devices=[below]).devices == {"gpu": ALL}, "as engines take it"


def test_claims_of_others_count_as_held() -> None:
    situation = seen(host("h1"), host("h2"), claims={"h1": (BOB,)})
    assert placed(app({"web": published("80")}), situation) == {"web.1": "h2"}


def test_a_replica_stays_where_it_is() -> None:
    there = container("web.1", "h2")
    situation = seen(host("h1"), host("h2", [there, foreign("x", "h2", 9)]), making_way={there.id})
    assert placed(app({"web": {}}), situation) == {"web.1": "h2"}


def test_its_own_port_is_no_obstacle_but_another_services_is() -> None:
    mine = container("web.1", "h1", ports=[80])
    shop = app({"web": published("80")})
    assert placed(shop, seen(host("h1", [mine]), making_way={mine.id})) == {"web.1": "h1"}
    with pytest.raises(NoRoom, match=r"held by shop/web\.1"):
        placed(app({"new": published("80")}), seen(host("h1", [mine])))


@pytest.mark.parametrize("state", [HostState.CORDONED, HostState.DRAINED])
def test_a_host_that_is_closed_takes_nothing_new(state: HostState) -> None:
    assert placed(app({"web": {}}), seen(host("h1", state=state), host("h2"))) == {"web.1": "h2"}


def test_a_cordoned_host_keeps_what_it_has_and_a_drained_one_does_not() -> None:
    there = container("web.1", "h1")
    for state, expected in ((HostState.CORDONED, "h1"), (HostState.DRAINED, "h2")):
        situation = seen(host("h1", [there], state=state), host("h2"), making_way={there.id})
        assert placed(app({"web": {}}), situation) == {"web.1": expected}


def test_data_stays_where_it_is() -> None:
    shop = app(
        {"db": {"volumes": [{"type": "volume", "source": "data", "target": "/data"}]}},
        volumes={"data": {"name": "shop_data"}},
    )
    with_data = host("h2", [foreign("x", "h2", 9)], volumes=(VolumeView("shop_data", "h2"),))
    assert placed(shop, seen(host("h1"), with_data)) == {"db.1": "h2"}
    closed = host("h2", volumes=(VolumeView("shop_data", "h2"),), state=HostState.CORDONED)
    with pytest.raises(NoRoom) as error:
        placed(shop, seen(host("h1"), closed))
    assert error.value.table == {"h1": "volume data is on h2", "h2": "is cordoned"}


def test_services_that_share_a_new_volume_go_together() -> None:
    mount = {"type": "volume", "source": "data", "target": "/data"}
    shop = app({"a": {"volumes": [mount]}, "b": {"volumes": [mount]}}, volumes={"data": {}})
    hosts = placed(shop, seen(host("h1"), host("h2")))
    assert hosts["a.1"] == hosts["b.1"]


def test_services_that_share_a_namespace_go_together() -> None:
    shop = app({"vpn": {}, "web": {"network_mode": "service:vpn", "networks": {}}, "x": {}})
    hosts = placed(shop, seen(host("h1"), host("h2"), host("h3")))
    assert hosts["web.1"] == hosts["vpn.1"]


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("node.labels.zone == b", "h2"),
        ("node.labels.zone != a", "h2"),
        ("node.hostname==h2", "h2"),
        ("node.hostname != h2", "h1"),
    ],
)
def test_constraints(constraint: str, expected: str) -> None:
    shop = app({"web": {"deploy": {"placement": {"constraints": [constraint]}}}})
    hosts = (host("h1", labels={"zone": "a"}), host("h2", labels={"zone": "b"}))
    assert placed(shop, seen(*hosts)) == {"web.1": expected}


def test_a_constraint_that_nobody_meets_is_the_reason() -> None:
    shop = app({"web": {"deploy": {"placement": {"constraints": ["node.labels.disk == ssd"]}}}})
    with pytest.raises(NoRoom) as error:
        placed(shop, seen(host("h1", labels={"disk": "hdd"}), host("h2")))
    assert error.value.table == {
        "h1": "label disk is hdd, constraint asks ssd",
        "h2": "label disk is not set, constraint asks ssd",
    }


@pytest.mark.parametrize("text", ["node.labels.zone = a", "zone == a", "node.hostname"])
def test_a_constraint_that_cannot_be_read(text: str) -> None:
    shop = app({"web": {"deploy": {"placement": {"constraints": [text]}}}})
    with pytest.raises(BadFile):
        placed(shop, seen(host("h1")))


def test_max_replicas_per_node() -> None:
    deploy = {"replicas": 3, "placement": {"max_replicas_per_node": 1}}
    with pytest.raises(NoRoom) as error:
        placed(app({"web": {"deploy": deploy}}), seen(host("h1"), host("h2")))
    assert error.value.table["h1"] == "has 1 of web, 1 is the most"


def test_a_global_service_is_on_every_open_host() -> None:
    shop = app({"agent": {"deploy": {"mode": "global"}}})
    closed = host("h3", state=HostState.CORDONED)
    assert placed(shop, seen(host("h1"), host("h2"), closed)) == {"agent.1": "h1", "agent.2": "h2"}


def test_a_replica_on_a_host_that_was_not_seen_keeps_its_slot() -> None:
    shop = app({"web": {"deploy": {"replicas": 2}}})
    known = {Slot("web", 1): "h3", Slot("web", 2): "h1"}
    situation = Situation(view(host("h1"), host("h2"), unseen=["h3"]), "", "shop", known=known)
    placement = place(shop, ("web",), situation)
    assert placement.unseen == {Slot("web", 1): "h3"}
    assert list(placement.choices) == [Slot("web", 2)]


def test_the_same_view_gives_the_same_placement() -> None:
    shop = app({name: {"deploy": {"replicas": 4}} for name in ("a", "b", "c")})
    hosts = [host(f"h{n}") for n in range(1, 6)]
    first = placed(shop, seen(*hosts))
    assert all(placed(shop, seen(*hosts)) == first for _ in range(5))
    per_host = [list(first.values()).count(f"h{n}") for n in range(1, 6)]
    assert max(per_host) - min(per_host) <= 1


FULL = {"h1": "disk is 93% full, 90% is the limit"}


def test_a_host_whose_disk_is_full_is_given_nothing_new_and_keeps_what_it_has() -> None:
    there = host("h1", [container("web.1", "h1")])
    shop = app({"web": {"deploy": {"replicas": 3}}})
    placement = placed(shop, seen(there, host("h2"), full=FULL))
    assert placement == {"web.1": "h1", "web.2": "h2", "web.3": "h2"}


def test_where_all_disks_are_full_each_host_says_so() -> None:
    with pytest.raises(NoRoom) as error:
        placed(app({"web": {}}), seen(host("h1"), full=FULL))
    assert "h1" in str(error.value)
    assert FULL["h1"] in f"{error.value} {error.value.hint}"
