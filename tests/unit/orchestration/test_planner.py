"""Plans: what becomes of each replica, in which order, and that every prefix has a way on."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.cluster.images import find_all
from nap_compose.cluster.view import ContainerView, ImageView, NetworkView, View, VolumeView
from nap_compose.compose.model import App
from nap_compose.errors import NapError
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.decide import Wish, making_way
from nap_compose.orchestration.placement.place import place
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.orchestration.plan import Change, Kind, Plan
from nap_compose.orchestration.planner import plan_up
from nap_compose.orchestration.wanted import select
from tests.support.views import app, container, foreign, host, view

HASH = "same"


def wish(of: App, seen: View, *services: str, **more: Any) -> Wish:
    chosen = select(of, services)
    remove = more.get("remove_orphans", False)
    way = making_way(of, chosen, "", seen, remove_orphans=remove)
    references = [image_reference(of.services[name], of.name) for name in chosen]
    fields = {
        "hashes": dict.fromkeys(of.services, HASH),
        "images": find_all(references, seen.hosts),
        "placement": place(of, chosen, Situation(seen, "", of.name, making_way=way)),
    }
    return Wish(
        app=of,
        services=chosen,
        view=seen,
        owner="",
        project=of.name,
        revision=1,
        deployment="d" * 32,
        fence=9,
        **{**fields, **more},
    )


JOB_DONE = "service_completed_successfully"


def planned(of: App, seen: View, *services: str, **more: Any) -> Plan:
    return plan_up(wish(of, seen, *services, **more))


def ids(plan: Plan) -> list[str]:
    return [step.id for step in plan.steps]


def changes(plan: Plan) -> dict[str, Change]:
    return {line.subject: line.change for line in plan.summary}


def before(plan: Plan, first: str, second: str) -> bool:
    """Whether `second` can only begin after `first`, over however many steps."""
    needs = {step.id: set(step.needs) for step in plan.steps}
    todo, reached = [second], set()
    while todo:
        for need in needs[todo.pop()]:
            if need not in reached:
                reached.add(need)
                todo.append(need)
    return first in reached


def with_network(name: str, *containers: ContainerView, **more: Any) -> Any:
    network = NetworkView("n1", "shop_default", name, "bridge")
    return host(name, containers, networks=(network,), **more)


def kept(slot: str, on: str, **more: Any) -> ContainerView:
    return container(slot, on, hash_=HASH, **more)


def test_a_new_app_is_made_from_the_bottom_up() -> None:
    shop = app({"web": {"depends_on": {"db": {"condition": "service_healthy"}}}, "db": {}})
    plan = planned(shop, view(host("h1")))
    assert not plan.empty
    assert before(plan, "network:default@h1", "create:db.1")
    assert before(plan, "wait:db.1", "start:web.1")
    assert before(plan, "wait:web.1", "check")
    assert not [step for step in plan.steps if step.kind in (Kind.STOP, Kind.REMOVE)]


def test_what_the_rest_of_its_host_waits_for_is_started_before_that_is_made() -> None:
    """While a database gets well there is time to make the others; before, they hold it up."""
    healthy = {"depends_on": {"db": {"condition": "service_healthy"}}}
    started = {"depends_on": {"db": {"condition": "service_started"}}}
    shop = app({"web": healthy, "job": started, "db": {}, "cache": {}})
    plan = planned(shop, view(host("h1")))
    assert before(plan, "start:db.1", "create:web.1")
    for other in ("job", "cache"):
        assert not before(plan, "start:db.1", f"create:{other}.1"), "nothing to wait for"
    h1, h2 = (
        {"deploy": {"placement": {"constraints": [f"node.hostname=={n}"]}}} for n in ("h1", "h2")
    )
    apart = app({"web": {**healthy, **h2}, "db": h1})
    elsewhere = planned(apart, view(host("h1"), host("h2")))
    assert not before(elsewhere, "start:db.1", "create:web.1"), "another host has time"


def test_whoever_waits_itself_holds_up_nobodys_making() -> None:
    def on(service: str) -> dict[str, Any]:
        return {"depends_on": {service: {"condition": "service_healthy"}}}

    plan = planned(app({"web": on("api"), "api": on("db"), "db": {}}), view(host("h1")))
    assert before(plan, "start:db.1", "create:web.1")
    assert before(plan, "start:db.1", "create:api.1")
    assert not before(plan, "start:api.1", "create:web.1")
    there = view(host("h1", (kept("x.1", "h1", health="starting"), kept("y.1", "h1"))))
    both = {"a": on("x"), "b": on("y"), "c": on("a"), "d": on("b"), "x": {}, "y": {}}
    plan = planned(app(both), there)
    assert not before(plan, "start:a.1", "create:b.1")
    assert before(plan, "start:a.1", "create:c.1")


def test_a_thousand_that_are_waited_for_stand_in_a_plan_once() -> None:
    web = {"scale": 40, "depends_on": {"db": {"condition": "service_healthy"}}}
    plan = planned(app({"db": {"scale": 40}, "web": web}), view(host("h1")))
    assert before(plan, "start:db.40", "create:web.40")
    assert max(len(step.needs) for step in plan.steps if step.kind is Kind.CREATE) < 20


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
    lost = container("web.1", "h1", hash_=HASH, app_name="shop")
    elsewhere = ContainerView(**{**lost.__dict__, "networks": ("other",)})
    plan = planned(shop, view(with_network("h1", elsewhere)))
    assert plan.summary[-1].reason == "it isn't on network default"


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


def test_images_come_before_anything_is_changed() -> None:
    shop = app({"web": {"image": "new:2"}, "db": {}})
    plan = planned(shop, view(host("h1")))
    image = "image:new:2@h1"
    others = [step for step in plan.steps if step.id != image and step.kind is not Kind.WAIT]
    assert all(before(plan, image, step.id) for step in others)


def test_an_image_is_streamed_from_the_hosts_that_have_it() -> None:
    only_here = ImageView(id="sha256:web", tags=("web:1",), size=5)
    seen = view(host("h1", images=(only_here,)), host("h2", images=()))
    shop = app({"web": {"deploy": {"replicas": 2}}})
    steps = [step for step in planned(shop, seen).steps if step.kind is Kind.BRING_IMAGE]
    assert [(step.host, step.args["from"], step.args["id"]) for step in steps] == [
        ("h2", ["h1"], "sha256:web")
    ]


def test_scaling_down_removes_the_highest_numbers_last() -> None:
    shop = app({"web": {"deploy": {"replicas": 1}}})
    seen = view(with_network("h1", *(kept(f"web.{n}", "h1") for n in (1, 2, 3))))
    plan = planned(shop, seen)
    assert changes(plan) == {
        "web.1": Change.KEEP,
        "web.2": Change.REMOVE,
        "web.3": Change.REMOVE,
    }


def test_orphans_are_named_and_stay_unless_told() -> None:
    shop = app({"web": {}})
    seen = view(with_network("h1", kept("web.1", "h1"), kept("old.1", "h1")))
    plan = planned(shop, seen)
    assert plan.orphans == ("old.1",) and plan.steps == ()
    plan = planned(shop, seen, remove_orphans=True)
    assert changes(plan)["old.1"] is Change.REMOVE


def test_services_of_profiles_are_no_orphans() -> None:
    shop = app({"web": {}})
    shop = App(**{**shop.__dict__, "profiled_out": ("debug",)})
    seen = view(with_network("h1", kept("web.1", "h1"), kept("debug.1", "h1")))
    assert planned(shop, seen).orphans == ()


def test_a_port_passes_from_an_orphan_to_its_heir() -> None:
    port = {"target": 80, "published": "80", "protocol": "tcp"}
    shop = app({"web": {"ports": [port]}})
    seen = view(with_network("h1", kept("app.1", "h1", ports=[80])))
    plan = planned(shop, seen, remove_orphans=True)
    old = "app.1@h1#1".ljust(12, "0")
    assert before(plan, f"stop:{old}", "start:web.1")
    assert before(plan, "check", f"remove:{old}")


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


def test_an_interrupted_deployment_is_finished() -> None:
    """Killed after making the new container: the one with the higher fence is the right one."""
    shop = app({"web": {}})
    new = kept("web.1", "h1", fence=5, state="created", name="shop-web-1.dddddddd")
    old = container("web.1", "h1", fence=1)
    plan = planned(shop, view(with_network("h1", old, new)))
    assert changes(plan) == {"web.1": Change.START}
    assert "create:web.1" not in ids(plan)
    aside = f"aside:web.1:{old.id[:8]}"
    assert before(plan, aside, "name:web.1") and before(plan, "name:web.1", "start:web.1")
    assert before(plan, "check", f"remove:{old.id[:12]}")


def test_killed_before_the_old_one_was_removed() -> None:
    shop = app({"web": {}})
    new = kept("web.1", "h1", fence=5)
    old = container("web.1", "h1", fence=1, state="exited", name="shop-web-1.old.dddddddd")
    plan = planned(shop, view(with_network("h1", old, new)))
    assert changes(plan) == {"web.1": Change.KEEP}
    assert any(step.kind is Kind.REMOVE and step.target == old.id for step in plan.steps)


def test_a_stopped_container_is_started() -> None:
    plan = planned(app({"web": {}}), view(with_network("h1", kept("web.1", "h1", state="exited"))))
    assert ids(plan) == ["start:web.1", "wait:web.1", "check"]


def test_one_that_is_not_well_yet_is_waited_for_but_nothing_is_changed() -> None:
    starting = kept("web.1", "h1", health="starting")
    plan = planned(app({"web": {}}), view(with_network("h1", starting)))
    assert ids(plan) == ["wait:web.1"] and plan.empty


def test_what_is_not_seen_is_left_alone() -> None:
    from nap_compose.orchestration.wanted import Slot

    shop = app({"web": {"deploy": {"replicas": 2}}})
    seen = view(with_network("h1", container("web.1", "h1")), unseen=["h2"])
    known = {Slot("web", 1): "h1", Slot("web", 2): "h2"}
    way = making_way(shop, ("web",), "", seen, remove_orphans=False)
    placement = place(shop, ("web",), Situation(seen, "", "shop", way, known=known))
    plan = planned(shop, seen, placement=placement)
    assert changes(plan) == {"web.1": Change.REPLACE, "web.2": Change.UNSEEN}
    assert {step.host for step in plan.steps} <= {"h1", ""}
    assert [unseen.name for unseen in plan.unseen] == ["h2"]


def test_selected_services_come_with_what_they_need_and_leave_the_rest() -> None:
    shop = app({"db": {}, "web": {"depends_on": {"db": {}}}, "cache": {}})
    assert set(changes(planned(shop, view(host("h1")), "web"))) == {
        "db.1",
        "web.1",
        "network default",
    }


def test_no_recreate_and_force_recreate() -> None:
    shop = app({"web": {}})
    changed = view(with_network("h1", container("web.1", "h1")))
    same = view(with_network("h1", kept("web.1", "h1")))
    assert changes(planned(shop, changed, no_recreate=True)) == {"web.1": Change.KEEP}
    assert changes(planned(shop, same, forced=frozenset({"web"}))) == {"web.1": Change.REPLACE}


def test_no_start_makes_but_does_not_start() -> None:
    plan = planned(app({"web": {}}), view(host("h1")), no_start=True)
    assert {step.kind for step in plan.steps} == {Kind.ENSURE_NETWORK, Kind.CREATE}


def test_without_waiting_only_what_services_need_of_each_other_is_waited_for() -> None:
    conditions = {"db": {"condition": "service_healthy"}, "init": {"condition": JOB_DONE}}
    shop = app({"db": {}, "init": {}, "web": {"depends_on": conditions}, "cache": {}})
    plan = planned(shop, view(host("h1")), wait=False)
    waits = [step.id for step in plan.steps if step.kind is Kind.WAIT]
    assert sorted(waits) == ["wait:db.1", "wait:init.1"]
    assert before(plan, "wait:db.1", "start:web.1")


def test_without_waiting_what_was_replaced_still_goes_last() -> None:
    replicas = {"web": {"deploy": {"replicas": 2}}}
    there = (container("web.1", "h1"), container("web.2", "h1"))
    plan = planned(app(replicas), view(with_network("h1", *there)), wait=False)
    assert not [step for step in plan.steps if step.kind is Kind.WAIT]
    (first, second) = (step.id for step in plan.steps if step.kind is Kind.REMOVE)
    assert before(plan, "start:web.2", first) and before(plan, "start:web.1", second)
    assert before(plan, "start:web.1", "aside:web.2")


def test_what_is_to_be_watched_is_waited_for_all_the_same() -> None:
    update = {"update_config": {"monitor": "3s"}}
    there = view(with_network("h1", container("web.1", "h1")))
    plan = planned(app({"web": {"deploy": update}}), there, wait=False)
    assert [step.args["settles"] for step in plan.steps if step.kind is Kind.WAIT] == [3.0]


def test_a_service_in_anothers_namespace_follows_its_replacement() -> None:
    shop = app({"vpn": {}, "web": {"network_mode": "service:vpn", "networks": {}}})
    seen = view(with_network("h1", container("vpn.1", "h1"), kept("web.1", "h1")))
    plan = planned(shop, seen)
    assert changes(plan) == {"vpn.1": Change.REPLACE, "web.1": Change.REPLACE}
    assert before(plan, "create:vpn.1", "create:web.1")


def test_a_network_of_another_project_is_not_used() -> None:
    labels = {"com.docker.compose.project": "other"}
    network = NetworkView("n1", "shop_default", "h1", "bridge", labels=labels)
    with pytest.raises(NapError, match="belongs to project other"):
        planned(app({"web": {}}), view(host("h1", networks=(network,))))


def test_an_external_network_must_be_there() -> None:
    shop = app({"web": {}}, networks={"default": {"name": "lan", "external": True}})
    with pytest.raises(NapError, match="network lan is external, but it isn't there"):
        planned(shop, view(host("h1")))


def test_an_overlay_is_made_once_and_a_bridge_on_each_host() -> None:
    shop = app({"web": {"deploy": {"replicas": 2}}})
    seen = view(host("h1"), host("h2"))
    made = [s for s in planned(shop, seen).steps if s.kind is Kind.ENSURE_NETWORK]
    assert [step.host for step in made] == ["h1", "h2"]
    plan = planned(shop, seen, overlay="swarm", network_host="h2")
    made = [s for s in plan.steps if s.kind is Kind.ENSURE_NETWORK]
    assert [(step.host, step.args["users"]) for step in made] == [("h2", ["h1", "h2"])]


def test_a_volume_is_made_where_its_service_goes() -> None:
    mount = {"type": "volume", "source": "data", "target": "/data"}
    shop = app({"db": {"volumes": [mount]}}, volumes={"data": {"name": "shop_data"}})
    plan = planned(shop, view(host("h1", [foreign("x", "h1", 1)]), host("h2")))
    made = [step for step in plan.steps if step.kind is Kind.ENSURE_VOLUME]
    assert [(step.host, step.target) for step in made] == [("h2", "shop_data")]
    there = view(host("h1", volumes=(VolumeView("shop_data", "h1"),)), host("h2"))
    assert not [s for s in planned(shop, there).steps if s.kind is Kind.ENSURE_VOLUME]


def all_before(plan: Plan, step: str) -> set[str]:
    """All that is done before a step."""
    needs = {each.id: each.needs for each in plan.steps}
    found: set[str] = set()
    todo = [step]
    while todo:
        new = set(needs[todo.pop()]) - found
        found |= new
        todo += new
    return found


def test_a_plan_for_many_hosts_grows_with_its_steps_alone() -> None:
    """Every container waits for all images and networks, and for those whom it depends on; still
    nobody lists them all."""
    hosts = [host(f"h{n}", images=()) for n in range(40)]
    many = {"deploy": {"replicas": 80}}
    after = {"depends_on": {"db": {"condition": "service_healthy"}}}
    plan = planned(app({"db": many, "web": {**many, **after}}), view(*hosts))
    kinds = {step.id: step.kind for step in plan.steps}
    first = {Kind.BRING_IMAGE, Kind.ENSURE_NETWORK}
    assert {step for step in all_before(plan, "create:web.80") if kinds[step] in first} == {
        step for step, kind in kinds.items() if kind in first
    }
    assert {f"wait:db.{n}" for n in range(1, 81)} <= all_before(plan, "start:web.80")
    assert not any(step.startswith("wait:web") for step in all_before(plan, "start:web.80"))
    assert sum(len(step.needs) for step in plan.steps) < 4 * len(plan.steps)
