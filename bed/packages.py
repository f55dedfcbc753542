"""Software from the Debian archive: installed, or of another release and only unpacked."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bed import layout
from bed.errors import BedError

OWN = "own"  # as a suite: the release that the machine itself runs

_QUIET = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def ensure_installed(*debs: str) -> None:
    """Install what the machine lacks, without starting any service of it."""
    if all(map(_is_installed, debs)):
        return
    with layout.lock("apt"), _no_services():
        missing = [deb for deb in debs if not _is_installed(deb)]
        if not missing:
            return
        command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-y", "--no-install-recommends"]
        try:
            _run([*command, "install", *missing])
        except BedError:  # perhaps the lists are missing or old
            _run(["apt-get", "update"])
            _run([*command, "install", *missing])


def unpack(debs: Sequence[str], suite: str = OWN) -> Path:
    """The folder in which these packages of that release lie unpacked, not installed."""
    suite = _own_suite() if suite == OWN else suite
    root = layout.cache() / "unpacked" / suite / "+".join(sorted(debs))
    if root.is_dir():
        return root
    with layout.lock("unpack"):
        if not root.is_dir():
            _fetch(debs, suite, root)
    return root


def _fetch(debs: Sequence[str], suite: str, root: Path) -> None:
    options = _apt_of(suite)
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=".new-") as folder:
        try:
            _run(["apt-get", *options, "download", *debs], cwd=folder)
        except BedError:  # the lists are missing, or name versions that the archive dropped
            _run(["apt-get", *options, "update"])
            _run(["apt-get", *options, "download", *debs], cwd=folder)
        draft = Path(folder, "root")
        for file in sorted(Path(folder).glob("*.deb")):
            _run(["dpkg", "-x", str(file), str(draft)])
        draft.rename(root)


def _apt_of(suite: str) -> list[str]:
    """Options that point apt at another release and leave the machine's own lists alone."""
    folder = layout.cache() / "apt" / suite
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    sources = folder / "sources.list"
    if not sources.exists():
        sources.write_text(f"deb {_archive()} {suite} main\n")
    settings = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Check-Valid-Until": "false",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _archive() -> str:
    """The address of the Debian archive that the machine itself uses."""
    ask = ["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)"]
    for attempt in ("first", "after an update"):
        for line in _run(ask).splitlines():
            release, component, *address = line.split()
            if release == _own_suite() and component == "main" and address:
                return address[0]
        if attempt == "first":
            _run(["apt-get", "update"])
    raise BedError(
        f"apt knows no Debian archive for {_own_suite()}; look at /etc/apt/sources.list.d"
    )


def _own_suite() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        key, _, value = line.partition("=")
        if key == "VERSION_CODENAME":
            return value.strip('"')
    raise BedError("/etc/os-release names no VERSION_CODENAME; the bed needs Debian 12")


def _is_installed(deb: str) -> bool:
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}", deb],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout == "installed"


@contextmanager
def _no_services() -> Iterator[None]:
    """While it lasts, no package's script may start a service."""
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()  # where one stands already, its owner decides
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            policy.unlink()


def _run(argv: Sequence[str], cwd: str | None = None) -> str:
    done = subprocess.run(
        argv,
        env={**os.environ, **_QUIET},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = "\n    ".join((done.stderr or done.stdout).splitlines()[-8:])
        raise BedError(f"{' '.join(argv)} failed with code {done.returncode}:\n    {last}")
    return done.stdout
