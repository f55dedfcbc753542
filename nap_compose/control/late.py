"""Records that the database could not take when they came about: kept on disk, handed in later.

What was done stands on the hosts already, whether the database is there or not; this way its
history isn't lost with the connection. Handing in twice does no harm.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from nap_compose.clock import utc_now
from nap_compose.cluster.private_files import drafted, make_private_dir, settle_on_disk
from nap_compose.db.records import DeploymentRecord, Records, StepRecord
from nap_compose.db.trail import AuditRecord, Mark
from nap_compose.errors import NapError
from nap_compose.plaindata import dataclass

FOLDER = "late-records"


@dataclass(frozen=True)
class LateDeployment:
    """A deployment that ended, with its steps. The app is named, not by its id: that may be
    unknown as well. The record's `app_id` is empty."""

    owner: str
    app: str
    project: str
    record: DeploymentRecord
    steps: Sequence[StepRecord]


class LateRecords:
    """What waits in a folder, one file a deployment or row of the audit trail."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, late: LateDeployment | AuditRecord) -> None:
        """Keep it on disk. Raises NapError where that can't be done either."""
        kind = "audit" if isinstance(late, AuditRecord) else "deployment"
        text = json.dumps({"kind": kind, "told": asdict(late)})
        # In the order of the clock, and under a name that stands once it is whole.
        path = self._folder / f"{utc_now()}-{uuid.uuid4().hex}.json"
        try:
            make_private_dir(self._folder)
            with drafted(path, path.with_suffix(".draft"), 0o600) as file:
                file.write(text.encode())
                settle_on_disk(file)
        except OSError as error:
            raise NapError(f"{self._folder} can't be written to: {error.strerror}") from error

    def count(self) -> int:
        """How many wait."""
        return sum(1 for _ in self._folder.glob("*.json"))

    def hand_in(self, records: Records, mark: Mark) -> None:
        """Enter all that waits, the oldest first. Raises RecordsAway; the rest then waits on."""
        for path in sorted(self._folder.glob("*.json")):
            with contextlib.suppress(FileNotFoundError):  # another process was first
                found = json.loads(path.read_text(encoding="utf-8"))
                if found["kind"] == "audit":
                    records.add_audit(AuditRecord(**found["told"]), mark)
                else:
                    _enter(records, found["told"])
                path.unlink()


def _enter(records: Records, told: dict[str, Any]) -> None:
    from nap_compose.db.transactions import Clash

    app = records.ensure_app(told["owner"], told["app"], told["project"])
    ended = DeploymentRecord(**{**told["record"], "app_id": app.id})
    begun = replace(ended, ended="", outcome="running", error="")
    with contextlib.suppress(Clash):  # begun before the database went, and perhaps ended for it
        records.begin(begun)
    records.add_steps([StepRecord(**each) for each in told["steps"]])
    records.finish(ended.id, ended.outcome, ended.error, ended.ended)
