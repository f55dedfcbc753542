"""Images that go with their app: `down --rmi`, on one engine.

A cluster's apps keep theirs, as the way back to earlier revisions; `prune` knows which are needed.
"""

from __future__ import annotations

from collections.abc import Iterable

from nap_compose.cluster.engine import EngineAway, EngineError, NotFound
from nap_compose.cluster.view import ContainerView
from nap_compose.control.parts import Parts
from nap_compose.errors import WrongUse
from nap_compose.orchestration.emitter import Emitter
from nap_compose.orchestration.events import Phase
from nap_compose.orchestration.plan import Kind, Step

ALL, LOCAL = "all", "local"


def refuse_on_a_cluster(parts: Parts, which: str) -> None:
    """Raise WrongUse where images are asked to go and are other apps' and revisions' too."""
    if which and not parts.cluster.embedded:
        raise WrongUse(
            "on a cluster an app's images stay, for the way back to its earlier revisions",
            hint="nap prune removes those that no app needs any more",
        )


def named(containers: Iterable[ContainerView], which: str) -> list[tuple[str, str]]:
    """The images of containers that go, as (host, name): `all`, or those alone that were built for
    them (`local`) and so have no name of their own in the file."""
    return sorted(
        {(each.host, each.image) for each in containers if which == ALL or _built(each)}
        if which
        else ()
    )


def remove(parts: Parts, images: Iterable[tuple[str, str]], emitter: Emitter) -> tuple[str, ...]:
    """Remove them, told as steps are; gives a sentence for each that has to stay."""
    left = []
    for host, image in images:
        step = Step(f"remove-image:{image}@{host}", Kind.REMOVE, host, image, f"image {image}")
        try:
            parts.engines.on(host).remove_image(image)
        except NotFound:
            continue
        except (EngineError, EngineAway) as error:
            left.append(f"image {image} stays: {error.message}")
        else:
            emitter.step(step, Phase.DONE, "removed")
    return tuple(left)


def _built(container: ContainerView) -> bool:
    identity = container.identity
    if identity is None:
        return False
    own = f"{identity.project or identity.app}-{identity.service}"
    return container.image.removesuffix(":latest") == own
