"""Steps on containers: create, take a name, start, set aside."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from nap_compose.cluster import names, published
from nap_compose.cluster.demand import PortClaim
from nap_compose.cluster.engine import Conflict, Engine, EngineAway, EngineError, NotFound, speaks
from nap_compose.cluster.own_images import entry, packed
from nap_compose.compose.model import Service
from nap_compose.compose.parcels import the_file
from nap_compose.errors import NapError
from nap_compose.health.rules import shared_volumes, watched
from nap_compose.orchestration.bodies.container import container_body, image_reference
from nap_compose.orchestration.bodies.making import Making, OneOff
from nap_compose.orchestration.bodies.networking import endpoint, other_networks
from nap_compose.orchestration.naming import slot_name
from nap_compose.orchestration.placement.asks import holding_of, most_of
from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.shipping import (
    content_key,
    grants_of,
    injected,
    rights_of,
    target_of,
)
from nap_compose.orchestration.steps import hooks, keeping
from nap_compose.orchestration.steps.ending import stop_there, unless_gone
from nap_compose.orchestration.steps.starting import explained, start_there
from nap_compose.orchestration.steps.workshop import Report, Workshop
from nap_compose.orchestration.wanted import Slot, namespace_of


def create(step: Step, shop: Workshop, report: Report) -> str:
    """Make the container of a slot, connected to its networks and not yet started."""
    engine = shop.engine(step)
    making = _making(step, shop, engine)
    name = making.name
    if step.args["temporary"]:
        name = names.temporary_name(name, shop.plan.deployment)
    report("creating")
    quiet = bool(step.args.get("quiet"))
    others = {
        making.network(key): endpoint(making, key, quiet=quiet)
        for key in other_networks(making.service)
    }
    at_once = speaks(engine, 1, 44)
    body = container_body(making, quiet=quiet)
    if at_once and others:
        body["NetworkingConfig"]["EndpointsConfig"].update(others)
    container = _create(engine, name, making, shop, body)
    with shop.lock:
        shop.containers[step.target] = shop.made_ids[step.id] = container
        shop.made.add(step.id)
    for network, settings in ({} if at_once else others).items():
        joining = {"Container": container, "EndpointConfig": settings}
        engine.connect_network(network, joining)
    _inject(engine, container, making, shop)
    return "created"


def _inject(engine: Engine, container: str, making: Making, shop: Workshop) -> None:
    """Copy configs and secrets that are no files into the container, as Compose does."""
    given = injected(making.app, making.service)
    for kind, grant in grants_of(making.service):
        target = target_of(kind, grant)
        if target in given:
            head = entry(target.lstrip("/"), 0)
            head.mode, head.uid, head.gid = rights_of(grant)
            content = the_file(shop.stock.tar(content_key(kind, grant)))
            owned = bool(grant.get("uid") or grant.get("gid"))
            engine.put_archive(container, "/", [packed([(head, content)])], copy_owner=owned)


def uncreate(step: Step, shop: Workshop) -> str:
    """Remove the container that was made, running or not, with its anonymous volumes; one that
    failed is kept for a look.

    Only that one: until the step is done, the slot's container is the one that was there before.
    """
    engine = shop.engine(step)
    for made in _made_by(step, shop):
        if made in shop.unwell and keeping.keep(step, shop, made):
            continue
        unless_gone(lambda made=made: engine.remove_container(made, volumes=True, force=True))
    return ""


def take_name(step: Step, shop: Workshop, _report: Report) -> str:
    """Give the container its slot's name."""
    container = shop.container_of(step)
    name = str(step.args["name"])
    try:
        _rename(shop.engine(step), container, name)
    except Conflict as conflict:
        raise NapError(
            f"the name {name} is taken by a container that isn't this app's",
            host=step.host,
            hint=f"look at it with: docker inspect {name}",
        ) from conflict
    return "named"


def give_name_back(step: Step, shop: Workshop) -> str:
    """Let a container that was there before go by its former name again."""
    _rename(shop.engine(step), shop.container_of(step), str(step.args["was"]))
    return ""


def start(step: Step, shop: Workshop, report: Report) -> str:
    """Start the slot's container; starting a running one changes nothing."""
    paused = bool(step.args.get("paused"))
    report("unpausing" if paused else "starting")
    engine, container = shop.engine(step), shop.container_of(step)
    try:
        if paused:
            engine.unpause_container(container)
        else:
            start_there(step, container, shop, report, shop.stopped)
            hooks.after_start(step, container, shop, report)
    except EngineAway:
        with shop.lock:
            shop.made.add(step.id)  # it may run all the same
        raise
    except EngineError as error:
        raise explained(error, step) from error
    with shop.lock:
        shop.made.add(step.id)
        shop.last_start = shop.started[container] = time.monotonic()
    return "unpaused" if paused else "started"


def unstart(step: Step, shop: Workshop) -> str:
    """Stop a container that stood stopped before."""
    unless_gone(lambda: shop.engine(step).stop_container(shop.container_of(step)))
    return ""


def pause_again(step: Step, shop: Workshop) -> str:
    """Freeze a container that was frozen before."""
    if step.id in shop.made:
        unless_gone(lambda: shop.engine(step).pause_container(shop.container_of(step)))
    return ""


def set_aside(step: Step, shop: Workshop, report: Report) -> str:
    """Stop a container and take its name away; it can still come back."""
    engine = shop.engine(step)
    name = str(step.args["name"])
    if step.args.get("running"):
        shop.unlist(step.host, step.target)
        hooks.before_stop(step, step.target, shop, report)
        report("stopping")
        with shop.gate(step.host).stopping():
            stop_there(step, step.target, shop, report)
    aside = names.set_aside_name(name.partition(".old.")[0], shop.plan.deployment)
    if name != aside and ".old." not in name:
        engine.rename_container(step.target, aside)
    return "stopped"


def bring_back(step: Step, shop: Workshop) -> str:
    """Give it its name again, and start it if it ran."""
    engine = shop.engine(step)
    _rename(engine, step.target, str(step.args["name"]))
    if step.args.get("running"):
        start_there(step, step.target, shop)
    return ""


def _made_by(step: Step, shop: Workshop) -> list[str]:
    """The ids of what a create step made. An engine may have made it and its answer not arrived."""
    with shop.lock:
        known = shop.made_ids.get(step.id)
    if known:
        return [known]
    return [
        container.id
        for container in shop.snapshots.since(step.host, time.monotonic()).values()
        if container.identity is not None
        and container.identity.slot == step.target
        and shop.made_now(container.identity)
    ]


def _rename(engine: Engine, container: str, name: str) -> None:
    """Rename; a container that goes by the name already keeps it."""
    try:
        engine.rename_container(container, name)
    except EngineError as error:
        if "same name" not in error.message:
            raise


def _create(engine: Engine, name: str, making: Making, shop: Workshop, body: dict[str, Any]) -> str:
    platform = str(making.spec.get("platform") or "")
    if speaks(engine, 1, 44):
        # Newer engines want it at the endpoint, where it stands as well.
        body.pop("MacAddress", None)
    try:
        return engine.create_container(name, body, platform=platform)
    except NotFound as missing:
        if "no such image" not in missing.message.lower():
            raise
        raise _no_image(engine, str(body["Image"])) from None  # it was removed since
    except Conflict:
        stale = engine.inspect_container(name)
        labels: Mapping[str, str] = (stale.get("Config") or {}).get("Labels") or {}
        if labels.get("io.nap.deployment") == shop.plan.deployment:
            return str(stale["Id"])  # this very step was cut off after the engine had done it
        raise NapError(
            f"the name {name} is taken by a container that isn't this app's",
            host=engine.host,
            hint=f"look at it with: docker inspect {name}",
        ) from None


def _making(step: Step, shop: Workshop, engine: Engine) -> Making:
    app = shop.the_app()
    slot = Slot(str(step.args["service"]), int(step.args["replica"]))
    service = app.services[slot.service]
    oneoff = OneOff(**step.args["oneoff"]) if "oneoff" in step.args else None
    name = (
        oneoff.name
        if oneoff is not None
        else slot_name(service, shop.plan.owner, shop.plan.project, slot)
    )
    identity = shop.identity(
        service=slot.service,
        replica=slot.number,
        fence=int(step.args["fence"]),
        oneoff=oneoff is not None,
    )
    compose = {
        "image": _image_id(engine, image_reference(service, shop.plan.project), shop),
        "depends_on": _depends_on(service),
        "project.working_dir": app.working_dir,
        "project.config_files": ",".join(app.files),
    }
    compose |= {"slug": oneoff.slug} if oneoff is not None else {}
    publish_ip = shop.cluster.hosts[step.host].publish_ip
    return Making(
        app=app,
        service=service,
        slot=slot,
        project=shop.plan.project,
        name=name,
        labels=shop.labels_of(
            identity,
            name,
            compose,
            holds=holding_of(service).label(most_of(service), _published(service, publish_ip)),
            hooks=hooks.named(service),
        ),
        publish_ip=publish_ip,
        containers=_parents(service, shop),
        inherit=_anonymous_volumes(step, shop),
        oneoff=oneoff,
        watched=oneoff is None and _watched(service, shop),
    )


def _published(service: Service, publish_ip: str) -> list[list[str | int]]:
    """The ports that stay the app's while the container is stopped. Of a range the engine takes
    what is free."""
    return published.told(
        PortClaim(port.protocol, port.host_ip or publish_ip, number)
        for port in service.ports
        if (number := port.fixed()) is not None
    )


def _watched(service: Service, shop: Workshop) -> bool:
    """Whether the watcher starts it again, and its engine never does."""
    app, cluster = shop.the_app(), shop.cluster
    return watched(app, service, cluster.failover, shared_volumes(app, cluster.storage))


def _image_id(engine: Engine, reference: str, shop: Workshop) -> str:
    """The id of the image here: as the host was seen, or where it was brought since, as it says."""

    def ask() -> str:
        try:
            return str(engine.inspect_image(reference)["Id"])
        except NotFound:
            raise _no_image(engine, reference) from None

    return shop.image_ids.of(engine.host, reference, ask)


def _no_image(engine: Engine, reference: str) -> NapError:
    return NapError(
        f"image {reference} isn't there",
        host=engine.host,
        hint=f"pull or load it: docker pull {reference}",
    )


def _depends_on(service: Service) -> str:
    """Compose's label: `name:condition:restart` for each."""
    return ",".join(
        f"{entry.service}:{entry.condition.value}:{str(entry.restart).lower()}"
        for entry in service.depends_on
    )


def _parents(service: Service, shop: Workshop) -> dict[str, str]:
    """The containers whose namespaces or volumes this one uses."""
    found: dict[str, str] = {}
    for name in namespace_of(service):
        container = _first_of(name, shop)
        if not container:
            raise NapError(
                f"it shares namespaces or volumes with {name}, which has no container",
                hint=f"bring {name} up too: nap up {name} {service.name}",
            )
        found[name] = container
    return found


def _first_of(service: str, shop: Workshop) -> str:
    """The container of the service's first replica; empty where it has none."""
    with shop.lock:
        numbers = [
            int(slot.rpartition(".")[2])
            for slot in shop.containers
            if slot.rpartition(".")[0] == service
        ]
        return shop.containers[str(Slot(service, min(numbers)))] if numbers else ""


def _anonymous_volumes(step: Step, shop: Workshop) -> dict[str, str]:
    """The anonymous volumes of the container that is replaced, if it is on the same host."""
    old = str(step.args.get("replaces") or "")
    if not old or step.args.get("fresh_volumes") or step.args.get("replaces_on") != step.host:
        return {}
    try:
        inspected = shop.engine(step).inspect_container(old)
    except NotFound:
        return {}
    return {
        str(mount["Destination"]): str(mount["Name"])
        for mount in inspected.get("Mounts") or ()
        if mount.get("Type") == "volume" and _looks_anonymous(mount)
    }


def _looks_anonymous(mount: Mapping[str, Any]) -> bool:
    """An engine names anonymous volumes with 64 hex digits."""
    name = str(mount.get("Name") or "")
    return len(name) == 64 and all(char in "0123456789abcdef" for char in name)
