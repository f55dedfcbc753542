"""Who is told when something needs a person: what `notify` of the cluster file says. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from nap_compose.plaindata import dataclass

KINDS = (
    *("host", "failover", "app", "volume", "disk", "certificate", "logs", "backup", "service"),
)
"""What is told of. `service`: Consul, the records' database, the directory, the networks."""


@dataclass(frozen=True)
class Webhook:
    """Where JSON is posted: `url`, or what `url_file` holds where the address is a secret; with
    what `token_file` holds as the bearer's token."""

    url: str = ""
    url_file: Path | None = None
    token_file: Path | None = None


@dataclass(frozen=True)
class Mail:
    """Mail by way of `smtp` (HOST:PORT). In `to`, `{owner}` stands for the app's owner.

    `tls`: "starttls", "tls" from the first byte, or "none".
    """

    smtp: str
    sender: str
    to: tuple[str, ...]
    tls: str = "starttls"
    ca: Path | None = None
    user: str = ""
    password_file: Path | None = None


@dataclass(frozen=True)
class Recipient:
    """One way to tell somebody: exactly one of `webhook`, `mail` and `command` (in words; it is
    given JSON on its standard input).

    `kinds`: of these alone (empty: of all). `owners`: whose apps it is about, `*` for anybody's;
    None: it is for admins, and everything is told.
    """

    name: str
    webhook: Webhook | None = None
    mail: Mail | None = None
    command: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    owners: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Notify:
    """The recipients by name; every `every` seconds the watcher looks whether there is news."""

    to: Mapping[str, Recipient] = field(default_factory=dict)
    every: float = 30.0


NOBODY = Notify()
"""Where the cluster file says nothing of it."""
