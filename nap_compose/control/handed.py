"""A Control for which every app is its owner's now, before one that knows apps by who made them.

It stands between the guard, which judges by owners, and what carries the calls out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import is_dataclass, replace
from typing import TYPE_CHECKING, Any

from nap_compose.border import Listing, Target
from nap_compose.compose.model import App
from nap_compose.control.given import GivenApps

if TYPE_CHECKING:
    from nap_compose.border import Who
    from nap_compose.control.local import LocalControl
    from nap_compose.control.parts import Parts

PLAIN = frozenset(
    {
        *(
            "notices",
            "site",
            "check",
            "close",
            "users",
            "quotas",
            "set_quota",
            "offboard",
            "log_in_at_registry",
            "log_out_of_registry",
            "registry_logins",
            "whoami",
            "login",
            "login_locally",
            "logout",
        ),
        *("records_status", "migrate_records", "backup_records", "restore_records"),
        # It tells of each app under its owner itself: the name stands in what is to be typed too.
        "standing",
        # The trail keeps the name that an app had at the time.
        *("audit", "verify_audit"),
    }
)
"""The calls that are about no app as it is now, and need not know whose any is."""


class Handed:
    """`inner` carries the calls out, with `asks_now` telling which calls change something."""

    def __init__(self, inner: LocalControl, asks_now: Callable[[str], bool]) -> None:
        self._inner = inner
        self._asks_now = asks_now
        self._who: Who = inner.whoami()
        self._owner = ""

    @property
    def parts(self) -> Parts:
        """What it works with."""
        return self._inner.parts

    def whoami(self) -> Who:
        """Who calls."""
        return self._who

    def acts_for(self, who: Who, owner: str) -> None:
        """Let the calls that come be that person's, on an app of `owner`'s."""
        self._who, self._owner = who, owner
        self._inner.acts_for(who, owner)

    def __getattr__(self, call: str) -> Any:
        """A call of the border, about apps as they are called on the hosts."""
        carried_out = getattr(self._inner, call)
        if call in PLAIN or not callable(carried_out):
            return carried_out

        def handed(*args: Any, **kwargs: Any) -> Any:
            given = self.parts.given(now=self._asks_now(call))
            if not given.owners:
                return carried_out(*args, **kwargs)
            owner, app = about(args[0]) if args else ("", "")
            if app:
                maker = given.maker(owner or self._who.owner, app)
                # A model says no owner: it is deployed under the caller's.
                bare = isinstance(args[0].app, App) if hasattr(args[0], "app") else False
                who = replace(self._who, owner=maker) if bare else self._who
                self._inner.acts_for(who, maker, app)
            asked = [_inward(each, self._who, given) for each in args]
            try:
                return _outward(carried_out(*asked, **kwargs), given)
            finally:
                self._inner.acts_for(self._who, self._owner)

        return handed


def about(asked: Any) -> tuple[str, str]:
    """The owner and name of the app that a call's first argument is about; empty where it names
    none. An empty owner is the caller."""
    for part in ("chosen", "target"):
        asked = getattr(asked, part, asked)
    if isinstance(asked, Target):
        return asked.owner, asked.app
    app = getattr(asked, "app", "")
    return getattr(asked, "owner", ""), app if isinstance(app, str) else app.name


def _inward(asked: Any, who: Who, given: GivenApps) -> Any:
    """The same question about the app as it is called on the hosts."""
    if not is_dataclass(asked) or isinstance(asked, type):
        return asked
    for part in ("chosen", "target", "lines"):
        inner = vars(asked).get(part)  # what is worked out from another part isn't to be replaced
        if is_dataclass(inner):
            return replace(asked, **{part: _inward(inner, who, given)})
    app = getattr(asked, "app", None)
    if not isinstance(app, str) or not app or not hasattr(asked, "owner"):
        return asked
    changes: dict[str, Any] = {"owner": given.maker(asked.owner or who.owner, app)}
    targets = getattr(asked, "targets", ())
    if targets:
        changes["targets"] = tuple(_inward(each, who, given) for each in targets)
    return replace(asked, **changes)


def _outward(answer: Any, given: GivenApps) -> Any:
    """The same answer, with each app its owner's."""
    if isinstance(answer, Listing):
        return replace(answer, rows=tuple(_outward(row, given) for row in answer.rows))
    if isinstance(answer, Iterator):
        return (_outward(each, given) for each in answer)
    if isinstance(answer, (list, tuple)) and not hasattr(answer, "_fields"):
        return type(answer)(_outward(each, given) for each in answer)
    if not is_dataclass(answer) or isinstance(answer, type):
        return answer
    for part in ("of", "saved", "target", "containers", "shares"):
        inner = getattr(answer, part, None)
        if inner:
            answer = replace(answer, **{part: _outward(inner, given)})
    owner, app = getattr(answer, "owner", None), getattr(answer, "app", None)
    if isinstance(owner, str) and isinstance(app, str) and (owner, app) in given.owners:
        return replace(answer, owner=given.owner(owner, app))
    return answer
