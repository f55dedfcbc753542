"""How this machine reaches its Debian archive, so that no address stands in the bed."""

from __future__ import annotations

import platform
import re
import subprocess

from bed.errors import BedError

FIELDS = "$(CREATED_BY)|$(ORIGIN)|$(REPO_URI)|$(CODENAME)|$(COMPONENT)"
#: how to get through to the archive; the rest of the machine's settings is its own affair
CONNECTION = re.compile(
    r"^Acquire::(https?|ftp)::|^Acquire::(Check-Valid-Until|Retries|ForceIPv4) "
)


def archive_lines() -> list[str]:
    """The Debian archive as lines of a sources.list."""
    lines = {
        f"deb {uri} {codename} {component}"
        for created_by, origin, uri, codename, component in _targets()
        if created_by == "Packages" and origin == "Debian"
    }
    if not lines:
        raise BedError(
            "images: this machine's apt knows no Debian archive. "
            "Run `apt-get update` and look at /etc/apt/sources.list*."
        )
    return sorted(lines)


def connection_options() -> list[str]:
    """mmdebstrap's options for the proxy and its like that this machine's apt uses."""
    settings = _ask("apt-config", "dump").splitlines()
    wanted = [line for line in settings if CONNECTION.match(line) and not line.endswith('"";')]
    return [f"--aptopt={line.rstrip(';')}" for line in wanted]


def codename() -> str:
    """The release of Debian that this machine runs and its images are made of."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def _targets() -> list[list[str]]:
    return [
        line.split("|") for line in _ask("apt-get", "indextargets", "--format", FIELDS).splitlines()
    ]


def _ask(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
