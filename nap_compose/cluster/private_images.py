"""Images that came with somebody's login at a registry: which they are, and who may have them.

Once an image lies on a host, its engine makes containers of it for anybody. So it is remembered
that its registry gives it to some alone, and which apps its registry's word was had for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nap_compose.cluster import state_keys
from nap_compose.cluster.images import familiar
from nap_compose.cluster.state import StateStore
from nap_compose.compose.references import parse
from nap_compose.compose.shortforms import BadForm
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class PrivateImages:
    """`names`: an image's id, or a repository in full → a name to ask its registry for."""

    names: Mapping[str, str]

    def of(self, image: str, called: Iterable[str]) -> tuple[str, ...]:
        """By which names to ask for the image with that id, which is `called` so on the hosts;
        none where anybody may have it, since it goes by a name that is nobody's alone as well."""
        repositories = {name: repository_of(name) for name in called}
        names = [name for name, repository in repositories.items() if repository]
        if names and not all(repositories[name] in self.names for name in names):
            return ()
        known = [self.names[image]] if image in self.names else []
        return tuple(dict.fromkeys([*names, *known]))


def repository_of(reference: str) -> str:
    """The repository, with its registry; empty for what is no name.

    >>> repository_of("redis:7")
    'docker.io/library/redis'
    """
    try:
        found = parse(familiar(reference))
    except BadForm:
        return ""
    return f"{found.registry}/{found.path}"


def read_all(store: StateStore) -> PrivateImages:
    """All that is known."""
    start = len(state_keys.PRIVATE_IMAGES)
    found = store.list(state_keys.PRIVATE_IMAGES)
    return PrivateImages({entry.key[start:]: str(entry.value["name"]) for entry in found})


def mark(store: StateStore, what: str, name: str) -> None:
    """Remember that an image (by its id) or a repository is for some alone."""
    store.put(state_keys.private_image(what), {"name": name})


def show(store: StateStore, owner: str, app: str, image: str) -> None:
    """Remember that an app may have the image with that id."""
    store.put(state_keys.shown_images(owner, app) + image, {})


def is_shown(store: StateStore, owner: str, app: str, image: str) -> bool:
    """Whether that was remembered."""
    return store.get(state_keys.shown_images(owner, app) + image) is not None


def forget(store: StateStore, owner: str, app: str) -> None:
    """Forget what an app may have, once it is gone."""
    for entry in store.list(state_keys.shown_images(owner, app)):
        store.delete(entry.key)
