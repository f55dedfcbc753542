"""A scan for secrets: in what was printed, in files on the disk, and within a backup's archive."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from nap_compose.control.backup.archive import Unpacking

Found = set[tuple[str, str]]
"""Which secret was found, and where."""


def in_files(secrets: Mapping[str, str], places: Iterable[Path]) -> Found:
    """Which of the secrets stand in files there, as they lie on the disk."""
    return {
        (name, str(path))
        for place in places
        for path in files(place)
        for name in in_bytes(secrets, path.read_bytes())
    }


def in_archive(secrets: Mapping[str, str], members: Mapping[str, bytes]) -> Found:
    """Which of the secrets stand in an archive's members, for who has its key."""
    return {
        (name, member) for member, content in members.items() for name in in_bytes(secrets, content)
    }


def in_bytes(secrets: Mapping[str, str], content: bytes) -> Iterator[str]:
    """Which of the secrets stand in the content, in any form."""
    for name, secret in secrets.items():
        if any(form in content for form in _forms(secret)):
            yield name


def unpacked(archive: Path, key: str) -> dict[str, bytes]:
    """What each member of a backup's archive holds, once the archive's own seal is off."""
    with archive.open("rb") as file, Unpacking(file, key) as unpacking:
        return {name: b"".join(content) for name, _, content in unpacking.members()}


def files(place: Path) -> Iterator[Path]:
    """The file, or all files of the folder and those below it."""
    if place.is_file():
        yield place
    yield from (path for path in place.rglob("*") if path.is_file() and not path.is_symlink())


def _forms(secret: str) -> Iterator[bytes]:
    """The secret as it is, in hexadecimal, and in base64 wherever it begins in what is encoded; not
    so short that chance makes the same."""
    text = secret.encode()
    yield text
    yield text.hex().encode()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + text)
        form = whole[(before * 8 + 5) // 6 : (before + len(text)) * 8 // 6]
        if len(form) >= 8:
            yield form
