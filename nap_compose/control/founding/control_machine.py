"""The control machine: an account for the keys, folders that are its alone, and the broker behind a
sudo rule with fixed arguments. Each part can be repeated, and changes nothing where all is right.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import field
from pathlib import Path

import nap_compose
from nap_compose.border import ControlMachine
from nap_compose.cluster import chosen, config
from nap_compose.cluster.chosen import BROKER, SERVICE
from nap_compose.cluster.private_files import drafted
from nap_compose.errors import BadFile, NapError, NotAllowed, WrongUse
from nap_compose.plaindata import dataclass

GROUPS = ("nap-users", "nap-admins", "nap-viewers")
"""Whose members may start the broker."""
SUDO_RULE = Path("/etc/sudoers.d/nap")
UNITS = Path("/etc/systemd/system")
HOME = "/var/lib/nap"

_WRITTEN = "# Written by `nap cluster setup-control`, which may write it anew.\n"


@dataclass
class Machine:
    """See `border.SettingUp`."""

    changed: list[str] = field(default_factory=list)
    remains: list[str] = field(default_factory=list)
    _tell: Callable[[str], None] = print

    def set_up(self, tell: Callable[[str], None]) -> ControlMachine:
        """Account and groups, folders, the broker, its sudo rule, the units."""
        self._tell = tell
        if os.geteuid() != 0:
            raise NotAllowed("only root sets the control machine up", hint="run it with sudo")
        _check_the_program()
        self._account()
        self._folders()
        self._write(Path(BROKER), _launcher(), 0o755)
        self._sudo_rule()
        self._units()
        return ControlMachine(tuple(self.changed), tuple(self.remains))

    def undo(self, tell: Callable[[str], None]) -> ControlMachine:
        """The units, the sudo rule and the broker go; what would be missed stays."""
        self._tell = tell
        if os.geteuid() != 0:
            raise NotAllowed("only root takes it away", hint="run it with sudo")
        units = [path for path in map(UNITS.joinpath, _UNITS) if path.exists()]
        if units and Path("/run/systemd/system").is_dir():
            _run("systemctl", "disable", "--now", *(path.name for path in units))
        for path in (SUDO_RULE, Path(BROKER), *units):  # the way in goes first
            if path.exists():
                path.unlink()
                self._did(f"removed {path}")
        with contextlib.suppress(OSError):
            Path(BROKER).parent.rmdir()
        kept = (chosen.USUAL.parent, Path(HOME), config.LOG_DIR)
        self.remains += [f"{folder} is kept" for folder in kept if folder.exists()]
        self.remains.append(f"the account {SERVICE} and the groups {', '.join(GROUPS)} are kept")
        return ControlMachine(tuple(self.changed), tuple(self.remains))

    def _account(self) -> None:
        for group in GROUPS:
            try:
                grp.getgrnam(group)
            except KeyError:
                _run("groupadd", "--system", group)
                self._did(f"made the group {group}")
        try:
            pwd.getpwnam(SERVICE)
        except KeyError:
            _run(
                *("useradd", "--system", "--user-group", "--no-create-home"),
                *("--home-dir", HOME, "--shell", "/usr/sbin/nologin", SERVICE),
            )
            self._did(f"made the account {SERVICE}")

    def _folders(self) -> None:
        """What holds keys, sessions and logs is the account's alone."""
        folders = [chosen.USUAL.parent, Path(HOME), config.LOG_DIR, *self._clusters_own()]
        account = pwd.getpwnam(SERVICE)
        for folder in dict.fromkeys(folders):
            if not folder.exists():
                folder.mkdir(parents=True, mode=0o700)
            given = sum(_give(path, account) for path in _all_in(folder))
            if given:
                self._did(f"{folder} and what is in it is {SERVICE}'s alone")

    def _clusters_own(self) -> list[Path]:
        """The folders that the cluster file names. Without one, or while it isn't complete, what
        is missing remains to be done, and the rest is done all the same."""
        try:
            cluster = config.read(chosen.USUAL) if chosen.USUAL.exists() else None
        except BadFile as error:
            told = str(error) + (f" ({error.hint})" if error.hint else "")
            self.remains.append(f"{told}; after that run this again")
            return []
        if cluster is None:
            self.remains.append(f"write {chosen.USUAL}, or make a cluster: nap cluster init")
            return []
        if cluster.backup.key_file is None:
            self.remains.append(
                "say in the cluster file what backups are encrypted with: "
                "`backup: {key_file: backup.key}`"
            )
            return [cluster.state_dir, cluster.logs.dir]
        return [cluster.state_dir, cluster.logs.dir, cluster.backup.dir]

    def _sudo_rule(self) -> None:
        visudo = shutil.which("visudo", path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin")
        if visudo is None:
            raise WrongUse("there is no sudo on this machine", hint="install it: apt install sudo")
        with tempfile.NamedTemporaryFile("w", suffix=".sudoers") as draft:
            draft.write(_rule())
            draft.flush()
            _run(visudo, "--check", "--quiet", "--file", draft.name)
        self._write(SUDO_RULE, _rule(), 0o440)

    def _units(self) -> None:
        if not UNITS.is_dir():
            return
        changed = [
            self._write(UNITS / f"nap-{name}.service", _unit(what, words), 0o644)
            for name, what, words in _SERVICES
        ]
        changed += [
            self._write(UNITS / "nap-backup.service", _unit(*_BACKUP, again=False), 0o644),
            self._write(UNITS / "nap-backup.timer", _TIMER, 0o644),
        ]
        if any(changed) and Path("/run/systemd/system").is_dir():
            _run("systemctl", "daemon-reload")
        names = " ".join(f"nap-{name}" for name, _, _ in _SERVICES)
        self.remains.append(f"let them run: systemctl enable --now {names} nap-backup.timer")

    def _write(self, path: Path, text: str, mode: int) -> bool:
        """Write a file of root's, whole or not at all; says whether it wasn't so already."""
        if path.is_file() and not path.is_symlink() and path.read_text() == text:
            status = path.stat()
            if (stat.S_IMODE(status.st_mode), status.st_uid) == (mode, 0):
                return False
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        # A name with a dot: sudo passes over such files while it is only half there.
        draft = path.with_name(f"{path.name}.new")
        with drafted(path, draft, 0o600) as file:
            file.write(text.encode())
            os.fchmod(file.fileno(), mode)
            os.fchown(file.fileno(), 0, 0)
        self._did(f"wrote {path}")
        return True

    def _did(self, text: str) -> None:
        self.changed.append(text)
        self._tell(text)


_SERVICES = (
    ("health", "keeps watch over the cluster's containers", ("health", "watch")),
    ("logs", "collects what the cluster's containers print", ("logs", "collect")),
)


_BACKUP = ("makes a backup of the cluster's control state", ("backup", "create"))
_UNITS = (
    *(f"nap-{name}.service" for name, _, _ in _SERVICES),
    "nap-backup.timer",
    "nap-backup.service",
)
_TIMER = f"""{_WRITTEN}[Unit]
Description=nap makes a backup each night

[Timer]
OnCalendar=*-*-* 02:30
RandomizedDelaySec=30min
Persistent=yes

[Install]
WantedBy=timers.target
"""


def _launcher() -> str:
    """What sudo starts: it passes on who has called, and nothing else of them."""
    return (
        "#!/bin/sh\n" + _WRITTEN + 'exec /usr/bin/env -i SUDO_UID="$SUDO_UID" '
        f"{sys.executable} -I -m nap_compose.broker\n"
    )


def _rule() -> str:
    members = "".join(f'%{group} ALL=({SERVICE}) NOPASSWD: {BROKER} ""\n' for group in GROUPS)
    return f"{_WRITTEN}Defaults!{BROKER} env_reset, !use_pty, !requiretty, umask=0077\n{members}"


def _unit(what: str, words: tuple[str, ...], *, again: bool = True) -> str:
    """A unit that runs a command of nap: for as long as the machine does (`again`), or once, when
    its timer says so."""
    kind = "Restart=always\nRestartSec=5" if again else "Type=oneshot"
    wanted = "\n[Install]\nWantedBy=multi-user.target\n" if again else ""
    return f"""{_WRITTEN}[Unit]
Description=nap {what}
After=network-online.target
Wants=network-online.target

[Service]
User={SERVICE}
ExecStart={sys.executable} -I -m nap_compose.cli.main {" ".join(words)}
{kind}
NoNewPrivileges=yes
ProtectSystem=full
PrivateTmp=yes
{wanted}"""


def _check_the_program() -> None:
    """Whoever could change the program that the account runs would be that account, which must be
    able to run it. Raises NapError."""
    package = Path(nap_compose.__file__).parent
    for path in (Path(sys.executable), Path(sys.executable).resolve(), package):
        for each in (path, *path.parents):
            status = each.lstat()
            if stat.S_ISLNK(status.st_mode):
                continue  # what counts is who may replace it, which its folder says
            if stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o001:
                raise NapError(
                    f"nobody but root gets past {each}, and so to this nap",
                    hint="install nap where everybody can run it, such as /opt/nap, and run that",
                )
            writable = status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX
            if status.st_uid != 0 or writable:
                raise NapError(
                    f"others than root can change {each}, and so this nap",
                    hint="install nap where only root writes, such as /opt/nap, and run that one",
                )


def _all_in(folder: Path) -> Iterator[Path]:
    yield folder
    for where, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(where, name)
            if not path.is_symlink():
                yield path


def _give(path: Path, account: pwd.struct_passwd) -> bool:
    """Let it be the account's alone; says whether it wasn't so already."""
    status = path.lstat()
    mode = 0o700 if stat.S_ISDIR(status.st_mode) else 0o600
    wanted = (account.pw_uid, account.pw_gid, mode)
    if (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == wanted:
        return False
    os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    path.chmod(mode)
    return True


def _run(*argv: str) -> None:
    try:
        done = subprocess.run(
            argv,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NapError(f"{argv[0]} can't be run: {error}") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise NapError(f"{' '.join(argv)} failed: {said}")
