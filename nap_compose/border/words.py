"""What every part of the border speaks of: who asks, about what, and how it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from nap_compose.cluster.labels import RESERVED
from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from nap_compose.compose.rows import Site

RESERVED_LABELS = RESERVED
"""Label prefixes that nobody but nap sets."""


@dataclass(frozen=True)
class Who:
    """Who the other side takes the caller for. `owner` is empty when embedded.

    `role` is admin, user or viewer; `groups` are what people call the caller's groups; `by` says
    who vouches for it: "system", "directory", "local" (somebody who holds the cluster's keys) or
    "service" (nap's own account).
    `id` is what never changes about somebody, empty for the system's users.
    """

    name: str
    owner: str
    role: str = "admin"
    id: str = ""
    groups: tuple[str, ...] = ()
    by: str = "system"


@dataclass(frozen=True)
class Target:
    """`[owner/]app[/service[.N]]`; an empty part is "every", replica 0 is "each".

    `oneoff` is the name of a container that `run` made for the service, and means that one.
    """

    app: str = ""
    owner: str = ""
    service: str = ""
    replica: int = 0
    oneoff: str = ""


@dataclass(frozen=True)
class Listing:
    """Rows, and warnings such as a host that wasn't seen (one sentence each)."""

    rows: tuple[Any, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """What of an app nap won't carry out: `path` leads to it in the app's document."""

    path: tuple[str | int, ...]
    message: str
    hint: str | None = None


@dataclass(frozen=True)
class Checked:
    """Where an app would run, and what of it would be refused there."""

    site: Site
    refused: tuple[Refusal, ...] = ()


class Cancel(Protocol):
    """Whether the person has pressed Ctrl-C: 0 no, 1 finish what runs, 2 end at once."""

    @property
    def level(self) -> int: ...


class Hold(Protocol):
    """Whether the person's side has something under way for which a stream is to stay open."""

    @property
    def held(self) -> bool: ...
