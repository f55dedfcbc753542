"""A bed as a whole: bring it up, look at it, take it down."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from bed import cluster_file, engines, gossip, hosts, layout, net, remains, services, swarm, tls
from bed.errors import BedError
from bed.layout import Bed

Say = Callable[[str], None]


def up(
    name: str,
    *,
    size: int | None = None,
    network: str | None = None,
    engine: str | None = None,
    parts: Iterable[str] | None = None,
    say: Say = lambda _: None,
) -> Bed:
    """Bring a bed up, or complete one. What isn't said is as it was, or the default."""
    with layout.lock(f"bed-{name}"):
        bed = _wanted(name, size, network, engine, parts)
        say(f"bed {bed.name} on {bed.subnet}: packages")
        engines.prepare(bed)
        for each in services.of(bed):
            services.module(each).prepare()
        say("network and hosts")
        tls.authority(bed)
        net.up(bed)
        with ThreadPoolExecutor() as pool:
            _all(pool.submit(hosts.boot, bed, host) for host in bed.hosts)
            beside = [
                pool.submit(_start_service, bed, each, say)
                for each in services.of(bed, services.INDEPENDENT)
            ]
            _start_hosted_and_engines(bed, pool, say)
            _all(beside)
        for each in services.of(bed, services.NEEDING_ENGINES):
            _start_service(bed, each, say)
        cluster_file.write(bed)
        return bed


def down(name: str) -> bool:
    """Take a bed down, whatever is left of it; whether anything was."""
    with layout.lock(f"bed-{name}"):
        return remains.clear(name)


def status(bed: Bed) -> Iterable[tuple[str, str, str]]:
    """A row for each host and service: name, state, where."""
    for host in bed.hosts:
        state = hosts.state(bed, host)
        if state == "up" and bed.network == "swarm":
            state = f"up, {swarm.role(host)}"
        yield host.name, state, host.endpoint
    for name in services.of(bed):
        yield name, services.module(name).status(bed), ""


def _wanted(
    name: str,
    size: int | None,
    network: str | None,
    engine: str | None,
    parts: Iterable[str] | None,
) -> Bed:
    bed = layout.load(name)
    chosen = tuple(parts) if parts is not None else layout.PARTS
    if (network or (bed.network if bed else "swarm")) == "consul":
        chosen = (*chosen, "consul")  # the engines can't do without it
    if bed is None:
        with layout.lock("subnets"):
            return layout.create(
                name,
                net.used_subnets(),
                size=size or 3,
                network=network or "swarm",
                engine=engine or "20",
                parts=("hosts", *chosen),
            )
    asked = replace(
        bed,
        size=size or bed.size,
        network=network or bed.network,  # type: ignore[arg-type]
        engine=engine or bed.engine,  # type: ignore[arg-type]
    )
    if asked != bed:
        raise BedError(
            f"bed {name} is there with {bed.size} hosts, network {bed.network} and engine"
            f" {bed.engine}; first: python -m bed down --name {name}"
        )
    if parts is not None:
        bed = bed.with_parts(chosen)
        bed.save()
    return bed


def _start_hosted_and_engines(bed: Bed, pool: ThreadPoolExecutor, say: Say) -> None:
    hosted = services.of(bed, services.HOSTED)
    if bed.network == "consul":
        # The engines need Consul's leader, and started together some miss the others' gossip.
        _start_service(bed, "consul", say)
        for host in bed.hosts:
            engines.start(bed, host)
        gossip.ensure_once(bed)
        _all(pool.submit(_start_service, bed, each, say) for each in hosted if each != "consul")
        return
    started = [pool.submit(_start_service, bed, each, say) for each in hosted]
    _all(pool.submit(engines.start, bed, host) for host in bed.hosts)
    say("engines answer")
    swarm.join(bed)
    say("swarm joined")
    _all(started)


def _start_service(bed: Bed, name: str, say: Say) -> None:
    services.module(name).start(bed)
    say(f"{name} is ready")


def _all(futures: Iterable[Future[None]]) -> None:
    """Wait for all, then raise the first error: nothing goes on behind the caller's back."""
    errors = [error for future in list(futures) if (error := future.exception())]
    if errors:
        raise errors[0]
