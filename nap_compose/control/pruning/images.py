"""Images that no app needs any more.

An image goes only where some revision ran it, so that nap knows that it was an app's, where none
of any app's last revisions needs it, and where no container anywhere is made from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from nap_compose.border import PrunedRow
from nap_compose.cluster import pins, state_keys
from nap_compose.cluster.engine import EngineAway, EngineError, NotFound
from nap_compose.cluster.view import HostView, ImageView, View
from nap_compose.control.parts import Parts
from nap_compose.control.pinning import former_tag
from nap_compose.plaindata import dataclass
from nap_compose.text import plain


@dataclass(frozen=True)
class Images:
    """`unneeded` are the ids of those that were some app's and are needed by none; each with the
    apps that ran it, by their part of a key."""

    parts: Parts
    unneeded: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, parts: Parts, view: View, keep: int) -> Images:
        """As the revisions and the view tell; an app's last `keep` revisions need theirs."""
        needed = {container.image_id for container in view.containers()}
        ran: defaultdict[str, set[str]] = defaultdict(set)
        for app, revisions in pins.everything(parts.store).items():
            last = sorted(revisions)[-keep:]
            for number, images in revisions.items():
                for pin in images.values():
                    ran[pin.id].add(app)
                    if number in last:
                        needed.add(pin.id)
        for host in view.hosts.values():
            for image in host.images:
                if any(tag.endswith(f":{former_tag(image.id)}") for tag in image.tags):
                    ran[image.id] |= set()
        unneeded = {id_: frozenset(apps) for id_, apps in ran.items() if id_ not in needed}
        return cls(parts, unneeded)

    def prune(self, host: HostView, before: float, *, dry_run: bool) -> Iterator[PrunedRow]:
        """Remove those of a host that were built `before`, in seconds since 1970."""
        for image in host.images:
            if image.id in self.unneeded and image.created <= before:
                row = PrunedRow("image", _named(image), host.name, image.size)
                yield row if dry_run else self._without(image, row)

    def _without(self, image: ImageView, row: PrunedRow) -> PrunedRow:
        """Take its names away, the image with the last; one that came into use meanwhile stays."""
        busy = [app for app in sorted(self.unneeded[image.id]) if self._is_deployed(app)]
        if busy:
            # It may be on its way back to a revision that ran this image.
            return replace(row, problem=f"{busy[0].removeprefix('-/')} is being deployed")
        engine = self.parts.engines.on(row.host)
        try:
            for name in image.tags or (image.id,):
                engine.remove_image(name)
        except NotFound:
            pass
        except (EngineError, EngineAway) as error:
            return replace(row, problem=plain(error.message))
        return row

    def _is_deployed(self, app: str) -> bool:
        return self.parts.store.get(state_keys.APP_LOCKS + app) is not None


def _named(image: ImageView) -> str:
    own = [tag for tag in image.tags if not tag.endswith(f":{former_tag(image.id)}")]
    return (own or list(image.tags) or [image.id.rpartition(":")[2][:12]])[0]
