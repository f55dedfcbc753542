"""Sessions of clients with MooseFS's master. A client that is gone keeps its file locks until its
session ends, so what needs them elsewhere, such as a database, doesn't start."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection
from pathlib import Path

from nap_compose.cluster.cluster import Moosefs
from nap_compose.errors import NapError
from nap_compose.storage import programs
from nap_compose.storage.report import Client, report

MOST = 120
"""The longest that a lost client should keep its locks, in seconds: MooseFS's own default is a
day."""

WANTED = 60
DEFAULT = 86_400
"""What MooseFS's master does where its configuration doesn't say."""

SETTING = "SESSION_SUSTAIN_TIME"
_PATIENCE = 10.0


def release(moosefs: Moosefs, addresses: Collection[str]) -> list[Client]:
    """End the sessions of clients at these addresses; gives those that were ended.

    Only what isn't connected is ended: MooseFS refuses the others. It must be proved that the
    hosts are gone, since their locks are the fence between two writers.
    """
    ended = []
    for client in report(moosefs).clients:
        if not client.connected and client.address in addresses:
            words = ["-n", "-H", moosefs.master, "-P", str(moosefs.port)]
            said = programs.run(moosefs, "mfscli", *words, f"-CRS/{client.id}")
            if "has been removed" in said:
                ended.append(client)
    return ended


def configured(config: Path) -> int | None:
    """For how many seconds the master's configuration keeps a lost client's session; None where
    it doesn't say. Raises NapError where it can't be read."""
    try:
        lines = config.read_text().splitlines()
    except OSError as error:
        raise NapError(f"can't read {config}: {error.strerror}") from None
    for line in reversed(lines):
        key, _, value = line.partition("=")
        if key.strip() == SETTING and value.strip().isdecimal():
            return int(value.strip())
    return None


def configure(config: Path) -> None:
    """Let the master's configuration say that a lost client's session is kept for WANTED seconds.
    Raises NapError where it can't be written."""
    try:
        lines = config.read_text().splitlines()
        kept = [line for line in lines if line.partition("=")[0].strip(" #") != SETTING]
        new = config.with_name(f"{config.name}.new")
        new.write_text("\n".join([*kept, f"{SETTING} = {WANTED}", ""]))
        new.chmod(config.stat().st_mode & 0o777)
        new.replace(config)
    except OSError as error:
        raise NapError(f"can't write {config}: {error.strerror}") from None


def measured(moosefs: Moosefs) -> int:
    """For how many seconds the master keeps a lost client's session: one is lost for it."""
    with tempfile.TemporaryDirectory(prefix="nap-probe-") as folder:
        program = str(moosefs.tools / "mfsmount") if moosefs.tools else "mfsmount"
        words = [folder, "-f", "-H", moosefs.master, "-P", str(moosefs.port)]
        try:
            probe = subprocess.Popen(
                [program, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise NapError(f"{program} can't be run: {error.strerror}") from None
        try:
            _until(lambda: os.path.ismount(folder), "mounting MooseFS for a moment")
        finally:
            probe.kill()
            probe.wait()
            subprocess.run(["umount", "-l", folder], check=False, capture_output=True)
        lost: list[Client] = []

        def seen() -> bool:
            lost[:] = [
                each
                for each in report(moosefs).clients
                if not each.connected and each.mount == folder
            ]
            return bool(lost)

        _until(seen, "the master to notice a lost client")
        words = ["-n", "-H", moosefs.master, "-P", str(moosefs.port)]
        programs.run(moosefs, "mfscli", *words, f"-CRS/{lost[0].id}")
        return lost[0].expires


def _until(done: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + _PATIENCE
    while not done():
        if time.monotonic() > until:
            raise NapError(f"{what} took longer than {_PATIENCE:g} s")
        time.sleep(0.1)
