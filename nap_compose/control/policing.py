"""The policy where it is applied: on a model before it is planned, and at the engines' door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from nap_compose.errors import BadFiles, NotAllowed

if TYPE_CHECKING:
    from nap_compose.auth.policy.keys import Forbidden
    from nap_compose.auth.policy.rules import Bounds
    from nap_compose.border import Who
    from nap_compose.cluster.engine import Engine
    from nap_compose.compose.model import App
    from nap_compose.control.parts import Parts


def check_policy(parts: Parts, who: Who, app: App) -> None:
    """Raise Forbidden or BadFiles with everything in the model that `who` may not ask for."""
    found = list(forbidden(parts, who, app))
    if found:
        raise BadFiles.of(found)


def forbidden(parts: Parts, who: Who, app: App) -> Iterator[Forbidden]:
    """Everything in the model that `who` may not ask for."""
    if _may_ask_for_all(parts, who):
        return
    from nap_compose.auth.policy.keys import judge

    yield from judge(app, _bounds(parts))


def check_image_name(parts: Parts, who: Who, reference: str, app: str = "") -> None:
    """Raise NotAllowed for a name that no image of `who`'s making, for an app that stands under
    their name, may have: on a cluster another's could be taken for what that one, or everybody,
    runs."""
    if _may_ask_for_all(parts, who):
        return
    from nap_compose.control.image_names import may_make

    if not may_make(parts, who.owner, app, reference):
        owner = parts.given(now=False).owner(who.owner, app)
        raise NotAllowed(
            f"an image of yours can't be called {reference}",
            hint=f"name it {owner}/{reference.rpartition('/')[2]}",
        )


def may_lend_folders(parts: Parts, who: Who) -> bool:
    """Whether programs that nap calls may read folders, with the rights that nap has there, by
    paths that `who` gives. Behind the border nobody's are read."""
    return not parts.serves_others and _may_ask_for_all(parts, who)


def build_time(parts: Parts, who: Who) -> float:
    """For how many seconds one call may build."""
    return float("inf") if _may_ask_for_all(parts, who) else parts.cluster.policy.build_time


def door_for(
    parts: Parts, who: Who, owner: str, app: str = ""
) -> Callable[[Engine], Engine] | None:
    """What calls to the engines go through for `who`, who acts on apps that stand under `owner`, or
    on that one alone; None where they may ask for all."""
    if _may_ask_for_all(parts, who):
        return None

    def door(engine: Engine) -> Engine:
        from nap_compose.auth.policy.door import PolicedEngine
        from nap_compose.control.apart import Apart
        from nap_compose.control.registries.entitled import ImageDoor

        moosefs = parts.cluster.storage.moosefs
        return PolicedEngine(
            engine,
            _bounds(parts),
            owner,
            parts.cluster.name,
            parts.seal,
            pool=moosefs.folder if moosefs else "",
            pool_mount=moosefs.mount if moosefs else "",
            addresses=parts.cluster.network.pool,
            images=ImageDoor(parts, app),
            in_place=lambda name: _stayed_in_place(parts, owner, engine.host, name),
            apart=Apart(parts),
            publish_ip=parts.cluster.hosts[engine.host].publish_ip,
        )

    return door


def _stayed_in_place(parts: Parts, owner: str, host: str, volume: str) -> bool:
    """Whether a volume stayed where the host's own Compose had made it for an app of theirs."""
    from nap_compose.cluster import adopted

    return volume in adopted.names_on(adopted.read_all(parts.store, parts.seal, owner), host)


def _may_ask_for_all(parts: Parts, who: Who) -> bool:
    return parts.cluster.embedded or who.role == "admin"


def _bounds(parts: Parts) -> Bounds:
    from nap_compose.auth.policy.rules import Bounds

    return Bounds(parts.cluster.policy, parts.cluster.ports)
