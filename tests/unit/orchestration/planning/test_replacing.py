"""What is replaced and what stays, and how a successor comes to its predecessor's place."""

from __future__ import annotations

from typing import Any

from nap_compose.cluster.view import ContainerView
from nap_compose.orchestration.plan import Change
from tests.support.plans import before, changes, kept, planned, with_network
from tests.support.views import app, container, view


def test_an_app_that_is_as_it_should_be_needs_nothing() -> None:
    shop = app({"web": {"deploy": {"replicas": 2}}, "db": {}})
    seen = view(
        with_network("h1", kept("web.1", "h1"), kept("db.1", "h1", health="healthy")),
        with_network("h2", kept("web.2", "h2")),
    )
    plan = planned(shop, seen)
    assert plan.empty and plan.steps == ()
    assert set(changes(plan).values()) == {Change.KEEP}


def test_another_configuration_replaces_just_that_service() -> None:
    shop = app({"web": {"depends_on": {"db": {}}}, "db": {}})
    seen = view(with_network("h1", container("web.1", "h1"), kept("db.1", "h1")))
    plan = planned(shop, seen)
    assert changes(plan) == {"web.1": Change.REPLACE, "db.1": Change.KEEP}
    old = "web.1@h1#1".ljust(12, "0")
    way = ["create:web.1", "aside:web.1", "name:web.1", "start:web.1", "wait:web.1", "check"]
    for first, second in zip(way, [*way[1:], f"remove:{old}"], strict=True):
        assert before(plan, first, second), f"{second} after {first}"
    by_id = {step.id: step for step in plan.steps}
    assert by_id["create:web.1"].args["temporary"] is True
    assert by_id["aside:web.1"].undo == "bring back"
    assert by_id["create:web.1"].undo == "remove"


def test_another_image_under_the_same_name_replaces() -> None:
    shop = app({"web": {}})
    older = kept("web.1", "h1", image_id="sha256:older")
    assert changes(planned(shop, view(with_network("h1", older)))) == {"web.1": Change.REPLACE}


def test_a_container_that_lost_its_network_is_replaced() -> None:
    shop = app({"web": {}})
    lost = kept("web.1", "h1")
    elsewhere = ContainerView(**{**lost.__dict__, "networks": ("other",)})
    plan = planned(shop, view(with_network("h1", elsewhere)))
    assert plan.summary[-1].reason == "it isn't on network default"


def test_a_service_in_anothers_namespace_follows_its_replacement() -> None:
    shop = app({"vpn": {}, "web": {"network_mode": "service:vpn", "networks": {}}})
    seen = view(with_network("h1", container("vpn.1", "h1"), kept("web.1", "h1")))
    plan = planned(shop, seen)
    assert changes(plan) == {"vpn.1": Change.REPLACE, "web.1": Change.REPLACE}
    assert before(plan, "create:vpn.1", "create:web.1")


def test_no_recreate_and_force_recreate() -> None:
    shop = app({"web": {}})
    changed = view(with_network("h1", container("web.1", "h1")))
    same = view(with_network("h1", kept("web.1", "h1")))
    assert changes(planned(shop, changed, no_recreate=True)) == {"web.1": Change.KEEP}
    assert changes(planned(shop, same, forced=frozenset({"web"}))) == {"web.1": Change.REPLACE}


def test_replicas_make_way_one_after_the_other() -> None:
    shop = app({"web": {"deploy": {"replicas": 3}}})
    seen = view(*(with_network(f"h{n}", container(f"web.{n}", f"h{n}")) for n in (1, 2, 3)))
    plan = planned(shop, seen)
    assert before(plan, "wait:web.1", "aside:web.2")
    assert before(plan, "wait:web.2", "aside:web.3")
    assert not before(plan, "wait:web.1", "create:web.2"), "successors are made ahead"


def test_parallelism_lets_more_make_way_at_once() -> None:
    deploy = {"replicas": 3, "update_config": {"parallelism": 2}}
    seen = view(*(with_network(f"h{n}", container(f"web.{n}", f"h{n}")) for n in (1, 2, 3)))
    plan = planned(app({"web": {"deploy": deploy}}), seen)
    assert not before(plan, "wait:web.1", "aside:web.2")
    assert before(plan, "wait:web.1", "aside:web.3")


def test_two_replicas_that_swap_ports_wait_for_both_to_let_go() -> None:
    def port(number: str) -> list[dict[str, Any]]:
        return [{"target": 80, "published": number, "protocol": "tcp"}]

    shop = app(
        {"a": {"image": "web:1", "ports": port("81")}, "b": {"image": "web:1", "ports": port("80")}}
    )
    seen = view(
        with_network("h1", container("a.1", "h1", ports=[80]), container("b.1", "h1", ports=[81]))
    )
    plan = planned(shop, seen)
    assert before(plan, "aside:b.1", "start:a.1") and before(plan, "aside:a.1", "start:b.1")


def test_the_old_one_serves_until_what_the_new_one_needs_is_well() -> None:
    shop = app({"web": {"depends_on": {"db": {"condition": "service_healthy"}}}, "db": {}})
    seen = view(with_network("h1", container("web.1", "h1"), container("db.1", "h1")))
    assert before(planned(shop, seen), "wait:db.1", "aside:web.1")


def test_but_it_makes_way_at_once_for_a_port_that_comes_first() -> None:
    """web gives up port 80, which db wants and needs before web can start."""
    port = {"target": 80, "published": "80", "protocol": "tcp"}
    need = {"db": {"condition": "service_healthy"}}
    shop = app({"web": {"depends_on": need}, "db": {"ports": [port]}})
    seen = view(
        with_network("h1", container("web.1", "h1", ports=[80]), container("db.1", "h1")),
    )
    plan = planned(shop, seen)
    assert before(plan, "aside:web.1", "start:db.1")
    assert before(plan, "wait:db.1", "start:web.1")
