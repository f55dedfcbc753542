"""The bytes of what lies beside an app's file, for one deployment: from whoever called, or kept."""

from __future__ import annotations

import threading
from collections.abc import Callable

from nap_compose.cluster import contents
from nap_compose.cluster.cipher import Cipher
from nap_compose.cluster.state import StateStore
from nap_compose.compose import parcels
from nap_compose.compose.beside import IN_ALL, Kind, limits_of
from nap_compose.compose.model import App
from nap_compose.errors import NapError
from nap_compose.orchestration.plan import Kind as StepKind
from nap_compose.orchestration.plan import Plan
from nap_compose.units import show_size

MOST_AT_HAND = 256 << 20
"""Bytes that one deployment has in memory at the most: content, and what fills volumes."""

Supply = Callable[[str], bytes]
"""Gives the parcel under a key of `App.content`; raises NapError where it can't be read."""


class Stock:
    """Parcels by their key in `App.content`. Content is kept with the revisions that name it;
    what fills a volume is asked for once, and kept nowhere."""

    def __init__(
        self,
        store: StateStore,
        cipher: Callable[[], Cipher],
        owner: str,
        app: App,
        supply: Supply | None,
    ) -> None:
        self._store = store
        self._cipher = cipher
        self._owner = owner
        self._app = app
        self._supply = supply
        self._at_hand: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def keep(self) -> None:
        """Keep all content of the app, asking only for what isn't kept yet. Raises NapError where
        it is more than goes along with an app."""
        keys = {
            str(each["digest"]): key
            for key, each in self._app.content.items()
            if each["kind"] == Kind.CONTENT.value
        }
        where = (self._owner, self._app.name)
        left = parcels.packed_size(IN_ALL)
        for digest, key in keys.items():
            size = contents.size(self._store, self._cipher(), *where, digest)
            tar = self._asked(key, digest) if size is None else b""
            left -= size if size is not None else len(tar)
            if left < 0:
                raise NapError(
                    "the files beside the Compose file come to more than "
                    f"{show_size(IN_ALL)}, which is the most that goes along with an app"
                )
            if size is None:
                contents.keep(self._store, self._cipher(), *where, digest, tar)

    def prepare(self, plan: Plan) -> None:
        """Have all at hand that the plan's steps will bring: what can't be read fails now."""
        seeds = [step for step in plan.steps if step.kind is StepKind.SEED_VOLUME]
        for step in seeds:
            self.tar(str(step.args["content"]))
        if seeds:
            unfilled = {str(step.args["mark"]) for step in seeds}
            now = contents.seeding(self._store, self._owner, self._app.name) | unfilled
            contents.set_seeding(self._store, self._owner, self._app.name, now)

    def unfilled(self) -> frozenset[str]:
        """The volumes, as `KEY@HOST`, that an interrupted deployment left half filled."""
        return contents.seeding(self._store, self._owner, self._app.name)

    def filled(self, volume: str) -> None:
        """A volume, `KEY@HOST`, is filled: from now on it counts, and not what filled it."""
        with self._lock:
            now = contents.seeding(self._store, self._owner, self._app.name) - {volume}
            contents.set_seeding(self._store, self._owner, self._app.name, now)

    def size(self, key: str) -> int:
        """How large a content is, in bytes."""
        return int(self._app.content[key].get("size") or 0)

    def tar(self, key: str) -> bytes:
        """The parcel. Raises NapError where it is neither kept nor to be had."""
        with self._lock:
            if key not in self._at_hand:
                digest = str(self._app.content[key].get("digest") or "")
                self._at_hand[key] = self._kept(digest) or self._asked(key, digest)
                if sum(map(len, self._at_hand.values())) > MOST_AT_HAND:
                    raise NapError(
                        f"what fills the app's volumes comes to more than "
                        f"{show_size(MOST_AT_HAND)}, which is the most at once",
                        hint="bring some services up first: nap up SERVICE",
                    )
            return self._at_hand[key]

    def _kept(self, digest: str) -> bytes:
        if not digest:
            return b""
        where = (self._owner, self._app.name)
        return contents.load(self._store, self._cipher(), *where, digest) or b""

    def _asked(self, key: str, digest: str) -> bytes:
        called = key.replace(":", " ", 1)
        if self._supply is None:
            raise NapError(
                f"{called} is needed, and it isn't kept",
                hint="bring the app up from its file: nap up",
            )
        tar = self._supply(key)
        if tar:
            # It may come from somebody who asks by other means than nap's own commands.
            parcels.check_size(called, tar, limits_of(key, str(self._app.content[key]["kind"])))
        if tar and (found := parcels.digest_of(tar)) != (digest or found):
            raise NapError(f"{called} was changed while it was read", hint="run the command again")
        return tar
