"""What is to stand in Consul's catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nap_compose.cluster.catalog import Listed
from nap_compose.cluster.view import ContainerView, PublishedPort
from nap_compose.control.watching.cataloguing import Cataloguing
from nap_compose.health.catalog import listed_on, name_of
from nap_compose.health.changes import Known, compare, compare_hosts
from nap_compose.health.hosts import hosts_of
from tests.support.views import container, host, view

AT = "2026-01-01T12:00:00.000Z"


def web(number: int, on: str, *ports: int, **more: Any) -> ContainerView:
    made = container(f"web.{number}", on, owner="ada", **more)
    return replace(
        made,
        ports=tuple(PublishedPort(port, port - 8000) for port in ports),
        exposed=(PublishedPort(0, 9100, "tcp", ""),),
        labels={**made.labels, "traefik.enable": "true", "secret": "x", "io.nap.app": "shop"},
    )


def seen(*hosts: Any, unseen: tuple[str, ...] = ()) -> tuple[Any, Known]:
    look = view(*hosts, unseen=unseen)
    known = Known().after(compare(Known(), look, {}, AT))
    return look, known.after(compare_hosts(known, hosts_of(look, known.hosts), AT))


def on_h1(*containers: ContainerView) -> dict[str, Listed]:
    look, known = seen(host("h1", containers))
    return listed_on(look.hosts["h1"], known.containers, ("traefik.",))


def test_a_published_port_is_a_service() -> None:
    (found,) = on_h1(web(1, "h1", 8080)).values()
    assert (found.name, found.address, found.port) == ("nap-ada-shop-web", "10.0.0.1", 8080)
    assert (found.status, found.output, found.tags) == (
        "passing",
        "running",
        ("traefik.enable=true",),
    )
    assert found.meta["unpublished"] == "9100/tcp"
    assert {key: found.meta[key] for key in ("owner", "app", "service", "replica", "host")} == {
        "owner": "ada",
        "app": "shop",
        "service": "web",
        "replica": "1",
        "host": "h1",
    }


def test_more_ports_have_names_of_their_own() -> None:
    found = on_h1(web(1, "h1", 8443, 8080))
    assert [(each.name, each.port) for each in found.values()] == [
        ("nap-ada-shop-web", 8080),
        ("nap-ada-shop-web-443", 8443),
    ]


def test_an_address_that_is_published_alone_and_both_families() -> None:
    made = web(1, "h1")
    ports = (
        PublishedPort(8080, 80, host_ip="::"),
        PublishedPort(8080, 80, host_ip="0.0.0.0"),
        PublishedPort(9090, 90, host_ip="192.0.2.7"),
    )
    found = on_h1(replace(made, ports=ports))
    assert [(each.address, each.port) for each in found.values()] == [
        ("10.0.0.1", 8080),
        ("192.0.2.7", 9090),
    ]


def test_who_gets_no_traffic() -> None:
    def status(**more: Any) -> list[str]:
        return [each.status for each in on_h1(web(1, "h1", 8080, **more)).values()]

    assert status(health="healthy") == ["passing"]
    assert status(health="starting") == ["critical"]
    assert status(health="unhealthy") == ["critical"]
    assert status(state="paused") == ["critical"]
    assert status(state="exited") == []
    assert on_h1(web(1, "h1")) == {}, "nothing is published"


def test_of_two_the_right_one_is_listed() -> None:
    found = on_h1(web(1, "h1", 8080, fence=1), web(1, "h1", 8081, fence=2))
    assert [each.port for each in found.values()] == [8081]


def test_names_are_labels_of_dns() -> None:
    assert name_of("ada-2elovelace", "Shop_1", "web.a") == "nap-ada-2elovelace-shop-1-web-a"
    assert name_of("", "shop", "web") == "nap-shop-web"


@dataclass
class Written:
    """A catalog that notes what is asked of it."""

    there: dict[str, dict[str, Listed]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def of(self, host: str) -> Mapping[str, Listed]:
        return self.there.setdefault(host, {})

    def enter(self, host: str, address: str, listed: Listed) -> None:
        self.asked.append(f"{host} {listed.name}:{listed.port} {listed.status}")
        self.there[host][listed.id] = listed

    def withdraw(self, host: str, listed: str) -> None:
        self.asked.append(f"{host} without {self.there[host][listed].port}")
        del self.there[host][listed]

    def withdraw_container(self, host: str, container: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


HOSTS = {"h1": "10.0.0.1", "h2": "10.0.0.2"}


def test_what_changed_is_written_and_nothing_else() -> None:
    catalog = Written()
    keeping = Cataloguing(catalog, HOSTS, ())
    both = (host("h1", [web(1, "h1", 8080)]), host("h2", [web(2, "h2", 8081)]))
    assert keeping.keep(*seen(*both)) == 2
    assert catalog.asked == ["h1 nap-ada-shop-web:8080 passing", "h2 nap-ada-shop-web:8081 passing"]
    assert keeping.keep(*seen(*both)) == 0
    catalog.asked.clear()
    keeping.keep(*seen(host("h1", [web(1, "h1", 8080, health="unhealthy")]), both[1]))
    assert catalog.asked == ["h1 nap-ada-shop-web:8080 critical"]


def test_a_watcher_that_takes_over_finds_what_is_there() -> None:
    catalog = Written()
    both = (host("h1", [web(1, "h1", 8080)]), host("h2", [web(2, "h2", 8081)]))
    Cataloguing(catalog, HOSTS, ()).keep(*seen(*both))
    catalog.asked.clear()
    assert Cataloguing(catalog, HOSTS, ()).keep(*seen(*both)) == 0
    Cataloguing(catalog, HOSTS, ()).keep(*seen(host("h1"), both[1]))
    assert catalog.asked == ["h1 without 8080"]


def test_nobody_is_sent_to_a_host_that_is_silent_nor_to_one_whose_replicas_moved() -> None:
    catalog = Written()
    keeping = Cataloguing(catalog, HOSTS, ())
    h1, h2 = host("h1", [web(1, "h1", 8080)]), host("h2", [web(2, "h2", 8081)])
    _, known = seen(h1, h2)
    keeping.keep(view(h1, h2), known)
    catalog.asked.clear()
    away = view(h1, unseen=("h2",))
    known = known.after(compare(known, away, {}, AT))
    known = known.after(compare_hosts(known, hosts_of(away, known.hosts), AT))
    keeping.keep(away, known)
    assert catalog.asked == ["h2 nap-ada-shop-web:8081 critical"]
    catalog.asked.clear()
    moved = view(host("h1", [web(1, "h1", 8080), web(2, "h1", 8082, fence=9)]), unseen=("h2",))
    known = known.after(compare(known, moved, {}, AT))
    keeping.keep(moved, known)
    assert catalog.asked == ["h1 nap-ada-shop-web:8082 passing", "h2 without 8081"]
