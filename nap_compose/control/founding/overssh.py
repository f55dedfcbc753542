"""What is run on a host over ssh, with the person's own ssh: its keys, its settings."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from nap_compose.errors import NapError, WrongUse
from nap_compose.plaindata import dataclass

COMMAND = "NAP_SSH"
"""The variable that names the ssh command to use, with its options, as git's GIT_SSH_COMMAND."""

PATIENCE = 300.0
"""Seconds that one host may take; an engine that stops its containers takes its time."""

SET_UP, LOOK = "set-up.sh", "look.sh"
"""What is run on hosts; both stand beside this file."""

_WAY = re.compile(
    r"ssh://([^\s/@:]+@)?(\[[0-9A-Fa-f:.]+\]|[^\s/@:\[\]-][^\s/@:\[\]]*)(?::(\d{1,5}))?/?"
)
_BROUGHT = ("ca.pem", "cert.pem", "key.pem")

_REMOTE = """\
set -e
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
tar -xf - -C "$d"
if [ "$(id -u)" = 0 ]; then sh "$d/{script}" {words}; else sudo -n sh "$d/{script}" {words}; fi
"""


@dataclass(frozen=True)
class Via:
    """A host as ssh reaches it: `destination` is `USER@ADDRESS` or an alias of the person's own
    configuration; `port` 0 is ssh's choice."""

    destination: str
    port: int = 0

    @classmethod
    def read(cls, text: str) -> Via:
        """What `ssh://USER@HOST:PORT` says. Raises WrongUse."""
        found = _WAY.fullmatch(text)
        if found is None:
            raise WrongUse(f"'{text}' is no way to a host", hint="write it like ssh://admin@h1")
        user, name, port = found.groups(default="")
        return cls(f"{user}{name.strip('[]')}", int(port or 0))

    def __str__(self) -> str:
        user, at, name = self.destination.rpartition("@")
        shown = f"[{name}]" if ":" in name else name
        return f"ssh://{user}{at}{shown}" + (f":{self.port}" if self.port else "")

    @property
    def address(self) -> str:
        """The host's name or address in it."""
        return self.destination.rpartition("@")[2]

    def command(self, env: Mapping[str, str], *options: str) -> list[str]:
        """The person's ssh to this host, as words, up to what is to be run there."""
        to_port = ("-p", str(self.port)) if self.port else ()
        ssh = shlex.split(env.get(COMMAND) or "ssh")
        return [*ssh, *options, *to_port, "--", self.destination]


def set_up(
    host: str, via: Via, folder: Path, env: Mapping[str, str], *, restart: bool, stop: bool = False
) -> str:
    """Bring what belongs on the host, and stands in `folder`, there and put it in place, as root.
    With `restart` its engine is restarted, with `stop` also where containers stop by that.

    Gives what the script said last. Raises NapError with what it, or ssh, said.
    """
    words = ["restart", *(["stop"] if stop else [])] if restart else []
    files = {name: (folder / name).read_bytes() for name in _BROUGHT}
    said = _run(host, via, SET_UP, words, files, env).strip().splitlines()
    return said[-1] if said else ""


def undo(host: str, via: Via, env: Mapping[str, str]) -> str:
    """Take from the host what `set_up` put there, and restart its engine; see `set_up`."""
    return _run(host, via, SET_UP, ["undo"], {}, env).strip()


def look(host: str, via: Via, words: Sequence[str], env: Mapping[str, str]) -> str:
    """What `look.sh` prints there, called with these words; nothing is changed. Raises NapError."""
    return _run(host, via, LOOK, words, {}, env)


def script(name: str) -> bytes:
    """One of the scripts."""
    return resources.files(__package__).joinpath(name).read_bytes()


def _run(
    host: str,
    via: Via,
    name: str,
    words: Sequence[str],
    files: Mapping[str, bytes],
    env: Mapping[str, str],
) -> str:
    remote = _REMOTE.format(script=name, words=shlex.join(words))
    argv = [*via.command(env, "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"), remote]
    try:
        done = subprocess.run(
            argv,
            input=_tar({**files, name: script(name)}),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
            env={**os.environ, **env},
        )
    except FileNotFoundError:
        raise NapError(f"there is no {argv[0]} on this machine", host=host) from None
    except subprocess.TimeoutExpired:
        raise NapError(f"{via} isn't done after {PATIENCE:g} s", host=host) from None
    said = done.stdout.decode(errors="replace")
    if done.returncode:
        complaints = (said + done.stderr.decode(errors="replace")).strip().splitlines()
        raise NapError(
            complaints[-1] if complaints else f"{via} ended with {done.returncode}",
            host=host,
            hint=f"try it: {shlex.join(via.command(env))}",
        )
    return said


def _tar(files: Mapping[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
    return whole.getvalue()
