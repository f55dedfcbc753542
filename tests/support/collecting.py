"""`nap logs collect` beside a test on real hosts: killed and begun anew, and what it keeps."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bed.layout import Bed
from nap_compose.logs.kept.series import Series
from tests.support.nap import PROGRAM, Nap

STREAMS = {b"o": "stdout", b"e": "stderr"}


class Collector:
    """One in a process of its own; `words` before it put that process on another machine."""

    def __init__(self, nap: Nap, name: str, words: Sequence[str]) -> None:
        self._nap = nap
        self._words = (*words, str(PROGRAM), "logs", "collect")
        self._said = nap.home / f"{name}.txt"
        self._begin()

    def _begin(self) -> None:
        with self._said.open("a") as said:
            self._process = subprocess.Popen(
                self._words, env=self._nap.env, cwd=self._nap.home, stdout=said, stderr=said
            )

    @property
    def said(self) -> str:
        return self._said.read_text()

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        self._process.kill()
        self._process.wait()

    def again(self) -> None:
        """Kill it, and begin a new one at once."""
        self.kill()
        self._begin()

    def end(self) -> None:
        """As a service is ended, and it must take that well; unless it was killed before."""
        if self._process.poll() is None:
            self._process.terminate()
            assert self._process.wait(timeout=30) == 0, self.said
        assert "Traceback" not in self.said, self.said


@contextmanager
def collecting(nap: Nap, name: str = "collect", words: Sequence[str] = ()) -> Iterator[Collector]:
    """A collector, for as long as the block lasts."""
    collector = Collector(nap, name, words)
    try:
        yield collector
    finally:
        collector.end()


def kept_lines(series: Series) -> Iterator[tuple[str, str]]:
    """What is kept of a container: stream and text of each line."""
    for line in series.lines():
        if line[:1] != b"#":
            yield STREAMS[line[:1]], line[33:].decode()


def series_by_container(found: Sequence[Series]) -> dict[str, Series]:
    """Each container's."""
    return {series.whose.container: series for series in found}


def log_file(bed: Bed, host: str, container: str) -> Path:
    """An engine's own file of what a container printed."""
    return bed.host(host).data_root / "containers" / container / f"{container}-json.log"


def engine_s_own(file: Path) -> Iterator[tuple[str, str]]:
    """What an engine's own log file holds: stream and text of each line."""
    with file.open("rb") as lines:
        for line in lines:
            record = json.loads(line)
            yield record["stream"], record["log"].removesuffix("\n")


def folder_of_logs(cluster_file: Path) -> Path:
    """Where a cluster's logs lie if its file doesn't say."""
    return cluster_file.parent / "nap" / "logs"
