"""What each call asks of whoever makes it, and whether they may. One table, closed by default."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Protocol

from nap_compose.border import Who
from nap_compose.errors import NotAllowed


class Right(Enum):
    """What a call needs."""

    OPEN = "nothing: it says nothing of the cluster, or is how one logs in"
    LOOK = "a role; of what it gives, only what the caller may view"
    VIEW = "to view the app"
    OPERATE = "to operate the app"
    DEPLOY = "to be a user; the app is the caller's own"
    OWN = "to own the app"
    TAKE = "to be a user to whom the owner offered the app"
    ADMIN = "to be an admin"

    @property
    def changes(self) -> bool:
        """Whether the directory's answer must be as fresh as before a change."""
        return self in (Right.OPERATE, Right.DEPLOY, Right.OWN, Right.TAKE, Right.ADMIN)


CALLS: Mapping[str, Right] = {
    "notices": Right.OPEN,
    "site": Right.OPEN,
    "close": Right.OPEN,
    "login": Right.OPEN,
    "login_locally": Right.OPEN,
    "logout": Right.OPEN,
    "whoami": Right.OPEN,
    "check": Right.LOOK,
    "apps": Right.LOOK,
    "hosts": Right.LOOK,
    "host": Right.LOOK,
    "health": Right.LOOK,
    "health_events": Right.LOOK,
    "standing": Right.LOOK,
    "ps": Right.LOOK,
    "images": Right.LOOK,
    "volumes": Right.LOOK,
    "processes": Right.LOOK,
    "usage": Right.LOOK,
    "happenings": Right.LOOK,
    "app": Right.VIEW,
    "users": Right.LOOK,
    "audit": Right.LOOK,
    "quotas": Right.LOOK,
    "storage_status": Right.LOOK,
    "stored": Right.LOOK,
    "port": Right.VIEW,
    "logs": Right.VIEW,
    "collected": Right.VIEW,
    "kept_services": Right.VIEW,
    "search": Right.VIEW,
    "count_lines": Right.VIEW,
    "attend": Right.VIEW,
    "wait": Right.VIEW,
    "history": Right.VIEW,
    "diff": Right.VIEW,
    "replicas": Right.VIEW,
    "act": Right.OPERATE,
    "down": Right.OPERATE,
    "rollback": Right.OPERATE,
    "execute": Right.OPERATE,
    "attach": Right.OPERATE,
    "forward": Right.OPERATE,
    "run_oneoff": Right.OPERATE,
    "stat": Right.OPERATE,
    "fetch": Right.OPERATE,
    "store": Right.OPERATE,
    "export": Right.OPERATE,
    "commit": Right.OPERATE,
    "digests": Right.DEPLOY,
    "log_in_at_registry": Right.DEPLOY,
    "log_out_of_registry": Right.DEPLOY,
    "registry_logins": Right.LOOK,
    "up": Right.DEPLOY,
    "run_plan": Right.DEPLOY,
    "make_oneoff": Right.DEPLOY,
    "build": Right.DEPLOY,
    "pull": Right.DEPLOY,
    "push": Right.DEPLOY,
    "confirm_lost": Right.ADMIN,
    "adopt": Right.ADMIN,
    "move_back": Right.ADMIN,
    "settle_in": Right.ADMIN,
    "give_app": Right.OWN,
    "take_app": Right.TAKE,
    "share": Right.OWN,
    "shares": Right.OWN,
    "set_stored": Right.OWN,
    "snapshot": Right.OWN,
    "restore_stored": Right.OWN,
    "remove_stored": Right.OWN,
    "move_volume": Right.OWN,
    "save_volume": Right.OPERATE,
    "restore_volume": Right.OWN,
    "release_locks": Right.ADMIN,
    "set_up_storage": Right.ADMIN,
    "change_host": Right.ADMIN,
    "drain": Right.ADMIN,
    "rebalance": Right.ADMIN,
    "prune": Right.ADMIN,
    "collect": Right.ADMIN,
    "check_health": Right.ADMIN,
    "watch_health": Right.ADMIN,
    "check_up": Right.ADMIN,
    "try_notify": Right.ADMIN,
    "set_quota": Right.ADMIN,
    "offboard": Right.ADMIN,
    "verify_audit": Right.ADMIN,
    "records_status": Right.ADMIN,
    "migrate_records": Right.ADMIN,
    "backup_records": Right.ADMIN,
    "restore_records": Right.ADMIN,
    "rekey_records": Right.ADMIN,
    "rebuild_records": Right.ADMIN,
}
"""The border's calls, and the right that each needs. What isn't here is refused."""


class Shares(Protocol):
    """What owners gave others."""

    def shared(self, who: Who) -> Mapping[tuple[str, str], str]:
        """The apps of others, (owner, app), that `who` may "view" or "operate", or "take" besides.
        Raises Away."""


_ENOUGH: Mapping[Right, tuple[str, ...]] = {
    Right.VIEW: ("view", "operate", "take"),
    Right.OPERATE: ("operate", "take"),
    Right.DEPLOY: ("operate", "take"),
    Right.TAKE: ("take",),
    Right.OWN: (),
}
"""What an owner lets somebody do that is enough for a right to an app of theirs."""

_WORDS = {Right.VIEW: "view", Right.TAKE: "take"}


def needed(call: str) -> Right:
    """What a call needs. Raises NotAllowed for one that has no rule."""
    if call not in CALLS:
        raise NotAllowed(f"nobody may ask for '{call}'")
    return CALLS[call]


def check(who: Who, right: Right, owner: str, app: str, shares: Shares) -> None:
    """Raise NotAllowed where `who` lacks the right to `owner`'s `app`, or to the call at all."""
    if right in (Right.OPEN, Right.LOOK) or who.role == "admin":
        return
    if right is Right.OPERATE and not app:
        raise NotAllowed("it isn't said which app this is about")
    if right is Right.ADMIN:
        raise NotAllowed(
            f"this is for admins, and {who.name} is a {who.role}", hint="nap whoami shows your role"
        )
    if who.role != "user" and right is not Right.VIEW:
        raise NotAllowed(
            f"a {who.role} changes nothing, and looks into no container",
            hint="nap whoami shows your role",
        )
    if owner in ("", who.owner):
        return
    given = "" if right is Right.OWN else shares.shared(who).get((owner, app), "")
    if given in _ENOUGH[right]:
        return
    word = _WORDS.get(right, "change")
    raise NotAllowed(
        f"{owner}/{app} isn't yours to {word}", hint=f"{owner} or an admin may share it with you"
    )


def sees(who: Who, owner: str, app: str, shared: Mapping[tuple[str, str], str]) -> bool:
    """Whether a row about that app is for `who`'s eyes."""
    return who.role == "admin" or owner == who.owner or (owner, app) in shared
