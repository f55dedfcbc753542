"""What lies beside the Compose file, for a command that brings an app about."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nap_compose.cli.session import Session
from nap_compose.compose import beside, parcels
from nap_compose.compose.beside import Beside
from nap_compose.compose.loader import Loaded
from nap_compose.compose.parcels import Piece
from nap_compose.errors import BadFile

if TYPE_CHECKING:
    from nap_compose.border import Control

SETTLED = 2.0
"""Seconds for which a file must have been left alone before its digest is remembered: a clock's
tick is long enough for a second change that its times don't show."""


def look_beside(session: Session, found: Loaded, control: Control) -> Beside:
    """The app with the digests of what lies beside its file; raises BadFile with places.

    Files that haven't changed since the last time aren't read again.
    """
    app = found.app
    memory = Memory.of(session.env, app.working_dir)
    try:
        seen = beside.survey(
            app,
            env=found.env,
            relative=found.relative,
            ships=bool(control.whoami().owner),
            digests=memory.digest,
        )
    except BadFile as error:
        raise found.placed(error) from None
    memory.save()
    for warning in seen.warnings:
        session.terminal.warn_once(warning)
    return seen


class Memory:
    """The SHA-256 of files that were read before, with the state that they were in.

    It stands in the person's cache, and losing it costs a moment.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._before: dict[str, list[object]] = {}
        self._now: dict[str, list[object]] = {}
        with suppress(OSError, ValueError):
            known = json.loads(file.read_text())
            self._before = known if isinstance(known, dict) else {}

    @classmethod
    def of(cls, env: Mapping[str, str], folder: str) -> Memory:
        """That of one project's folder."""
        cache = env.get("XDG_CACHE_HOME") or f"{env.get('HOME') or Path.home()}/.cache"
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:24]
        return cls(Path(cache) / "nap" / "digests" / f"{name}.json")

    def digest(self, piece: Piece) -> str:
        """The SHA-256 of a file, as hex digits. Raises BadFile where it can't be read."""
        state = piece.state
        mark = [state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns]
        before = self._before.get(piece.source)
        if isinstance(before, list) and before[:-1] == mark:
            found = str(before[-1])
        else:
            found = hashlib.sha256(parcels.read(piece)).hexdigest()
        if time.time() - state.st_ctime > SETTLED:
            self._now[piece.source] = [*mark, found]
        return found

    def save(self) -> None:
        """Keep what was seen this time. Where that can't be, the next time reads again."""
        if self._now == self._before:
            return
        with suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=self._file.parent, prefix=".", delete=False
            ) as draft:
                try:
                    json.dump(self._now, draft)
                    draft.flush()
                    Path(draft.name).replace(self._file)
                finally:
                    Path(draft.name).unlink(missing_ok=True)
