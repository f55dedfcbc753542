"""What the file has no more: replicas beyond the number, and orphans."""

from __future__ import annotations

from nap_compose.compose.model import App
from nap_compose.orchestration.plan import Change
from tests.support.plans import before, changes, kept, planned, with_network
from tests.support.views import app, view


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
