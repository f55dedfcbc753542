"""A replica's files as they cross the border, and a replica as a whole: tar streams, an image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from nap_compose.border import CommitRequest, Committed, PathStat, Target, Who
from nap_compose.cluster.engine import EngineError, NotFound
from nap_compose.cluster.view import ContainerView
from nap_compose.control.parts import Parts
from nap_compose.control.policing import check_image_name
from nap_compose.control.replicas import any_replica, replicas_of, subject_of
from nap_compose.errors import NapError

_FOLDER, _LINK, _NOT_REGULAR = 1 << 31, 1 << 27, 0x8F280000
"""Go's bits of a file's mode: a folder, a symbolic link, and all that tell of no regular file."""

OnHost = Callable[[str], None]
"""Is told which host the replica is on, before anything is done there."""


def replicas(parts: Parts, target: Target, *, oneoffs: bool) -> tuple[Target, ...]:
    """A target for each replica."""
    found = replicas_of(parts, target, oneoffs=oneoffs)
    return tuple(_target_of(container, target) for container in found)


def stat(parts: Parts, target: Target, path: str) -> PathStat:
    """What is at a path of a replica. Raises NapError where nothing is."""
    container = any_replica(parts, target)
    subject = subject_of(container)
    try:
        told = parts.engines.on(container.host).path_stat(container.id, path)
    except NotFound:
        raise NapError(f"there is no {path} in {subject}", host=container.host) from None
    mode = int(told.get("mode") or 0)
    return PathStat(
        subject=subject,
        host=container.host,
        name=str(told.get("name") or ""),
        kind=_kind(mode),
        size=int(told.get("size") or 0),
        mode=mode & 0o777,
        link=str(told.get("linkTarget") or ""),
    )


def fetch(parts: Parts, target: Target, path: str, *, on_host: OnHost) -> Iterator[bytes]:
    """A file or folder of a replica as a tar stream."""
    container = any_replica(parts, target)
    on_host(container.host)
    try:
        yield from parts.engines.on(container.host).get_archive(container.id, path)
    except NotFound:
        subject = subject_of(container)
        raise NapError(f"there is no {path} in {subject}", host=container.host) from None


def store(
    parts: Parts,
    target: Target,
    path: str,
    tar: Iterable[bytes],
    *,
    copy_owner: bool,
    on_host: OnHost,
) -> None:
    """Unpack a tar stream in a folder of a replica."""
    container = any_replica(parts, target)
    on_host(container.host)
    try:
        parts.engines.on(container.host).put_archive(
            container.id, path, tar, copy_owner=copy_owner, keep_kinds=True
        )
    except EngineError as error:
        raise _refused(error, subject_of(container), path) from None


def export(parts: Parts, target: Target, *, on_host: OnHost) -> Iterator[bytes]:
    """A replica's file system as a tar stream."""
    container = any_replica(parts, target)
    on_host(container.host)
    return parts.engines.on(container.host).export_container(container.id)


def commit(parts: Parts, who: Who, request: CommitRequest) -> Committed:
    """Make an image of what a replica is now."""
    if request.reference:
        check_image_name(parts, who, request.reference)
    container = any_replica(parts, request.target)
    repository, tag = _parted(request.reference)
    image = parts.engines.on(container.host).commit_container(
        container.id,
        repository=repository,
        tag=tag,
        comment=request.message,
        author=request.author,
        changes=request.changes,
        pause=request.pause,
    )
    name = f"{repository}:{tag}" if repository else ""
    return Committed(subject_of(container), container.host, image, name)


def _target_of(container: ContainerView, target: Target) -> Target:
    identity = container.identity
    if identity is None:
        raise ValueError(f"{container.name} isn't nap's")
    oneoff = container.name if identity.oneoff else ""
    return Target(target.app, target.owner, identity.service, identity.replica, oneoff)


def _kind(mode: int) -> str:
    if mode & _FOLDER:
        return "folder"
    if mode & _LINK:
        return "link"
    return "other" if mode & _NOT_REGULAR else "file"


def _refused(error: EngineError, subject: str, path: str) -> NapError:
    text = error.message
    if isinstance(error, NotFound):
        text = f"there is no folder {path} in {subject}"
    elif "read-only" in text:
        text = f"{path} can't be written in {subject}: {text}"
    return NapError(text, host=error.host)


def _parted(reference: str) -> tuple[str, str]:
    """Repository and tag; the tag is `latest` where only the repository is named."""
    if not reference:
        return "", ""
    repository, colon, tag = reference.rpartition(":")
    if colon and "/" not in tag:
        return repository, tag
    return reference, "latest"
