"""A tiny image, made of Debian's busybox-static: enough to ping, listen and sleep."""

from __future__ import annotations

import io
import subprocess
import tarfile

from bed import docker_api, packages
from bed.layout import Host

IMAGE = "busybox:bed"


def load(host: Host, image: str = IMAGE) -> None:
    """Give a host's engine the image, unless it has it."""
    reference, _, tag = image.rpartition(":")
    if image in _images(host):
        return
    query = {"fromSrc": "-", "repo": reference, "tag": tag, "changes": 'CMD ["sh"]'}
    docker_api.call(host, "POST", "/images/create", archive(), query=query)


def _images(host: Host) -> set[str]:
    known = docker_api.call(host, "GET", "/images/json")
    return {tag for image in known for tag in image["RepoTags"] or ()}


def archive() -> bytes:
    program = packages.unpack(["busybox-static"]) / "bin/busybox"
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for folder in ("bin", "etc", "root", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(entry)
        entry = tarfile.TarInfo("bin/busybox")
        content = program.read_bytes()
        entry.size, entry.mode = len(content), 0o755
        archive.addfile(entry, io.BytesIO(content))
        for applet in listed.stdout.split():
            if applet != "busybox":  # it names itself: a link would replace the program
                entry = tarfile.TarInfo(f"bin/{applet}")
                entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
                archive.addfile(entry)
    return output.getvalue()
