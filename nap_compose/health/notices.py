"""What is told to whom, and what was told already. Pure.

What is wrong is a state: it is told when it begins, when it gets worse, and when it is over, each
once, and only when two looks agree. What happened (a failover, or that it was refused) is told
once, whoever leads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from nap_compose.border import Grade, StatusRow
from nap_compose.clock import written
from nap_compose.cluster.notify import Recipient
from nap_compose.health.records import Happening, HostHealth, HostRecord
from nap_compose.plaindata import dataclass

KIND_OF = {
    "apps": "app",
    "storage": "volume",
    "disks": "disk",
    "certificates": "certificate",
    "logs": "logs",
    "backup": "backup",
    "consul": "service",
    "networks": "service",
    "records": "service",
    "directory": "service",
}
"""The kind of notice by the part of `nap status`. Hosts are told by the watcher's records, which
know a host that is lost from one that is slow."""

ALREADY_TOMORROW = ("certificate", "backup")
"""Of these a warning is told too: once it is a fault it is late."""

SLOW_TO_CHANGE = timedelta(hours=6)
"""For so long what failed or waits isn't told again in the same words."""
LOOK_BACK = timedelta(minutes=10)
"""So much older than the last look may an event be that is written late."""


@dataclass(frozen=True)
class Notice:
    """Something to tell. `id` never changes, so that who gets it twice can tell; `state` is bad,
    good (it is over) or done (it happened); `remedy` is what to type."""

    id: str
    at: str
    kind: str
    subject: str
    state: str
    text: str
    remedy: str = ""
    owner: str = ""
    app: str = ""

    def as_json(self) -> dict[str, str]:
        """As it is kept and sent."""
        return asdict(self)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Notice:
        """Read what `as_json` gave."""
        return cls(**{name: str(value.get(name, "")) for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Wrong:
    """A state that isn't as it should be, by its key (kind and subject)."""

    kind: str
    subject: str
    grade: str
    text: str
    remedy: str = ""
    owner: str = ""
    app: str = ""

    @property
    def key(self) -> str:
        """What it is, whatever its words are now."""
        return f"{self.kind} {self.subject}"


def wrong(rows: Iterable[StatusRow], hosts: Mapping[str, HostRecord] | None) -> dict[str, Wrong]:
    """What is wrong now, by key; several rows about one thing are one."""
    found: dict[str, Wrong] = {}
    for row in rows:
        kind = KIND_OF.get(row.part)
        told = row.grade is Grade.FAULT or (row.grade is Grade.WARNING and kind in ALREADY_TOMORROW)
        if kind is None or not told:
            continue
        each = Wrong(kind, row.subject, row.grade.value, row.text, row.remedy, row.owner, row.app)
        before = found.get(each.key)
        if before is not None:
            worst = "fault" if "fault" in (before.grade, each.grade) else before.grade
            each = replace(before, grade=worst, text=f"{before.text}; {each.text}")
        found[each.key] = each
    for name, record in (hosts or {}).items():
        if record.state not in (HostHealth.UP, HostHealth.SILENT):
            text = f"is {record.state.value}" + (f": {record.why}" if record.why else "")
            each = Wrong("host", name, record.state.value, text, f"nap host inspect {name}")
            found[each.key] = each
    return found


def news(
    told: Mapping[str, str],
    now: Mapping[str, Wrong],
    last: Mapping[str, Wrong] | None,
    blind: frozenset[str],
    at: str,
) -> tuple[list[Notice], dict[str, str]]:
    """What is to be told, and what is told from then on: grades by key.

    `last` is what the look before found (None: there was none), `blind` are the kinds of which
    this look could see nothing: what was told of them stands.
    """
    if last is None:
        return [], dict(told)
    after = dict(told)
    notices = []
    for key, each in now.items():
        before = last.get(key)
        if before is None or before.grade != each.grade or told.get(key) == each.grade:
            continue
        after[key] = each.grade
        identity = _id(key, each.grade, at)
        what = (each.kind, each.subject, "bad", each.text, each.remedy, each.owner, each.app)
        notices.append(Notice(identity, at, *what))
    for key in told:
        kind, _, subject = key.partition(" ")
        if key in now or key in last or kind in blind:
            continue
        del after[key]
        text = _OVER.get(kind, "is as it should be again")
        owner, app = _of_app(subject) if kind == "app" else ("", "")
        identity = _id(key, "good", at)
        notices.append(Notice(identity, at, kind, subject, "good", text, "", owner, app))
    return notices, after


def _of_app(subject: str) -> tuple[str, str]:
    """Whose the app is, and its name; embedded it is nobody's."""
    owner, slash, app = subject.partition("/")
    return (owner, app) if slash else ("", subject)


_OVER = {"host": "is back", "app": "is well again", "service": "answers again"}

_OF_EVENTS = {"failover": "done", "failed": "bad", "waits": "bad"}


def events(
    told: Mapping[str, str], happenings: Iterable[Happening], since: str, at: str
) -> tuple[list[Notice], dict[str, str]]:
    """Failovers that were done or refused since `since` (UTC text), and what counts as told from
    then on: moments by what happened."""
    begin = _before(since, LOOK_BACK)
    old = _before(at, SLOW_TO_CHANGE + LOOK_BACK)
    after = {key: moment for key, moment in told.items() if moment >= old}
    notices = []
    for each in happenings:
        if each.kind not in _OF_EVENTS or each.at < begin:
            continue
        subject = f"{each.owner}/{each.app}" if each.owner else each.app or each.host or "cluster"
        once = each.at if each.kind == "failover" else ""
        key = _id(each.kind, subject, each.text, once)
        if key in after:
            continue
        after[key] = each.at
        state = _OF_EVENTS[each.kind]
        remedy = "" if state == "done" else "nap health events; docs/health.md"
        what = ("failover", subject, state, each.text, remedy, each.owner, each.app)
        notices.append(Notice(_id(key, each.at), each.at, *what))
    return notices, after


def recipients(notice: Notice, all_of_them: Iterable[Recipient]) -> Iterator[Recipient]:
    """Who is told of it."""
    for each in all_of_them:
        if each.kinds and notice.kind not in each.kinds:
            continue
        if each.owners is not None and not (
            notice.owner and (notice.owner in each.owners or "*" in each.owners)
        ):
            continue
        yield each


def _id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _before(at: str, span: timedelta) -> str:
    return written(datetime.fromisoformat(at.replace("Z", "+00:00")) - span)
