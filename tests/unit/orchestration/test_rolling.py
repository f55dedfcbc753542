"""Whether a successor can start beside what it replaces, and what is said where it can't."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.compose.model import Service
from nap_compose.orchestration.planner import plan_up
from nap_compose.orchestration.planning import rolling
from nap_compose.orchestration.planning.rolling import Update, update_of
from tests.support.plans import wish
from tests.support.views import app, container, host, view

PORT = {"ports": [{"target": 80, "published": "8080", "protocol": "tcp"}]}
DATA = {"volumes": [{"type": "volume", "source": "data", "target": "/data"}]}


def how(
    web: dict[str, Any],
    *,
    overlay: str = "swarm",
    old: dict[str, Any] | None = None,
    **others: dict[str, Any],
) -> str:
    """What the plan says of replacing web.1 on h1."""
    there = view(host("h1", [container("web.1", "h1", **(old or {}))]))
    wanted = wish(
        app({"web": web, **others}, volumes={"data": {}}), there, overlay=overlay, network_host="h1"
    )
    (line,) = (line for line in plan_up(wanted).summary if line.subject == "web.1")
    return line.how


def test_beside_where_nothing_is_in_the_way() -> None:
    assert how({}) == "start-first"
    assert how({"ports": [{"target": 80, "published": "", "protocol": "tcp"}]}) == "start-first"
    read_only = {**DATA["volumes"][0], "read_only": True}
    assert how({"volumes": [read_only, {"type": "tmpfs", "target": "/tmp"}]}) == "start-first"


@pytest.mark.parametrize(
    ("web", "why"),
    [
        ({"deploy": {"update_config": {"order": "stop-first"}}}, "as its update_config says"),
        (DATA, "it writes to data"),
        ({"volumes": [{"type": "bind", "source": "/srv", "target": "/x"}]}, "it writes to /srv"),
        ({"volumes": [{"type": "volume", "target": "/x"}]}, "/x goes from one to the other"),
        ({"network_mode": "host"}, "network_mode is host"),
        ({"networks": {"default": {"ipv4_address": "10.0.0.9"}}}, "ipv4_address is 10.0.0.9"),
        ({"mac_address": "02:42:ac:11:00:02"}, "mac_address is 02:42:ac:11:00:02"),
    ],
)
def test_before_with_the_reason(web: dict[str, Any], why: str) -> None:
    assert how(web) == f"stop-first: {why}"


def test_a_port_that_the_old_one_holds() -> None:
    assert how(PORT, old={"ports": [8080]}) == "stop-first: it publishes port 8080"
    assert how(PORT, old={"ports": [9090]}) == "start-first"


def test_one_whose_namespaces_another_uses_and_the_other() -> None:
    said = "stop-first: it shares namespaces or volumes with side"
    assert how({}, side={"network_mode": "service:web"}) == said


def test_one_that_does_not_run_or_runs_to_its_end() -> None:
    assert how({}, old={"state": "exited"}) == "stop-first: it doesn't run"
    waits = {"db": {"depends_on": {"web": {"condition": "service_completed_successfully"}}}}
    assert how({}, **waits) == "stop-first: it runs to its end"


def test_over_a_cluster_store_the_old_one_stops_first() -> None:
    why = "over a cluster store each address has to stay on its host"
    assert how({}, overlay="consul") == f"stop-first: {why}"
    assert how({}, overlay="consul", old={"state": "exited"}) == "stop-first: it doesn't run"


def test_on_bridges_it_is_as_with_compose() -> None:
    assert how({}, overlay="bridge") == ""


def test_update_and_rollback_config() -> None:
    spec = {
        "image": "web:1",
        "x-nap": {"drain": "5s"},
        "deploy": {
            "update_config": {"parallelism": 2, "delay": "10s", "monitor": "1m"},
            "rollback_config": {"parallelism": 0, "order": "stop-first"},
        },
    }
    service = Service.of("web", spec)
    assert update_of(service) == Update(2, 10.0, "", 60.0, 5.0)
    assert update_of(service, back=True) == Update(0, 0.0, "stop-first", None, 5.0)
    assert update_of(Service.of("web", {"image": "x"}), back=True) == Update()


def test_how_long_a_successor_is_watched() -> None:
    bare, probed = Service.of("a", {}), Service.of("a", {"healthcheck": {"test": ["CMD", "true"]}})
    assert rolling.settling(bare, Update(), False) == rolling.SETTLES == 5.0
    assert rolling.settling(bare, Update(), True) == 0.0
    assert rolling.settling(probed, Update(), False) == 0.0
    assert rolling.settling(probed, Update(monitor=2.0), True) == 2.0
