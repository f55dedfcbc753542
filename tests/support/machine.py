"""A control machine of its own within this one: accounts, sudo rules and /etc/nap that nobody else
sees, and that are gone with it.

What is changed lies over this machine's folders in a mount namespace; network and processes are
shared.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bed import packages
from tests.support.nap import PROGRAM, Ended

OVERLAID = ("/etc", "/usr/local", "/var/lib", "/var/log")
PATIENCE = 120.0

_BUILD = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs {folder}
for each in {overlaid}; do
    mkdir -p {folder}/$each/upper {folder}/$each/work
    mount -t overlay overlay -o lowerdir=$each,upperdir={folder}/$each/upper,\
workdir={folder}/$each/work $each
done
rm -rf /etc/nap /etc/sudoers.d/nap /usr/local/lib/nap /var/lib/nap /var/log/nap
mkdir {folder}/homes
{opened}
echo ready
exec sleep 3600
"""


@dataclass(frozen=True)
class Machine:
    """Runs programs there, as root or as one of its accounts; `network` is a process in whose
    network it stands, if that isn't this machine's."""

    pid: int
    folder: Path
    network: int = 0

    def run(
        self,
        *argv: str | Path,
        user: str = "root",
        stdin: str = "",
        env: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run a program to its end, with no more environment than an account starts with."""
        home = self.home(user)
        given = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(home), "LANG": "C.UTF-8"}
        words = [f"{key}={value}" for key, value in {**given, **(env or {})}.items()]
        done = subprocess.run(
            [*self.inside(user), "/usr/bin/env", "-i", "-C", home, *words, *argv],
            check=False,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def nap(
        self,
        user: str,
        *words: str | Path,
        code: int = 0,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
    ) -> Ended:
        """Call nap as that account; it must end with `code` and without a traceback."""
        ended = self.run(PROGRAM, *words, user=user, stdin=stdin, env=env)
        told = f"{user}: nap {' '.join(map(str, words))}: {ended.code}\n{ended.out}\n{ended.err}"
        assert ended.code == code, told
        assert "Traceback" not in ended.err, told
        return ended

    def start(
        self, user: str, *words: str | Path, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Call nap as that account, beside the test."""
        home = self.home(user)
        given = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", f"HOME={home}", "LANG=C.UTF-8"]
        given += [f"{key}={value}" for key, value in (env or {}).items()]
        return subprocess.Popen(
            [*self.inside(user), "/usr/bin/env", "-i", "-C", home, *given, PROGRAM, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def add(self, user: str, *groups: str) -> None:
        """An account, a member of these groups and of nothing else."""
        listed = ["--groups", ",".join(groups)] if groups else []
        self.must("useradd", "--no-create-home", "--home-dir", self.home(user), *listed, user)
        self.must("mkdir", self.home(user))
        self.must("chown", f"{user}:", self.home(user))

    def must(self, *argv: str | Path) -> str:
        """As root, and it must end well."""
        ended = self.run(*argv)
        assert ended.code == 0, f"{argv}: {ended.err}"
        return ended.out

    def home(self, user: str) -> Path:
        """An account's home; root's is nowhere that matters."""
        return self.folder / "homes" / user if user != "root" else Path("/")

    def write(self, user: str, name: str, text: str) -> None:
        """A file of that account's, in its home."""
        ended = self.run("tee", name, user=user, stdin=text)
        assert ended.code == 0, ended.err

    def inside(self, user: str) -> Sequence[str]:
        """The words before a command that make it run there."""
        network = [f"--net=/proc/{self.network}/ns/net"] if self.network else []
        entering = ["nsenter", "--target", str(self.pid), "--mount", *network, "--"]
        if user == "root":
            return entering
        return [*entering, "setpriv", "--reuid", user, "--regid", user, "--init-groups"]


@contextmanager
def machine() -> Iterator[Machine]:
    """One, for as long as the block lasts."""
    packages.ensure_installed("sudo")
    # Not below pytest's own folder, which is closed to every account but root.
    folder = Path(tempfile.mkdtemp(prefix="nap-machine-", dir="/var/tmp"))
    script = _BUILD.format(
        folder=folder, overlaid=" ".join(OVERLAID), opened="\n".join(_opening(folder))
    )
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", script], stdout=subprocess.PIPE, text=True
    ) as held:
        try:
            assert held.stdout is not None
            assert held.stdout.readline() == "ready\n"
            yield Machine(held.pid, folder)
        finally:
            held.kill()
            held.wait()
            shutil.rmtree(folder, ignore_errors=True)


def _opening(folder: Path) -> Iterator[str]:
    """What lets every account reach this Python and this checkout, where a folder above them, such
    as root's home, is closed: an open one is laid over it, with just these in it."""
    needed = [Path(sys.base_prefix).resolve(), PROGRAM.parent.parent.parent.resolve()]
    closed = {
        each: next((p for p in reversed(each.parents) if not p.stat().st_mode & 0o001), None)
        for each in needed
    }
    for number, path in enumerate(needed):
        yield f"mkdir {folder}/kept{number}; mount --bind {path} {folder}/kept{number}"
    for above in sorted({each for each in closed.values() if each}):
        yield f"mount -t tmpfs -o mode=0755 tmpfs {above}"
    for number, (path, above) in enumerate(closed.items()):
        if above:
            yield f"mkdir -p {path}; mount --bind {folder}/kept{number} {path}"
