"""Snapshots: a volume as it was at one moment. MooseFS makes them at once, and they share what
hasn't changed since. They lie with their owner's volumes, so they count for the owner's quota."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone

from nap_compose.errors import NapError, WrongUse
from nap_compose.storage import exchange, folders, programs, removal, settings
from nap_compose.storage.folders import parts_of
from nap_compose.storage.pool import OWN, Pool
from nap_compose.storage.settings import Settings

SNAPSHOTS = ".snapshots"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


def names(pool: Pool, folder: str) -> list[str]:
    """The snapshots of a volume, by name; also of one that is gone."""
    return folders.names(pool.base, _where(folder))


def volumes(pool: Pool) -> Iterator[str]:
    """The volumes, there or gone, of which there are snapshots: `OWNER/APP/KEY`."""
    for owner in folders.names(pool.base, ()):
        for app in folders.names(pool.base, (owner, SNAPSHOTS)):
            for key in folders.names(pool.base, (owner, SNAPSHOTS, app)):
                if names(pool, f"{owner}/{app}/{key}"):
                    yield f"{owner}/{app}/{key}"


def make(pool: Pool, folder: str, name: str = "") -> str:
    """Keep the volume as it is now; gives the snapshot's name, which is the time (UTC) unless one
    is given."""
    name = _checked(name or _stamp())
    pool.check()
    _must_be_there(pool, folder)
    if name in names(pool, folder):
        raise WrongUse(f"there is a snapshot {name} already", hint="choose another name")
    new = _copied(pool, folder)
    with folders.opened(pool.base, _where(folder), make=OWN):
        pass
    if not exchange.move_in(pool.base, new, (*_where(folder), name)):
        raise WrongUse(f"there is a snapshot {name} already", hint="choose another name")
    return name


def restore(pool: Pool, folder: str, name: str) -> str:
    """Bring the volume back to a snapshot; gives the name of the snapshot that keeps what was
    there, empty where nothing was. Nothing may use it meanwhile."""
    pool.check()
    _must_have(pool, folder, name)
    return put_in_place(pool, folder, _copied(pool, "/".join((*_where(folder), name))))


def put_in_place(pool: Pool, folder: str, new: str) -> str:
    """Let what was made ready as `new` be the volume's content, with what is set for the volume;
    gives the name of the snapshot that keeps what was there, empty where nothing was."""
    parts = parts_of(folder)
    there = folders.exists(pool.base, parts)
    kept = settings.read(pool.moosefs, pool.path(folder))[0] if there else None
    settings.write(pool.moosefs, pool.base / exchange.NEW / new, kept or Settings(quota=0, files=0))
    before = f"before-{_stamp()}"
    exchange.exchange(pool.base, new, parts, (*_where(folder), before))
    return before if there else ""


def drop(pool: Pool, folder: str, name: str) -> None:
    """Remove a snapshot; its files go to MooseFS's trash."""
    pool.check()
    _must_have(pool, folder, name)
    parts = (*_where(folder), name)
    removal.remove(pool.base, parts, settings.read(pool.moosefs, pool.base.joinpath(*parts))[0])
    for length in (4, 3, 2, 1):
        if not folders.drop_empty(pool.base, parts[:length]):
            break


def _copied(pool: Pool, folder: str) -> str:
    """A copy of a folder, made ready; its name there."""
    new = uuid.uuid4().hex
    target = pool.workplace() / new
    programs.run(pool.moosefs, "mfsmakesnapshot", "-p", pool.path(folder), target, patience=600)
    return new


def _where(folder: str) -> tuple[str, ...]:
    owner, *rest = parts_of(folder)
    return (owner, SNAPSHOTS, *rest)


def _must_be_there(pool: Pool, folder: str) -> None:
    if not folders.exists(pool.base, parts_of(folder)):
        raise NapError(
            f"{folder} is not on cluster storage", hint="nap storage ls shows what is there"
        )


def _must_have(pool: Pool, folder: str, name: str) -> None:
    there = names(pool, folder)
    if name not in there:
        raise WrongUse(
            f"{folder} has no snapshot {name}", hint=f"it has: {', '.join(there) or 'none'}"
        )


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise WrongUse(
            f"'{name}' is no name for a snapshot",
            hint="letters, digits, '.', '_' and '-', at most 64, the first a letter or digit",
        )
    return name


def _stamp() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H%M%S.%fZ")[:-4] + "Z"
