"""Steps that make a network or a volume anew, because its definition changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from nap_compose.cluster.engine import Engine, EngineAway, Json, NotFound
from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.steps import shared
from nap_compose.orchestration.steps.passing import until_it_passes
from nap_compose.orchestration.steps.workshop import Report, Workshop
from nap_compose.plaindata import dataclass

_KEPT = ("Driver", "Internal", "Attachable", "EnableIPv6", "Options", "IPAM", "Labels")
"""What of an inspected network makes another one like it."""

_ENDPOINT = ("IPAMConfig", "Links", "DriverOpts", "GwPriority")


@dataclass(frozen=True)
class Attached:
    """One container on a network, with its endpoint's settings; `stays` unless it makes way."""

    host: str
    container: str
    endpoint: Json
    stays: bool


@dataclass(frozen=True)
class Before:
    """A network as it was: the body that makes it again, and who was on it."""

    body: Json
    attached: tuple[Attached, ...]


def renew_network(step: Step, shop: Workshop, report: Report) -> str:
    """Take the network away from under its containers, make it anew, and connect them again."""
    engine = shop.engine(step)
    attached = tuple(_attached(step, shop))
    try:
        before = Before(_body_of(engine.inspect_network(step.target)), attached)
    except NotFound:
        before = Before({}, attached)
    with shop.lock:
        shop.before[step.id] = before
    report("taking it away")
    _take_away(step.target, attached, step, shop)
    report("creating")
    key, name = str(step.args["key"]), str(step.args["name"])
    body = shared.body_of_network(name, key, shop, overlay=bool(step.args["overlay"]))
    made = _make(engine, body, step, shop)
    _connect(made, (each for each in attached if each.stays), shop)
    return "made anew"


def put_network_back(step: Step, shop: Workshop) -> str:
    """Make the network as it was, with its containers on it."""
    before: Before | None = shop.before.get(step.id)
    if before is None:
        return ""
    engine, name = shop.engine(step), str(step.args["name"])
    there = [raw for raw in engine.networks({"name": [name]}) if raw["Name"] == name]
    for network in there:
        _take_away(str(network["Id"]), before.attached, step, shop)
    if not before.body:
        return f"{step.subject} on {step.host} was gone before"
    made = _make(engine, before.body, step, shop)
    _connect(made, before.attached, shop)
    return ""


def renew_volume(step: Step, shop: Workshop, report: Report) -> str:
    """Remove the volume with what is in it, and make it anew."""
    report("taking it away")
    shared.remove_volume(step, shop, report)
    shared.ensure_volume(step, shop, report)
    return "made anew"


def _attached(step: Step, shop: Workshop) -> Iterable[Attached]:
    """The step's containers, each with its endpoint as its own engine shows it."""
    name = str(step.args["name"])
    for member in step.args["members"]:
        host, container = str(member["host"]), str(member["id"])
        try:
            inspected = shop.engines.on(host).inspect_container(container)
        except NotFound:
            continue
        networks = (inspected.get("NetworkSettings") or {}).get("Networks") or {}
        if name in networks:
            endpoint = _endpoint_of(networks[name] or {}, container)
            yield Attached(host, container, endpoint, bool(member["stays"]))


def _endpoint_of(shown: Mapping[str, Any], container: str) -> dict[str, Any]:
    """The settings that make the same endpoint again, without what the engine adds by itself."""
    aliases = [each for each in shown.get("Aliases") or () if each != container[:12]]
    settings = {field: shown[field] for field in _ENDPOINT if shown.get(field)}
    return {"Aliases": aliases, **settings}


def _body_of(inspected: Json) -> dict[str, Any]:
    kept = {field: inspected[field] for field in _KEPT if inspected.get(field)}
    options = {
        key: value
        for key, value in (kept.get("Options") or {}).items()
        if not key.endswith("vxlanid_list")  # the swarm gives the next one another number
    }
    return {"Name": inspected["Name"], **kept, "Options": options}


def _take_away(network: str, attached: Iterable[Attached], step: Step, shop: Workshop) -> None:
    for each in attached:
        with contextlib.suppress(NotFound):
            shop.engines.on(each.host).disconnect_network(network, each.container, force=True)
    shared.remove_network_at_last(shop.engine(step), network)
    for host in step.args.get("known_on") or ():
        with contextlib.suppress(EngineAway):
            shared.wait_forgotten(shop.engines.on(str(host)), network)


def _make(engine: Engine, body: Json, step: Step, shop: Workshop) -> str:
    made = until_it_passes(lambda: shared.create_network(engine, body), shop.overlay)
    if shop.overlay == "consul":
        for host in step.args.get("known_on") or ():
            shared.wait_known(shop.engines.on(str(host)), str(body["Name"]))
    return made


def _connect(network: str, attached: Iterable[Attached], shop: Workshop) -> None:
    for each in attached:
        engine = shop.engines.on(each.host)
        body = {"Container": each.container, "EndpointConfig": each.endpoint}

        def connect(engine: Engine = engine, body: Json = body) -> None:
            engine.connect_network(network, body)

        try:
            until_it_passes(connect, shop.overlay)
        except NotFound:
            continue
