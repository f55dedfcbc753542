"""The records as they were before a migration: a backup on the machine that migrates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nap_compose.clock import utc_now
from nap_compose.cluster.private_files import drafted, make_private_dir, settle_on_disk
from nap_compose.db import backup
from nap_compose.db.database import Database
from nap_compose.db.schema import Migration
from nap_compose.errors import NapError

FOLDER = "before-migrations"
"""Where they are, in the state directory."""
KEPT = 3
"""So many of them are kept."""


class NotSaved(NapError):
    """The backup couldn't be written, so nothing was changed."""


class Before:
    """Writes the backup, and takes away those of migrations long ago. `path` is where it is; None
    where nothing had to be saved."""

    def __init__(self, folder: Path, cluster: str) -> None:
        self._folder = folder
        self._cluster = cluster
        self.path: Path | None = None

    def save(
        self, database: Database, connection: Any, known: tuple[Migration, ...], version: int
    ) -> None:
        """Write the records, which are of that version, within the turn to migrate. Raises
        NotSaved."""
        moment = utc_now().replace(":", "").replace("-", "").replace(".", "")
        path = self._folder / f"{moment}-schema-{version}.json"
        try:
            make_private_dir(self._folder)
            for left in self._folder.glob("*.draft"):  # by one that was killed: it is our turn
                left.unlink(missing_ok=True)
            with drafted(path, path.with_suffix(".draft"), 0o600) as file:
                for line in backup.write(database, connection, known, self._cluster):
                    file.write(line)
                settle_on_disk(file)
        except OSError as error:
            raise NotSaved(
                f"the backup that goes before can't be written to {path}: {error.strerror}",
                hint="nothing was changed; make room there, or write one elsewhere with nap db "
                "backup",
            ) from None
        self.path = path
        for old in sorted(self._folder.glob("*.json"))[:-KEPT]:
            old.unlink(missing_ok=True)
