"""Which image each service of a revision runs: told before, completed after, and kept from harm."""

from __future__ import annotations

import contextlib

from nap_compose.cluster import pins
from nap_compose.cluster.engine import EngineAway, EngineError
from nap_compose.cluster.images import familiar
from nap_compose.cluster.observe import Part, Whose
from nap_compose.cluster.pins import Pin
from nap_compose.cluster.state import StateStore, StoreAway
from nap_compose.cluster.view import View
from nap_compose.control.parts import Parts
from nap_compose.errors import Away
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.decide import Wish


def known(store: StateStore, wish: Wish) -> dict[str, Pin]:
    """What is known of each service's image before anything is done: of those that are deployed
    now as they were found, of the others as the revision before has them."""
    owner, app = wish.owner, wish.app
    found = {
        name: Pin(image.id, image.digest)
        for name in wish.services
        if (image := wish.images.get(image_reference(app.services[name], wish.project)))
        and image.id
    }
    if len(found) == len(app.services):
        return found
    before = pins.read(store, owner, app.name, wish.revision) if wish.revision else {}
    others = {name: pin for name, pin in before.items()
              if name in app.services and name not in wish.services}  # fmt: skip
    return {**others, **found}


def complete(parts: Parts, wish: Wish, revision: int) -> None:
    """Add the images that hosts had to pull first: they stand on the containers by now."""
    owner, app = wish.owner, wish.app
    with contextlib.suppress(StoreAway, Away):
        missing = set(wish.services) - set(pins.read(parts.store, owner, app.name, revision))
        if not missing:
            return
        only = frozenset({Part.CONTAINERS, Part.IMAGES})
        view = parts.look(only=only, whose=Whose(owner=owner, app=app.name))
        found: dict[str, Pin] = {}
        for each in view.of_app(owner, app.name):
            if each.identity and each.identity.service in missing and not each.identity.oneoff:
                image = view.hosts[each.host].has_image(each.image_id)
                digests = image.digests if image else ()
                found[each.identity.service] = Pin(each.image_id, digests[0] if digests else "")
        pins.add(parts.store, owner, app.name, revision, found)


def former_tag(image: str) -> str:
    """The tag of an image, known by its id, whose own went to another one."""
    return f"former-{image.rpartition(':')[2][:12]}"


def rename_others(parts: Parts, view: View, reference: str, meant: str, but: str = "") -> None:
    """Let every other image that goes by `reference` go by another name: or else a host that has a
    younger one would be taken at its word, and one without a name might be cleaned away.

    On the host `but` the name has moved on already. What can't be renamed stays as it is.
    """
    wanted = familiar(reference)
    if "@" in wanted:
        return
    repository = wanted.rpartition(":")[0]
    for host in view.hosts.values():
        other = host.has_image(wanted)
        if other is None or other.id == meant:
            continue
        engine = parts.engines.on(host.name)
        with contextlib.suppress(EngineError, EngineAway):
            engine.tag_image(other.id, repository, former_tag(other.id))
            if host.name != but:
                engine.remove_image(wanted)
