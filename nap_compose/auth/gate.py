"""The gate: whom the caller is taken for, asked before each call.

It is whoever logged in, as the directory has them now: an answer that is too old is asked again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from nap_compose.auth.attempts import FOLDER as ATTEMPTS
from nap_compose.auth.attempts import Attempts
from nap_compose.auth.people import Person, role_of, short_names
from nap_compose.auth.sessions import FOLDER as SESSIONS
from nap_compose.auth.sessions import Session, Sessions, not_logged_in
from nap_compose.border import LoggedIn, Who
from nap_compose.cluster.cluster import Cluster, Ldap
from nap_compose.cluster.names import owner_of
from nap_compose.errors import Away, NotAllowed

READS = 5.0
"""How many times older than before a change the directory's answer may be before a look."""
READS_WITHOUT = 900.0
"""Seconds since its last answer for which looking goes on while the directory is away."""
LOCALLY = 3600.0
"""Seconds that a session without the directory lasts at most."""


class Asks(Protocol):
    """What the gate asks of the directory; see `ldap.Directory`."""

    def login(self, name: str, password: str) -> Person: ...
    def person(self, person_id: str) -> Person | None: ...


class Gate:
    """Who may pass.

    `caller` is the system's user, as the system vouches for it; `token` stands for their session.
    `holds_keys`: the caller can read the cluster's keys anyway, and may go round the directory.
    `enrol(person, role)` enters whoever logs in in the records, and gives the owner they are.
    """

    def __init__(
        self,
        cluster: Cluster,
        ldap: Ldap,
        caller: str,
        token: str,
        *,
        holds_keys: bool,
        enrol: Callable[[Person, str], str],
        directory: Asks | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._ldap = ldap
        self._caller = caller
        self._token = token
        self._holds_keys = holds_keys
        self._enrol = enrol
        self._known = directory
        self._now = now
        self._sessions = Sessions(cluster.state_dir / SESSIONS, cluster.name, idle=ldap.idle)
        self._attempts = Attempts(cluster.state_dir / ATTEMPTS)

    def who(self, *, changing: bool) -> Who:
        """Whoever the session belongs to, as the directory has them now. Raises NotAllowed where
        that is nobody, and Away where the directory must be asked and is away."""
        if not self._token:
            raise not_logged_in()
        session = self._sessions.find(self._token, self._caller, now=self._now())
        if session.local:
            if not self._holds_keys:
                raise not_logged_in()
            return _somebody(session.person, session.owner, "admin", by="local")
        session = self._checked(session, changing)
        role = role_of(session.person, self._ldap.roles)
        if not role:
            self._sessions.end(self._token)
            raise _in_no_group(session.person.name)
        return _somebody(session.person, session.owner, role, by="directory")

    def whoami(self) -> Who:
        """Whom the caller is taken for."""
        return self.who(changing=False)

    def login(self, name: str, password: str) -> LoggedIn:
        """Begin a session for whoever the directory says it is."""
        from nap_compose.auth.ldap import WrongPassword

        now = self._now()
        names = (f"name {_as_compared(name)}", f"caller {self._caller}")
        with self._attempts.trying(*names, now=now) as attempt:
            try:
                person = self._directory.login(name, password)
            except WrongPassword:
                attempt.right = False
                raise
            attempt.right = True
        role = role_of(person, self._ldap.roles)
        if not role:
            raise _in_no_group(person.name)
        who = _somebody(person, self._enrol(person, role), role, by="directory")
        return self._begun(person, who, longest=self._ldap.session)

    def login_locally(self) -> LoggedIn:
        """Begin a session as an admin without asking the directory."""
        if not self._holds_keys:
            raise NotAllowed(
                "only who may read the cluster's keys gets in without the directory",
                hint="nap login asks for your name and password",
            )
        person = Person(id=f"local:{self._caller}", name=self._caller, dn="")
        who = _somebody(person, owner_of(self._caller), "admin", by="local")
        return self._begun(person, who, longest=min(LOCALLY, self._ldap.session), local=True)

    def logout(self) -> None:
        """End the session, if there is one."""
        if self._token:
            self._sessions.end(self._token)
            self._token = ""

    def _begun(self, person: Person, who: Who, *, longest: float, local: bool = False) -> LoggedIn:
        token, session = self._sessions.begin(
            person, who.owner, self._caller, now=self._now(), longest=longest, local=local
        )
        self.logout()
        self._token = token
        return LoggedIn(who=who, token=token, ends=session.ends)

    def _checked(self, session: Session, changing: bool) -> Session:
        """The session with the directory's answer, as new as it must be."""
        age = self._now() - session.checked
        if 0 <= age < self._ldap.recheck * (1.0 if changing else READS):
            return session
        try:
            person = self._directory.person(session.person.id)
        except Away:
            if changing or age > READS_WITHOUT:
                raise
            return session
        if person is None:
            self._sessions.end(self._token)
            raise NotAllowed(
                f"{session.person.name} is no longer in the directory",
                hint="ask whoever keeps the directory",
            )
        session = replace(session, person=person, checked=self._now())
        self._sessions.keep(self._token, session)
        return session

    @property
    def _directory(self) -> Asks:
        if self._known is None:
            from nap_compose.auth.ldap import Directory

            self._known = Directory(self._ldap)
        return self._known


def _somebody(person: Person, owner: str, role: str, *, by: str) -> Who:
    return Who(
        name=person.name,
        owner=owner,
        role=role,
        id=person.id,
        groups=short_names(person.groups),
        by=by,
    )


def _as_compared(name: str) -> str:
    """A name as directories compare it: however somebody spells it, it is one whose password is
    tried."""
    from unicodedata import normalize

    return " ".join(normalize("NFKC", name).casefold().split())


def _in_no_group(name: str) -> NotAllowed:
    return NotAllowed(
        f"{name} is in none of the groups that may use this cluster",
        hint="ask whoever keeps the directory; ldap.roles in the cluster file names the groups",
    )
