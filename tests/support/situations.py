"""Situations written down: a cluster and an app in, the text of the placement or the plan out.

Each document of a file in `tests/unit/orchestration/cases` is one; all keys but the first three
may be left out.

    case: a sentence that says what is the case
    hosts: {h1: {zone: a, runs: [web.1, nginx port=80]}, h2: {cpus: 2, memory: 4g}}
    app: {web: {ports: ["80:80"]}}          # services, as in a Compose file; the app is `shop`
    top: {volumes: {data: }}                # what else stands at the top of the file
    only: [web]                             # as in `nap up web`
    unseen: {h3: no route to host}
    known: {web.2: h3}                      # where replicas were last placed
    claims: {h1: [bob/blog port=80]}        # what deployments in flight hold
    failures: {h1: 6}
    strategy: binpack
    alone: true                             # embedded
    overlay: swarm                          # what the networks are made of; else a bridge
    asked: {forced: [web], back: true, remove_orphans: true}   # how, as in a Wish
    steps: true                             # the plan's steps too, in order
    subnet: 10.0.0.0/29                     # the app's network is there, one on all hosts
    why: [web]
    placed: |                               # what is expected: each replica with its reason,
      web.1 on h2: the only host that fits  # or the error
    plan: |                                 # and what `nap plan` prints, without the steps
    balanced: |                             # what a rebalance moves, and what stays and why

A host has room for all, and every image, where nothing else is said; its keys are `cpus`,
`memory`, `gpu`, `zone`, `labels`, `engine_labels`, `state`, `arch`, `manager`, `publish_ip`,
`volumes`, `lacks` (services whose images it hasn't) and `runs`. What runs is a slot of the app, of
another (`blog/web.1`), or somebody else's container, and then words: `port=80`, `udp=53`,
`cpus=1`, `memory=1g`, `gpu=1`, `state=exited`, `code=1`, `changed` (made of another
configuration), `ip=127.0.0.1`, `anonymous` (it has a volume that nobody named).
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from nap_compose.cli.output.report import show_plan
from nap_compose.cli.output.terminal import Terminal
from nap_compose.cluster.demand import Claim, Demand, PortClaim
from nap_compose.cluster.holding import ALL, Holding, nano
from nap_compose.cluster.images import find_all
from nap_compose.cluster.view import (
    Absence,
    ContainerView,
    HostState,
    HostView,
    ImageView,
    NetworkView,
    PublishedPort,
    SwarmView,
    Unseen,
    View,
    VolumeView,
)
from nap_compose.compose.loader import load
from nap_compose.compose.model import App
from nap_compose.errors import NapError
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.decide import Wish, making_way
from nap_compose.orchestration.placement.balance import Standing, balance
from nap_compose.orchestration.placement.place import place
from nap_compose.orchestration.placement.result import Placement
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.orchestration.planner import plan_up
from nap_compose.orchestration.wanted import Slot, select
from nap_compose.units import parse_size
from tests.support.views import container, view

KEYS = {
    "case", "hosts", "app", "top", "only", "unseen", "known", "claims", "failures", "strategy",
    "alone", "shared", "why", "overlay", "asked", "steps", "subnet", "placed", "plan", "balanced",
}  # fmt: skip
HOST_KEYS = {
    "cpus", "memory", "gpu", "zone", "labels", "engine_labels", "state", "arch", "manager",
    "publish_ip", "volumes", "lacks", "runs",
}  # fmt: skip
CORES = 8


@dataclass(frozen=True)
class Case:
    """One situation, as it is written down."""

    written: Mapping[str, Any]

    def __post_init__(self) -> None:
        assert set(self.written) <= KEYS, set(self.written) - KEYS
        for spec in self.written["hosts"].values():
            assert set(spec or ()) <= HOST_KEYS, set(spec) - HOST_KEYS

    @property
    def name(self) -> str:
        return str(self.written["case"])

    @property
    def placed(self) -> str:
        """The placement's text: each replica, what isn't seen, and the explanations; or why not."""
        try:
            return "".join(f"{line}\n" for line in _told(self.placement))
        except NapError as error:
            return f"{error}\n" + (f"{error.hint}\n" if error.hint else "")

    @property
    def plan(self) -> str:
        """What `nap plan` prints, without its line on the steps."""
        out = io.StringIO()
        plan = plan_up(self.wish)
        show_plan(plan, Terminal(out, io.StringIO(), {}))
        lines = out.getvalue().splitlines(keepends=True)
        if self.written.get("steps"):
            lines += [f"  {step.id}\n" for step in plan.steps]
        return "".join(line for line in lines if not line.startswith("  in "))

    @property
    def balanced(self) -> str:
        """What a rebalance moves, and what would be better off elsewhere but stays."""
        (better,) = balance([Standing(self.app, self.situation)], self.view)
        lines = [f"{slot} moves to {host}" for slot, host in better.moves.items()]
        lines += [f"{slot} stays: {why}" for slot, why in better.stays.items()]
        return "".join(f"{line}\n" for line in lines) or "all stays\n"

    @cached_property
    def app(self) -> App:
        services = {
            name: {"image": f"{name}:1", **(spec or {})}
            for name, spec in self.written["app"].items()
        }
        document = {"name": "shop", "services": services, **self.written.get("top", {})}
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "compose.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
            return load(cwd=folder).app

    @cached_property
    def view(self) -> View:
        hosts = [self._host(name, spec or {}) for name, spec in self.written["hosts"].items()]
        away = self.written.get("unseen", {})
        unseen = tuple(Unseen(name, Absence.UNREACHABLE, text) for name, text in away.items())
        return replace(view(*hosts), unseen=unseen)

    @cached_property
    def services(self) -> tuple[str, ...]:
        return select(self.app, tuple(self.written.get("only", ())))

    @cached_property
    def placement(self) -> Placement:
        return place(self.app, self.services, self.situation)

    @cached_property
    def situation(self) -> Situation:
        given = self.written
        return Situation(
            view=self.view,
            owner="",
            project="shop",
            making_way=making_way(
                self.app,
                self.services,
                "",
                self.view,
                remove_orphans=self._asked.get("remove_orphans", False),
            ),
            claims={
                name: tuple(_claim(each) for each in claims)
                for name, claims in given.get("claims", {}).items()
            },
            known={_slot(slot): name for slot, name in given.get("known", {}).items()},
            failures=given.get("failures", {}),
            strategy=given.get("strategy", "spread"),
            alone=given.get("alone", False),
            why=frozenset(given.get("why", ())),
            shared=tuple(given.get("shared", ())),
        )

    @cached_property
    def wish(self) -> Wish:
        references = [image_reference(self.app.services[name], "shop") for name in self.services]
        return Wish(
            app=self.app,
            services=self.services,
            view=self.view,
            placement=self.placement,
            owner="",
            project="shop",
            revision=1,
            deployment="d" * 32,
            fence=9,
            hashes=dict.fromkeys(self.app.services, "same"),
            images=find_all(references, self.view.hosts),
            overlay=self.written.get("overlay", "bridge"),
            network_host=min(self.written["hosts"]),
            **self._asked,
        )

    @property
    def _asked(self) -> dict[str, Any]:
        asked = dict(self.written.get("asked", {}))
        return {**asked, **({"forced": frozenset(asked["forced"])} if "forced" in asked else {})}

    def _network(self, host: str) -> NetworkView:
        if self.written.get("overlay") == "swarm" and "subnet" not in self.written:
            return NetworkView("n", "shop_default", host, "overlay", scope="swarm")
        if "subnet" not in self.written:
            return NetworkView(f"n{host}", "shop_default", host, "bridge")
        ipam = {"Config": [{"Subnet": self.written["subnet"]}]}
        return NetworkView("n", "shop_default", host, "overlay", scope="swarm", ipam=ipam)

    def _host(self, name: str, spec: Mapping[str, Any]) -> HostView:
        cpus = spec.get("cpus", CORES)
        labels = {**spec.get("labels", {}), **({"zone": spec["zone"]} if "zone" in spec else {})}
        there = [service for service in self.written["app"] if service not in spec.get("lacks", ())]
        return HostView(
            name=name,
            address=f"10.0.0.{name[1:]}",
            state=HostState(spec.get("state", "active")),
            labels=labels,
            engine_labels=spec.get("engine_labels", {}),
            arch=spec.get("arch", "amd64"),
            cpus=cpus,
            cores=max(CORES, int(cpus)),
            memory=parse_size(str(spec.get("memory", "16g"))),
            devices={"gpu": spec["gpu"]} if "gpu" in spec else {},
            swarm=SwarmView(control=spec.get("manager", False)),
            publish_ip=spec.get("publish_ip", ""),
            containers=tuple(_runs(each, name) for each in spec.get("runs", ())),
            volumes=tuple(VolumeView(each, name) for each in spec.get("volumes", ())),
            networks=(self._network(name),),
            images=tuple(ImageView(f"sha256:{each}", (f"{each}:1",)) for each in there),
        )


def cases(folder: Path) -> Iterator[Case]:
    """Every case of every file in a folder."""
    for file in sorted(folder.glob("*.yml")):
        for document in yaml.safe_load_all(file.read_text()):
            yield Case(document)


def _told(placement: Placement) -> Iterator[str]:
    for slot, choice in placement.choices.items():
        yield f"{slot} on {choice.host}: {choice.reason}"
    for slot, host in placement.unseen.items():
        yield f"{slot} stays on {host}, which was not seen"
    for explanation in placement.why:
        yield ""
        yield from explanation.lines()


def _runs(text: str, host: str) -> ContainerView:
    """A container from its line."""
    name, *words = text.split()
    given = dict(word.partition("=")[::2] for word in words)
    ports = tuple(
        PublishedPort(int(given[key]), 80, protocol, given.get("ip", "0.0.0.0"))
        for key, protocol in (("port", "tcp"), ("udp", "udp"))
        if key in given
    )
    state = given.get("state", "running")
    app, _, slot = name.rpartition("/")
    if "." not in slot:
        return ContainerView(f"{name}-id", name, host, state, ports=ports * (state == "running"))
    made = container(
        slot,
        host,
        app_name=app or "shop",
        state=state,
        hash_="changed" if "changed" in given else "same",
    )
    return replace(
        made,
        id=f"{name}@{host}".ljust(12, "0"),
        ports=ports if state == "running" else (),
        publishes=tuple(PortClaim(p.protocol, p.host_ip, p.port) for p in ports),
        holding=_holding(given),
        exit_code=int(given.get("code", 0)) if state == "exited" else None,
        volumes=("a" * 64,) if "anonymous" in given else (),
    )


def _claim(text: str) -> Claim:
    app, *words = text.split()
    given = dict(word.partition("=")[::2] for word in words)
    ports = (PortClaim("tcp", "", int(given["port"])),) if "port" in given else ()
    held = _holding(given)
    demand = Demand(ports, float(given.get("cpus", 0)), held.memory, held.devices)
    path = app if "/" in app else f"-/{app}"
    return Claim("d1", path, demand, "2026-01-01T00:00:00.000Z")


def _holding(given: Mapping[str, str]) -> Holding:
    gpu = given.get("gpu", "0")
    return Holding(
        nano(given.get("cpus", "0")),
        parse_size(given.get("memory", "0")),
        {"gpu": ALL if gpu == "all" else int(gpu)} if gpu != "0" else {},
    )


def _slot(text: str) -> Slot:
    service, _, number = text.rpartition(".")
    return Slot(service, int(number))
