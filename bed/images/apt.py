"""How this machine reaches its Debian archive, so that no address stands in the bed."""

from __future__ import annotations

import platform
import re

from bed.errors import BedError
from bed.namespaces import checked

FIELDS = "$(CREATED_BY)|$(ORIGIN)|$(REPO_URI)|$(CODENAME)|$(COMPONENT)"
#: how to get through to the archive; the rest of the machine's settings is its own affair
CONNECTION = re.compile(
    r"^Acquire::(https?|ftp)::|^Acquire::(Check-Valid-Until|Retries|ForceIPv4) "
)


def archive_lines() -> list[str]:
    """The Debian archive as lines of a sources.list."""
    lines = _lines()
    if not lines:  # who publishes an archive stands in its lists, and those aren't there yet
        _ask("apt-get", "update")
        lines = _lines()
    if not lines:
        raise BedError(
            "this machine's apt knows no Debian archive: look at /etc/apt/sources.list.d"
        )
    return lines


def connection_options() -> list[str]:
    """mmdebstrap's options for the proxy and its like that this machine's apt uses."""
    settings = _ask("apt-config", "dump").splitlines()
    wanted = [line for line in settings if CONNECTION.match(line) and not line.endswith('"";')]
    return [f"--aptopt={line.rstrip(';')}" for line in wanted]


def codename() -> str:
    """The release of Debian that this machine runs and its images are made of."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def _lines() -> list[str]:
    targets = _ask("apt-get", "indextargets", "--format", FIELDS).splitlines()
    return sorted(
        {
            f"deb {uri} {codename} {component}"
            for created_by, origin, uri, codename, component in (
                each.split("|") for each in targets
            )
            if created_by == "Packages" and origin == "Debian"
        }
    )


def _ask(*command: str) -> str:
    return checked(list(command))
