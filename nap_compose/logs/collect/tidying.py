"""Compressing what is full and letting go of what is old, again and again."""

from __future__ import annotations

import time

from nap_compose.cluster.cluster import Logs
from nap_compose.logs.collect.saying import Saying
from nap_compose.logs.kept.tidy import compress, files_in, remove_drafts, too_many

QUIET = 3600.0
"""Seconds after which nobody goes on with a file: the last segment of a container that is gone is
compressed then, and what somebody began and didn't end is removed."""


class Tidying:
    """Keeps the files within what the cluster file allows."""

    pause = 20.0
    """Seconds between two times."""

    def __init__(self, logs: Logs, say: Saying) -> None:
        self._logs = logs
        self._say = say

    def tidy(self, live: frozenset[str]) -> None:
        """Once. `live` are the short ids of the containers whose lines may go on."""
        try:
            remove_drafts(self._logs.dir, before=time.time() - QUIET)
            files = files_in(self._logs.dir)
            going = too_many(
                files,
                before=time.time() - self._logs.keep,
                max_app=self._logs.max_app,
                max_total=self._logs.max_total,
                live=live,
            )
            for each in going:
                each.segment.path.unlink(missing_ok=True)
            gone = {each.segment for each in going}
            for each in files:
                over = each.segment.container not in live and time.time() - each.at > QUIET
                if each.segment not in gone and not each.segment.compressed:
                    compress(each.segment, over=over)
            self._say(f"tidying {self._logs.dir}", "")
        except OSError as error:
            self._say(f"tidying {self._logs.dir}", error.strerror or str(error))
