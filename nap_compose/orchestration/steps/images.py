"""Steps on images: streamed from a host that has them, or pulled."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from nap_compose.cluster.engine import Engine, EngineError
from nap_compose.cluster.image_tars import files_of, shared, without
from nap_compose.cluster.images import familiar
from nap_compose.compose.references import parse
from nap_compose.compose.shortforms import BadForm
from nap_compose.errors import NapError
from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.steps.convoys import Convoy
from nap_compose.orchestration.steps.workshop import Logins, Report, Workshop
from nap_compose.units import show_size

PULL_AGAIN = (0.2, 0.5, 1.0, 2.0)
"""Seconds before each further try of a pull that failed on the way."""

WORTH = 8 << 20
"""Images of so many bytes are sent without the layers that a host has already."""

LOOKED_AT = 50
"""So many of a host's images, the youngest, are looked at for layers that it has."""

_PASSING = ("network is unreachable", "connection reset", "EOF", "TLS handshake timeout")
"""What an engine says of a pull that may well succeed a moment later. (Engine 20.10.5 dials from
a thread left in a removed network's namespace, where every address is unreachable.)"""

_UNREACHED = (
    *_PASSING,
    "no such host",
    "server misbehaving",
    "connection refused",
    "no route to host",
    "i/o timeout",
    "Client.Timeout",
    "deadline exceeded",
    "proxyconnect",
)
"""What it says where the registry wasn't so much as asked."""


def bring_image(step: Step, shop: Workshop, report: Report) -> str:
    """Have the image on the host: streamed from one that has it, else pulled."""
    engine = shop.engine(step)
    sources = [str(host) for host in step.args.get("from") or ()]
    if step.host in sources:
        name_image(engine, str(step.args["id"]), step.target)
        return "named again"
    if sources:
        return _stream(step, shop, engine, sources, report)
    return pull_image(step, engine, report, shop.logins)


def _stream(step: Step, shop: Workshop, engine: Engine, sources: list[str], report: Report) -> str:
    """Copy the image from another host, piece by piece, past this machine's disk."""
    convoy = shop.convoy(step, sources)
    total = int(step.args.get("size") or 0)
    sent = _send(step, engine, convoy, report, total, parts=total >= WORTH)
    if sent is None:  # its store wants all of it
        convoy = shop.convoy(step, sources, alone=True)
        sent = _send(step, engine, convoy, report, total, parts=False)
    source = convoy.source
    wanted = str(step.args.get("id") or "")
    if step.args.get("unnamed"):
        name_image(engine, wanted, step.target)
    found = str(engine.inspect_image(step.target)["Id"])
    if found != (wanted or found):
        raise NapError(
            f"arrived as {found[:19]}, {wanted[:19]} was sent",
            host=step.host,
            hint=f"it was replaced on {source.host} meanwhile: run the command again",
        )
    part = f"{show_size(sent or 0)} of " if (sent or total) < total else ""
    return f"{part}{show_size(total)} from {source.host}"


def _send(
    step: Step, engine: Engine, convoy: Convoy, report: Report, total: int, *, parts: bool
) -> int | None:
    """Load what the convoy brings, with `parts` without the layers that the host has; gives the
    bytes that were sent, None where the engine won't take a part for the whole."""
    done = 0
    there: frozenset[str] = frozenset()
    source = convoy.source.host

    def counted() -> Iterator[bytes]:
        nonlocal done
        pieces = convoy.pieces(step.host)
        for piece in without(pieces, there) if there else pieces:
            done += len(piece)
            report(f"from {source}", min(done, total) if total else done, total)
            yield piece

    report(f"from {source}", 0, total)
    try:
        if parts:
            there = _there_already(step, engine, convoy.source)
        engine.load_image(counted())
    except EngineError as error:
        if "no space left" in error.message:
            raise NapError(
                f"has no room for the image of {show_size(total)}: {error.message}",
                host=step.host,
                hint="nap prune removes what no revision needs",
            ) from None
        if there:
            return None
        raise
    finally:
        convoy.leave(step.host)
    return done


def _there_already(step: Step, engine: Engine, source: Engine) -> frozenset[str]:
    """The files of layers that the host has, in a stream from the source."""
    try:
        layers = _layers(source, str(step.args.get("id") or step.target))
        others = sorted(engine.images(), key=lambda each: -int(each.get("Created") or 0))
        known = [_layers(engine, str(each["Id"])) for each in others[:LOOKED_AT]]
    except EngineError:
        return frozenset()  # something went meanwhile
    return files_of(layers, min(shared(layers, known), len(layers) - 1)) if layers else frozenset()


def _layers(engine: Engine, image: str) -> list[str]:
    found = engine.inspect_image(image).get("RootFS") or {}
    return [str(layer) for layer in found.get("Layers") or ()]


def name_image(engine: Engine, image: str, reference: str) -> None:
    """Let an image that is there, by its id, go by a name."""
    repository, _, tag = familiar(reference).rpartition(":")
    engine.tag_image(image, repository, tag)


def pull_image(step: Step, engine: Engine, report: Report, logins: Logins) -> str:
    """Pull the image that a step is about. What a network does wrong for a moment is tried again;
    what a registry says is final."""
    with logins.pulling(engine, step.target) as login:
        _pull(step, engine, report, login)
    return "pulled"


def _pull(step: Step, engine: Engine, report: Report, login: Mapping[str, str] | None) -> None:
    for pause in (*PULL_AGAIN, None):
        try:
            _pull_once(step, engine, report, login)
        except EngineError as error:
            if pause is None or not any(sign in error.message for sign in _PASSING):
                raise NapError(
                    f"can't be pulled: {error.message}",
                    host=step.host,
                    hint=_hint(step.target, error.message),
                ) from error
            report("pulling again")
            time.sleep(pause)
        else:
            break


def _hint(image: str, said: str) -> str:
    """What to look at where an image can't be pulled: the same for all of one registry's."""
    if not any(sign in said for sign in _UNREACHED):
        return (
            "check its name; a private one needs `nap registry login` (on the local engine "
            "`docker login`), or load it on one host and nap brings it to the others"
        )
    return (
        f"{_registry_of(image)} wasn't reached: check that name, the host's own network and DNS, "
        "and its engine's proxy (`docker info` shows it)\n"
        "`nap registry login` (on the local engine `docker login`) helps once it answers; an image "
        "that is loaded on one host is brought to the others without it"
    )


def _registry_of(image: str) -> str:
    try:
        return parse(familiar(image)).registry
    except BadForm:
        return "its registry"


def _pull_once(step: Step, engine: Engine, report: Report, login: Mapping[str, str] | None) -> None:
    report("pulling")
    layers: dict[str, tuple[int, int]] = {}
    platform = str(step.args.get("platform") or "")
    for record in engine.pull_image(familiar(step.target), platform=platform, auth=login):
        detail = record.get("progressDetail") or {}
        if detail.get("total"):
            layers[str(record.get("id"))] = (int(detail["current"]), int(detail["total"]))
            done, total = (sum(column) for column in zip(*layers.values(), strict=True))
            report("pulling", done, total)
