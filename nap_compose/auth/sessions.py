"""Sessions: what stands for a password between two commands, with an end.

The person holds a random token. Here only its hash is kept, in a file of its own that nobody but
the service account reads, so that neither side's file gives the other's away and none can be made
up or changed. They need neither the state store nor the records: looking goes on without both.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from nap_compose.auth.people import Person
from nap_compose.cluster.private_files import make_private_dir, replace_private
from nap_compose.errors import NapError, NotAllowed
from nap_compose.plaindata import dataclass

FOLDER = "sessions"
_STEP = 10.0
"""Seconds by which a session's last use may be behind: not every command writes."""


@dataclass(frozen=True)
class Session:
    """Somebody who logged in; times in seconds since 1970.

    `owner` is what their apps stand under, also when their name changes meanwhile; `caller` is the
    system's user who may use it; `checked` when the directory last said that `person` is still so;
    `local` is a way in without the directory, for whoever holds the keys.
    """

    person: Person
    owner: str
    caller: str
    began: float
    ends: float
    used: float
    checked: float
    local: bool = False


class Sessions:
    """The sessions of one cluster on this machine, in a folder of files."""

    def __init__(self, folder: Path, cluster: str, *, idle: float) -> None:
        self._folder = folder
        self._cluster = cluster
        self._idle = idle

    def begin(
        self,
        person: Person,
        owner: str,
        caller: str,
        *,
        now: float,
        longest: float,
        local: bool = False,
    ) -> tuple[str, Session]:
        """A new session and its token; those that are over are swept away."""
        make_private_dir(self._folder)
        self._sweep(now)
        token = secrets.token_urlsafe(32)
        session = Session(person, owner, caller, now, now + longest, now, now, local)
        try:
            self._write(token, session)
        except OSError as error:
            raise NapError(
                f"nobody can log in, since {self._folder} can't be written to: {error.strerror}",
                hint="sessions that there are go on",
            ) from None
        return token, session

    def find(self, token: str, caller: str, *, now: float) -> Session:
        """The session that the token stands for. Raises NotAllowed where there is none: it is over,
        somebody else's, another cluster's, or the token was changed."""
        session = self._read(self._path(token))
        if session is None or session.caller != caller:
            raise not_logged_in()
        if now >= session.ends or now - session.used >= self._idle:
            self.end(token)
            raise NotAllowed("your session is over", hint="nap login begins another one")
        if now - session.used > _STEP:
            session = replace(session, used=now)
            self.keep(token, session)
        return session

    def keep(self, token: str, session: Session) -> None:
        """Write the session down as it now is. Where the disk is full it goes on as it was: its
        end comes no later, and the directory is asked again."""
        with contextlib.suppress(OSError):
            self._write(token, session)

    def _write(self, token: str, session: Session) -> None:
        told = {"cluster": self._cluster, **asdict(session)}
        replace_private(self._path(token), json.dumps(told))

    def end(self, token: str) -> None:
        """Forget it."""
        self._path(token).unlink(missing_ok=True)

    def _path(self, token: str) -> Path:
        return self._folder / hashlib.sha256(f"{self._cluster}\0{token}".encode()).hexdigest()

    def _read(self, path: Path) -> Session | None:
        try:
            found: dict[str, Any] = json.loads(path.read_bytes())
            if found.pop("cluster") != self._cluster:
                return None
            person = found.pop("person")
            groups = tuple(person.pop("groups"))
            return Session(person=Person(**person, groups=groups), **found)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def _sweep(self, now: float) -> None:
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):
                session = self._read(path)
                over = session is None or now >= session.ends or now - session.used >= self._idle
                if over and now - path.stat().st_mtime > 60.0:
                    path.unlink()


def end_all_of(folder: Path, owner: str) -> int:
    """Forget every session of an owner's; gives how many there were."""
    ended = 0
    for path in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError, ValueError):
            if json.loads(path.read_bytes()).get("owner") == owner:
                path.unlink()
                ended += 1
    return ended


def not_logged_in() -> NotAllowed:
    """What is said to somebody whom nap doesn't know."""
    return NotAllowed("you aren't logged in", hint="nap login asks for your name and password")
