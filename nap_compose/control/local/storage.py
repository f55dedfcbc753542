"""The calls about cluster storage, carried out here and now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from nap_compose.control.local.base import Local

if TYPE_CHECKING:
    from nap_compose.border import (
        Cancel,
        ContentRequest,
        ContentRestored,
        Listing,
        Moved,
        MoveRequest,
        OneStored,
        Restored,
        SaveRequest,
        SetRequest,
        SetUp,
        StorageStatus,
        StoredRequest,
        StoredRow,
    )
    from nap_compose.control.trail import Act
    from nap_compose.orchestration.events import OnEvent


class LocalStorage(Local):
    """See `border.Storing`."""

    def storage_status(self) -> StorageStatus:
        """How the storage is."""
        from nap_compose.control.storekeeping import status

        return status(self._parts)

    def stored(self, request: StoredRequest) -> Listing:
        """What lies on it."""
        from nap_compose.control.storekeeping import list_stored

        return list_stored(self._parts, replace(request, target=self._owned(request.target)))

    def set_stored(self, request: SetRequest) -> StoredRow:
        """Set what is asked for a volume."""
        from nap_compose.control.storekeeping import change

        request = replace(request, target=self._owned(request.target))
        owner, app = request.target.owner, request.target.app
        with self._act("storage set", owner=owner, app=app) as act:
            act.detail = f"{request.key}: {_told(request)}"
            return change(self._parts, self._who, request)

    def snapshot(self, request: OneStored) -> str:
        """Keep a volume as it is now."""
        from nap_compose.control.storekeeping import take_snapshot

        request = replace(request, target=self._owned(request.target))
        with self._acting("storage snapshot", request):
            return take_snapshot(self._parts, self._who, request)

    def restore_stored(self, request: OneStored) -> Restored:
        """Bring back what was."""
        from nap_compose.control.storekeeping import bring_back

        request = replace(request, target=self._owned(request.target))
        with self._acting("storage restore", request):
            return bring_back(self._parts, self._who, request)

    def remove_stored(self, request: OneStored) -> int:
        """Remove a volume or a snapshot."""
        from nap_compose.control.storekeeping import remove

        request = replace(request, target=self._owned(request.target))
        with self._acting("storage rm", request):
            return remove(self._parts, self._who, request)

    def move_volume(
        self, request: MoveRequest, tell: Callable[[int], None], on_event: OnEvent, cancel: Cancel
    ) -> Moved:
        """Move a volume to another host or into cluster storage."""
        from nap_compose.control.moving import move

        request = replace(request, target=self._owned(request.target))
        owner, app = request.target.owner, request.target.app
        with self._act("volume move", owner=owner, app=app) as act:
            act.detail = f"{request.key} to {request.to or 'cluster storage'}"
            return move(self._parts, self._who, request, tell, on_event, cancel)

    def save_volume(self, request: SaveRequest, cancel: Cancel) -> Iterator[bytes]:
        """What is in a volume."""
        from nap_compose.control.saving import save

        request = replace(request, target=self._owned(request.target))
        owner, app = request.target.owner, request.target.app
        with self._act("volume backup", owner=owner, app=app) as act:
            act.detail = request.key
            yield from save(self._parts, self._who, request, cancel)

    def restore_volume(
        self,
        request: ContentRequest,
        pieces: Iterable[bytes],
        tell: Callable[[int], None],
        on_event: OnEvent,
        cancel: Cancel,
    ) -> ContentRestored:
        """Bring back what was in a volume."""
        from nap_compose.control.saving import restore

        request = replace(request, target=self._owned(request.target))
        owner, app = request.target.owner, request.target.app
        with self._act("volume restore", owner=owner, app=app) as act:
            act.detail = request.key
            return restore(self._parts, self._who, request, pieces, tell, on_event, cancel)

    def release_locks(self, host: str) -> tuple[str, ...]:
        """End the sessions of a host that is proved to be gone."""
        from nap_compose.control.storekeeping import release_locks

        with self._act("storage release") as act:
            act.on(host)
            return release_locks(self._parts, host)

    def set_up_storage(self, *, change: bool) -> SetUp:
        """What is still to be done, or is done now."""
        from nap_compose.control.storage_setup import set_up

        with self._act("storage init", kept=change):
            return set_up(self._parts, change=change)

    def _acting(self, verb: str, request: OneStored) -> AbstractContextManager[Act]:
        return self._act(verb, owner=request.target.owner, app=request.target.app)


def _told(request: SetRequest) -> str:
    words = ("goal", "trash", "quota", "max_files")
    given = ((word, getattr(request, word)) for word in words)
    return ", ".join(f"{word} {value}" for word, value in given if value is not None)
