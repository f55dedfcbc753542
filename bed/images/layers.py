"""Builds the layers of an image from Debian packages with mmdebstrap, and keeps them."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
from pathlib import Path

from bed import packages
from bed.errors import BedError
from bed.images import apt, archive, cache
from bed.images.recipe import Recipe

#: nobody reads a manual in a container, and an image goes over the network more often
TRIMMED = (
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/lintian/*",
    "path-include=/usr/share/doc/*/copyright",
)
#: /bin is /usr/bin from the start; the package that would see to it later brings all of Perl
MERGED = ["--include=usr-is-merged", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"]
#: what apt and dpkg leave behind that no container needs
SWEEP = "rm -rf /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/*.log /var/log/apt"
#: folders that a setup made in /run are meant to stay
ALWAYS = ["--mode=root", "--format=tar", "--skip=cleanup/run"]
#: a failed postinst explains itself at the end of what mmdebstrap prints
TAIL = 30

_COMMON = (TRIMMED, MERGED, SWEEP, ALWAYS)


def key(recipe: Recipe, below: list[str]) -> str:
    """Names what the layer of the packages is made from: the same key, the same layer."""
    made_from = [below, recipe.about, recipe.packages, recipe.setup, *_COMMON]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]


def build(recipe: Recipe, below: list[Path], layer: Path) -> None:
    """Build the layer of a recipe's packages, on top of those below."""
    if recipe.made_by:
        layer.write_bytes(recipe.made_by())
        return
    with cache.scratch("rootfs.tar") as full:
        _mmdebstrap(recipe, below, full)
        archive.write_difference(below, full, layer)


def _mmdebstrap(recipe: Recipe, below: list[Path], full: Path) -> None:
    packages.ensure_installed("mmdebstrap")
    command = ["mmdebstrap", *ALWAYS]
    command += [f"--dpkgopt={option}" for option in TRIMMED]
    command += ['--aptopt=APT::Install-Recommends "false"', *apt.connection_options()]
    wanted = shlex.join(recipe.packages)
    if below:
        command += ["--variant=custom"]
        command += [f'--setup-hook=tar -C "$1" -xf {shlex.quote(str(tar))}' for tar in below]
        command += [f'--customize-hook=chroot "$1" apt-get install -qq {wanted}']
        sources: list[str] = []
    else:
        command += ["--variant=minbase", *MERGED]
        command += [f"--include={name}" for name in recipe.packages]
        sources = apt.archive_lines()
    if recipe.setup:
        command += [f'--customize-hook=chroot "$1" sh -euc {shlex.quote(recipe.setup)}']
    command += [f'--customize-hook=chroot "$1" sh -c {shlex.quote(SWEEP)}']
    suite = "" if below else apt.codename()
    done = subprocess.run(
        [*command, suite, str(full), *sources],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-TAIL:])
        raise BedError(
            f"image {recipe.name}: mmdebstrap failed ({done.returncode}):\n{tail}\n"
            "Try `apt-get update`, and see that the archive has "
            f"{', '.join(recipe.packages) or 'the base packages'}."
        )
