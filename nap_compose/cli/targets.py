"""The words that say which app, service or replica a command is about.

A TARGET is `[owner/]app[/service[.N]]`. Where a file or `-p` gives the app, a bare word is one of
its services, otherwise it is an app.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nap_compose.errors import WrongUse
from nap_compose.plaindata import dataclass
from nap_compose.text import nearest

if TYPE_CHECKING:
    from nap_compose.border import AppRow, Control, Target


@dataclass(frozen=True)
class Slot:
    """A service, or with `replica` over 0 one replica of it."""

    service: str
    replica: int = 0

    def holds(self, service: str, replica: int) -> bool:
        """Whether that replica is meant."""
        return service == self.service and self.replica in (0, replica)


@dataclass(frozen=True)
class Aim:
    """What the words come to: one app, or every one (`app` empty), and some of its replicas."""

    app: str = ""
    owner: str = ""
    slots: tuple[Slot, ...] = ()

    def holds(self, service: str, replica: int) -> bool:
        """Whether that replica is meant; without slots each one is."""
        return not self.slots or any(slot.holds(service, replica) for slot in self.slots)

    @property
    def services(self) -> tuple[str, ...]:
        """The services named, each once."""
        return tuple(dict.fromkeys(slot.service for slot in self.slots))

    def targets(self) -> tuple[Target, ...]:
        """Each service or replica named, as the border wants it; none stands for the whole app."""
        from nap_compose.border import Target

        return tuple(
            Target(self.app, self.owner, slot.service, slot.replica) for slot in self.slots
        )

    def target(self) -> Target:
        """As the border wants it: narrowed to the one slot where there is just one.

        A word that is also the app's name may stand for all of it, which `settle` tells later.
        """
        from nap_compose.border import Target

        if len(self.slots) == 1 and self.slots[0].service != self.app:
            (slot,) = self.slots
            return Target(self.app, self.owner, slot.service, slot.replica)
        return Target(self.app, self.owner)


def aim(words: Sequence[str], app: str | None, control: Control) -> Aim:
    """What `words` mean, where a file or `-p` gives `app` (None: neither does).

    Raises WrongUse where a word fits two things, or words name two apps.
    """
    apps = _Apps(control)
    if not words:
        return Aim(app, apps.me) if app else Aim()
    if app is not None and not any("/" in word for word in words):
        for word in words:
            apps.refuse_if_also_an_app(word, app)
        return Aim(app, apps.me, tuple(slot(word) for word in words))
    first = _qualified(words[0], apps)
    rest = [_within(word, first, apps) for word in words[1:]]
    slots = (*first.slots, *(slot for each in rest for slot in each))
    # `shop shop/web` names the whole app already.
    return Aim(first.app, first.owner, slots if first.slots or rest else ())


def slot(word: str) -> Slot:
    """`web` or `web.2`. A service's own name may hold dots: only a number at the end counts."""
    service, dot, number = word.rpartition(".")
    if dot and service and number.isdecimal() and int(number) > 0:
        return Slot(service, int(number))
    return Slot(word)


def settle(aimed: Aim, known: Iterable[str]) -> Aim:
    """The aim with its services checked against those that are `known`.

    A word that is no service but the app's own name stands for the whole app. Raises WrongUse for
    a service that isn't known.
    """
    names = set(known)
    for service in aimed.services:
        if service == aimed.app and service not in names:
            rest = tuple(each for each in aimed.slots if each.service != service)
            return settle(replace(aimed, slots=rest), names)
        if service not in names:
            near = nearest(service, names)
            listed = f"it has: {', '.join(sorted(names))}" if names else "it has no containers"
            raise WrongUse(
                f"there is no service '{service}' in the app {aimed.app}",
                hint=f"did you mean '{near}'?" if near else listed,
            )
    return aimed


class _Apps:
    """The apps of the cluster, asked for once, and only when a word could be one."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._rows: tuple[AppRow, ...] | None = None

    @property
    def me(self) -> str:
        """The caller's owner; empty when embedded."""
        return self._control.whoami().owner

    def has(self, owner: str, app: str) -> bool:
        """Whether there is such an app."""
        if self._rows is None:
            self._rows = tuple(self._control.apps().rows)
        return any((row.owner, row.app) == (owner, app) for row in self._rows)

    def of_others(self, owner: str, app: str) -> bool:
        """Of `owner/app` of which nothing runs: whether that is rather another user's app, gone or
        not for the caller's eyes, than a service of an app of their own."""
        listing = self._control.apps(recorded=True)
        known = {(row.owner, row.app) for row in listing.rows}
        if (self.me, owner) in known or (owner, app) in known:
            return (self.me, owner) not in known
        mine = (name for whose, name in known if whose == self.me)
        return not listing.warnings and nearest(owner, mine) is None

    def refuse_if_also_an_app(self, word: str, app: str) -> None:
        """On a cluster a bare word may be both; embedded it is a service, as in Compose."""
        if self.me and word != app and "." not in word and self.has(self.me, word):
            rows = self._control.ps(Aim(app, self.me).target(), stopped=True).rows
            if not any(row.service == word for row in rows):
                return
            raise WrongUse(
                f"'{word}' is a service of {app} and an app too",
                hint=f"write {app}/{word} for the service, -p {word} for the app",
            )


def _qualified(word: str, apps: _Apps) -> Aim:
    """The first word: `app`, `app/service`, `owner/app`, `owner/app/service` or `owner/app/`."""
    parts = word.split("/")
    if len(parts) > 3 or not all(parts[:2]):
        raise WrongUse(f"'{word}' names nothing", hint="write [owner/]app[/service[.N]]")
    if len(parts) == 1:
        return Aim(parts[0], apps.me)
    if len(parts) == 3:
        owner, app, service = parts
        return Aim(app, owner, (slot(service),) if service else ())
    as_service = Aim(parts[0], apps.me, (slot(parts[1]),))
    if not apps.me or "." in parts[1]:  # no app's name has a dot: that is service.N
        return as_service
    as_app = Aim(parts[1], parts[0])
    is_service, is_app = apps.has(apps.me, parts[0]), apps.has(parts[0], parts[1])
    if not is_service and not is_app:
        return as_app if apps.of_others(parts[0], parts[1]) else as_service
    if is_service and is_app:
        raise WrongUse(
            f"'{word}' is a service of your app {parts[0]} and an app of {parts[0]}'s too",
            hint=f"write {apps.me}/{word} for the service, {word}/ for the app",
        )
    return as_app if is_app else as_service


def _within(word: str, first: Aim, apps: _Apps) -> tuple[Slot, ...]:
    """A later word: a service of the first one's app, bare or in full."""
    if "/" not in word:
        return (slot(word),)
    other = _qualified(word, apps)
    if (other.app, other.owner) != (first.app, first.owner):
        raise WrongUse(
            f"'{word}' is of another app than {first.app}", hint="name one app at a time"
        )
    return other.slots
