"""The guard at the border: every call of every command is checked here, and nowhere else.

It stands before whatever carries the calls out, in one process and behind the stream alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import is_dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from nap_compose.auth.rights import Right, Shares, check, needed, sees
from nap_compose.border import ACCESS, Listing, Who
from nap_compose.cluster.chosen import SERVICE
from nap_compose.control.handed import Handed, about
from nap_compose.errors import Away, NotAllowed, WrongUse

if TYPE_CHECKING:
    from nap_compose.auth.gate import Gate
    from nap_compose.auth.people import Person
    from nap_compose.border import Control
    from nap_compose.cluster.cluster import Cluster
    from nap_compose.control.local import LocalControl
    from nap_compose.control.parts import Parts

Seen = Mapping[tuple[str, str], str]

_GATE = ("whoami", "login", "login_locally", "logout")
"""The calls about the caller, which the gate answers where there is one."""

_LONGEST_NAME = 255

_VERBS = {
    "standing": "status",
    "execute": "exec",
    "forward": "port-forward",
    "make_oneoff": "run",
    "run_oneoff": "run start",
    "fetch": "cp from",
    "store": "cp to",
    "run_plan": "up --plan",
    "change_host": "host",
    "drain": "host drain",
    "rebalance": "host rebalance",
    "confirm_lost": "host confirm-lost",
    "set_stored": "storage set",
    "snapshot": "storage snapshot",
    "restore_stored": "storage restore",
    "remove_stored": "storage rm",
    "move_volume": "volume move",
    "save_volume": "volume backup",
    "restore_volume": "volume restore",
    "move_back": "adopt --back",
    "settle_in": "adopt --done",
    "release_locks": "storage release",
    "set_up_storage": "storage init",
    "try_notify": "notify test",
    "offboard": "user offboard",
    "give_app": "app give",
    "take_app": "app take",
    "log_in_at_registry": "registry login",
    "log_out_of_registry": "registry logout",
}
"""How the audit trail calls a call whose own name isn't the command's."""


class Guard:
    """A Control that asks first whether the caller may; `inner` carries the calls out."""

    def __init__(self, inner: Handed, gate: Gate | None, shares: Shares) -> None:
        self._inner = inner
        self._gate = gate
        self._shares = shares

    def __getattr__(self, call: str) -> Callable[..., Any]:
        """A call of the border, made only where the caller may make it."""
        right = needed(call)
        by_the_gate = self._gate is not None and call in _GATE
        carried_out: Callable[..., Any] = getattr(self._gate if by_the_gate else self._inner, call)

        def guarded(*args: Any, **kwargs: Any) -> Any:
            if by_the_gate and call != "whoami":
                return self._through_the_gate(call, carried_out, *args)
            if right is Right.OPEN:
                return carried_out(*args, **kwargs)
            if any(is_dataclass(each) for each in kwargs.values()):
                raise WrongUse(f"'{call}' is told what it is about by its first argument")
            who = self._caller(changing=right.changes)
            self._count(who, right)
            owner, app = about(args[0]) if args else ("", "")
            try:
                check(who, _right_to(right, args), owner, app, self._shares)
            except NotAllowed as refusal:
                self._inner.parts.trail.refused(
                    who, _verb(call, args), str(refusal), owner=owner or who.owner, app=app
                )
                raise
            if right.changes and who.role != "admin" and owner not in ("", who.owner):
                self._check_owner(who, _verb(call, args), owner, app)
            self._inner.acts_for(who, owner)
            answer = carried_out(*args, **kwargs)
            return answer if right is not Right.LOOK else self._for_the_eyes_of(who, answer)

        return guarded

    def _through_the_gate(self, call: str, carried_out: Callable[..., Any], *args: Any) -> Any:
        """Logging in and out, with what came of it in the audit trail. Of a login that is refused
        the name is the one that was tried."""
        nobody = Who((args[0] if args else self._inner.whoami().name)[:_LONGEST_NAME], "")
        trail = self._inner.parts.trail
        try:
            answer = carried_out(*args)
        except NotAllowed as refusal:
            trail.refused(nobody, call, str(refusal))
            raise
        trail.happened(getattr(answer, "who", nobody), call)
        return answer

    def _count(self, who: Who, right: Right) -> None:
        """Refuse whoever asks too often; admins and nap's own services may always."""
        if who.role == "admin":
            return
        from nap_compose.auth.rates import FOLDER, Rates

        cluster = self._inner.parts.cluster
        rates = Rates(cluster.state_dir / FOLDER)
        rates.take(who.owner, "calls", cluster.policy.calls, now=time.time())
        if right.changes:
            rates.take(who.owner, "changes", cluster.policy.changes, now=time.time())

    def _check_owner(self, who: Who, verb: str, owner: str, app: str) -> None:
        """What others share takes no change once they have left."""
        from nap_compose.control.owners import check_still_there

        try:
            check_still_there(self._inner.parts, owner, app)
        except NotAllowed as refusal:
            self._inner.parts.trail.refused(who, verb, str(refusal), owner=owner, app=app)
            raise

    def _caller(self, *, changing: bool) -> Who:
        """Who calls: as the directory says where there is one, else as the system does."""
        return self._gate.who(changing=changing) if self._gate else self._inner.whoami()

    def _for_the_eyes_of(self, who: Who, answer: Any) -> Any:
        if who.role == "admin":
            return answer
        try:
            shared = self._shares.shared(who)
        except Away:  # what others share isn't seen then; looking at one's own goes on
            shared = {}
        if isinstance(answer, Listing):
            return _of_listing(answer, who, shared)
        if isinstance(answer, Iterator):
            return _of_stream(answer, who, shared)
        if isinstance(answer, (list, tuple)):
            return _visible(answer, who, shared)
        there = getattr(answer, "containers", None)
        if there is None:
            return answer
        # Volumes of a host are names alone, which say whose they are.
        bare = {"volumes": ()} if hasattr(answer, "volumes") else {}
        return replace(answer, containers=_visible(there, who, shared), **bare)


def guarded(
    control: LocalControl, cluster: Cluster, caller: str, token: str, *, holds_keys: bool
) -> Control:
    """The control with the guard before it; the rest as in `auth.gate.Gate`."""
    gate = None
    if holds_keys and caller == SERVICE:
        control.acts_for(replace(control.whoami(), role="admin", by="service"), "")
    elif cluster.ldap is not None:
        from nap_compose.auth.gate import Gate

        def enrol(person: Person, role: str) -> str:
            from nap_compose.control.enrolling import enrolled

            return enrolled(control.parts.records, person, role)

        gate = Gate(cluster, cluster.ldap, caller, token, holds_keys=holds_keys, enrol=enrol)
    handed = Handed(control, lambda call: needed(call).changes)
    return cast("Control", Guard(handed, gate, Given(control.parts)))


class Given:
    """What is shared, from the records."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def shared(self, who: Who) -> Seen:
        """The apps of others that `who` may view, operate or take; the mightiest word counts."""
        from nap_compose.db.people import group

        grantees = [who.owner, *map(group, who.groups)]
        given = self._parts.given(now=False)
        found: dict[tuple[str, str], str] = {}
        for app, share in self._parts.records.shared_with(grantees):
            key = (given.owner(app.owner, app.name), app.name)
            found[key] = max(found.get(key, ""), share.access, key=_might)
        return found


def _might(access: str) -> int:
    """A higher number for what lets somebody do more; 0 for what nap doesn't know."""
    return ACCESS.index(access) + 1 if access in ACCESS else 0


def _verb(call: str, args: tuple[Any, ...]) -> str:
    """What the caller asked for, as the audit trail has it."""
    if call == "act":
        return str(args[0].verb.value)
    return _VERBS.get(call, call.replace("_", " "))


def _right_to(right: Right, args: tuple[Any, ...]) -> Right:
    """Values of the environment are for those who may operate the app."""
    return Right.OPERATE if args and getattr(args[0], "show_values", False) else right


def _of_listing(listing: Listing, who: Who, shared: Seen) -> Listing:
    return replace(listing, rows=_visible(listing.rows, who, shared))


def _of_stream(items: Iterator[Any], who: Who, shared: Seen) -> Iterator[Any]:
    for item in items:
        if isinstance(item, Listing):
            yield _of_listing(item, who, shared)
        else:
            yield from _visible((item,), who, shared)


def _visible(rows: Iterable[Any], who: Who, shared: Seen) -> tuple[Any, ...]:
    """The rows that `who` may see; one that says of no app whose it is concerns everybody."""
    return tuple(row for row in rows if _is_visible(row, who, shared))


def _is_visible(row: Any, who: Who, shared: Seen) -> bool:
    of = getattr(row, "of", row)
    return not hasattr(of, "owner") or sees(who, of.owner, of.app, shared)
