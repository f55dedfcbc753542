"""`nap-broker`: runs as the service account that owns the keys, and serves one person's calls.

Started by a sudo rule with fixed arguments. It takes no option, no path and no variable from
whoever started it: what it reads is its own configuration, and frames on its standard input.
"""

from __future__ import annotations

import grp
import os
import pwd
import sys
from collections.abc import Callable
from pathlib import Path

from nap_compose.auth import seats
from nap_compose.border import Control, Who
from nap_compose.exits import Exit

GROUPS = (("nap-admins", "admin"), ("nap-users", "user"), ("nap-viewers", "viewer"))
"""Where no directory is set up, the system's groups give the roles."""
SEATS = Path("/var/lib/nap/brokers")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def main() -> int:
    """Serve whoever sudo says has called; gives the exit code."""
    caller = _caller()
    _forget_the_environment()
    if len(sys.argv) > 1:
        print("nap-broker takes no arguments", file=sys.stderr)
        return 2
    if not seats.take(SEATS, caller):
        print(f"{seats.MOST} of yours are at work already, which is the most", file=sys.stderr)
        return Exit.NOT_ALLOWED
    reads, writes = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for each in (0, 1, 2):  # nothing that a library prints gets into the stream, or to the caller
        os.dup2(nowhere, each)
    from nap_compose.control.stream import serving

    code = serving.serve(reads, writes, lambda token: _open(caller, token), _logger())
    serving.end(code)
    return code


def _caller() -> str:
    """The system's user who called: under sudo the one that sudo names, else this process's own."""
    uid = os.environ.get("SUDO_UID", "")
    number = int(uid) if uid.isdecimal() else os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _forget_the_environment() -> None:
    os.environ.clear()
    os.environ.update({"PATH": _PATH, "LANG": "C.UTF-8", "HOME": "/nonexistent"})
    os.umask(0o077)
    os.chdir("/")


def _open(caller: str, token: str) -> Control:
    from nap_compose.cluster import app_lock, chosen, config
    from nap_compose.control.guard import guarded
    from nap_compose.control.local import LocalControl

    app_lock.serves(caller)
    cluster = config.read(chosen.USUAL)
    who = system_who(caller)
    control = LocalControl(cluster, who)
    control.parts.serves_others = True
    return guarded(control, cluster, caller, token, holds_keys=False)


def system_who(caller: str) -> Who:
    """The system's user, with the role that their groups there give. Raises NotAllowed where none
    does."""
    from nap_compose.cluster.names import owner_of
    from nap_compose.errors import NotAllowed

    groups = _groups_of(caller)
    role = next((role for group, role in GROUPS if group in groups), "")
    if caller == "root":
        role = "admin"
    if not role:
        raise NotAllowed(
            f"{caller} is in none of the groups that may use nap",
            hint=f"they are {', '.join(group for group, _ in GROUPS)}",
        )
    return Who(caller, owner_of(caller), role, groups=tuple(groups))


def _groups_of(caller: str) -> list[str]:
    try:
        entry = pwd.getpwnam(caller)
    except KeyError:
        return []
    names = []
    for number in os.getgrouplist(caller, entry.pw_gid):
        try:
            names.append(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return names


def _logger() -> Callable[[str], None]:
    import syslog

    syslog.openlog("nap-broker", syslog.LOG_PID)

    def log(text: str) -> None:
        for line in text.splitlines():
            syslog.syslog(syslog.LOG_ERR, line)

    return log


if __name__ == "__main__":
    raise SystemExit(main())
